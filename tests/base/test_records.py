"""JSON against a schema: whatever a file holds, there is a value of the stated form, or one line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.records import Count, Head, check_head, parse, read, read_ours
from minireid.recipes.recipe import load


@dataclass(frozen=True)
class Person:
    number: Annotated[int, Meta(ge=1)]
    height: Annotated[float, Meta(gt=0, le=3)] = 1.7
    role: Literal["train", "test"] | None = None
    tracks: tuple[Count, ...] = ()


def parsed(text: str | bytes) -> Person:
    return parse(text, Person, where="people.json", remedy="write it again")


def test_what_fits_comes_back() -> None:
    text = '{"number": 3, "height": 2, "role": "test", "tracks": [0, 7], "more": [1]}'
    assert parsed(text) == Person(3, 2.0, "test", (0, 7))


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "truncated"),
        ("[]", "expected object, got array"),
        ("{}", "missing required field number"),
        ('{"number": 0}', "expected int >= 1 in number"),
        ('{"number": "3"}', "expected int, got str in number"),
        ('{"number": true}', "expected int, got bool in number"),
        ('{"number": 3.5}', "expected int, got float in number"),
        ('{"number": 1e400}', "number out of range in number"),
        ('{"number": ' + "1" * 5000 + "}", "out of range"),
        ('{"number": 3, "height": NaN}', "malformed"),
        ('{"number": 3, "height": 1e999}', "out of range"),
        ('{"number": 3, "height": 0}', "expected float > 0.0 in height"),
        ('{"number": 3, "role": "both"}', "invalid enum value 'both' in role"),
        ('{"number": 3, "tracks": [0, -1]}', r"expected int >= 0 in tracks\[1\]"),
        ('{"number": 3, "tracks": ' + "[" * 100_000 + "}", "expected int, got array"),
        ('{"number": 3, "more": ' + "[" * 100_000 + "}", "nested too deeply"),
        (b"\xff\xfe{\x00", "damaged"),
        ('{"number": 3, "role": "' + "\x7f" * 200 + '"}', r"invalid enum value '(\\x7f)+"),
        (b'{"number": 3, "\xff": 1}', "can't decode byte 0xff"),
        (b'{"number": 3, "role": "\xff"}', "damaged"),
    ],
)
def test_what_does_not_fit_is_one_line(text: str | bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as fault:
        parsed(text)
    said = str(fault.value)
    assert said.startswith("people.json is damaged (") and said.endswith("): write it again") and "\n" not in said
    assert len(said) < 300
    assert len(said) < 300


TEXTS = st.sampled_from(["", "train", "number", "é\0", "3"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries({}, optional={key: VALUES for key in ("number", "height", "role", "tracks")})


@settings(derandomize=True, max_examples=300, deadline=None)
@given(FIELDS)
def test_any_value_is_of_the_stated_form_or_refused(fields: dict[str, Any]) -> None:
    try:
        person = parsed(json.dumps(fields))
    except InputError:
        return
    assert type(person.number) is int and person.number >= 1 and 0 < person.height <= 3
    assert person.role in (None, "train", "test") and all(type(t) is int and t >= 0 for t in person.tracks)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    with pytest.raises(InputError):
        parsed(content)


# Formats of our own.


@pytest.mark.parametrize(
    "head, says",
    [
        (Head("minireid-run", 2), "expected minireid-people in X, got minireid-run"),
        (Head(None, 2), "got None"),
        (Head("minireid-people", 3), "expected version 2 of minireid-people in X, got 3"),
        (Head("minireid-people", None), "got None"),
    ],
)
def test_formats_and_versions(head: Head, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_head(head, "minireid-people", (1, 2), where="X")
    check_head(Head("minireid-people", 1), "minireid-people", (1, 2), where="X")


def test_the_head_is_looked_at_first(tmp_path: Path) -> None:
    """A newer file has other entries: its version is what is wrong with it."""
    file = tmp_path / "people.json"
    file.write_text('{"format": "minireid-people", "version": 3, "number": [1]}')
    with pytest.raises(InputError, match=r"version 2 of minireid-people .*got 3"):
        read_ours(file, Person, format="minireid-people", versions=(1, 2), what="people", remedy="")
    file.write_text('{"format": "minireid-people", "version": 2, "number": 1}')
    found = read_ours(file, Person, format="minireid-people", versions=(1, 2), what="people", remedy="")
    assert found == read(file, Person, what="people", remedy="") == Person(1)


def test_an_input_error_is_one_line_whatever_names_it_holds() -> None:
    assert str(InputError("got \x1b[31m\n\u2028ö: choose another")) == "got \\x1b[31m\\n\\u2028ö: choose another"


def test_the_mark_that_windows_puts_in_front_is_passed_over(tmp_path: Path) -> None:
    assert parsed(b'\xef\xbb\xbf{"number": 3}') == parsed(b'{"number": 3}')
    (tmp_path / "own.toml").write_bytes(b'\xef\xbb\xbfbase = "msp_src"\n')
    assert load(str(tmp_path / "own.toml")) == load("msp_src")
