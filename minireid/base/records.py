"""Reading JSON that has a stated form: the schema is a dataclass, msgspec checks every value against it.

    @dataclass(frozen=True)
    class Person:
        number: Annotated[int, Meta(ge=1)]          a whole number from 1 on
        height: Positive                             a finite number above 0
        role: Literal["train", "test"] | None = None

`read` gives a Person, or an InputError of one line that names file, place and fault. Nothing that a file can hold gets
past it: another type, a missing key, deep nesting, 5,000 digits, NaN. Keys that the schema does not have are left out.
"""

import codecs
import re
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from minireid.base.errors import InputError, without_controls
from minireid.base.files import LARGEST, read_bytes

T = TypeVar("T")
Count = Annotated[int, Meta(ge=0, le=2**53)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Head(msgspec.Struct):
    """What every file that minireid writes begins with."""

    format: str | None = None
    version: int | None = None


def read(path: Path, kind: type[T], *, what: str, remedy: str, largest: int = LARGEST) -> T:
    """The content of a JSON file as a `kind`. what, remedy: for errors, as in "a split file", "prepare it again"."""
    return parse(read_bytes(path, what, largest=largest), kind, where=str(path), remedy=remedy)


def read_ours(path: Path, kind: type[T], *, format: str, versions: tuple[int, ...], what: str, remedy: str) -> T:
    """The same for a file that minireid wrote: its format and version are looked at first, and told in words."""
    return parse_ours(read_bytes(path, what), kind, format, versions, where=str(path), remedy=remedy)


def parse_ours(
    content: bytes | str, kind: type[T], format: str, versions: tuple[int, ...], *, where: str, remedy: str
) -> T:
    """The same for what was read already. versions: those that can be read, from the oldest to the newest."""
    check_head(parse(content, Head, where=where, remedy=remedy), format, versions, where=where)
    return parse(content, kind, where=where, remedy=remedy)


def check_head(head: Head, format: str, versions: tuple[int, ...], *, where: str) -> None:
    """InputError unless this is the format, in one of these versions."""
    if head.format != format:
        raise InputError(f"expected {format} in {where}, got {str(head.format)[:40]}: check the path")
    if head.version not in versions:
        raise InputError(
            f"expected version {versions[-1]} of {format} in {where}, got {head.version}: "
            "use the minireid that wrote it, or make it again"
        )


def parse(content: bytes | str, kind: type[T], *, where: str, remedy: str) -> T:
    """JSON -> a `kind`. where: names the content in errors."""
    try:
        if isinstance(content, bytes):
            content.decode("utf-8")  # msgspec does not look into keys that the schema does not have
            content = content.removeprefix(codecs.BOM_UTF8)  # editors of Windows write it
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as fault:
        raise InputError(f"{where} is damaged ({told(fault)}): {remedy}") from None


def told(fault: Exception) -> str:
    """The fault in one short line: "expected int, got str in tracks[3].person"."""
    if isinstance(fault, RecursionError):
        return "lists or tables that are nested too deeply"
    text, _, place = without_controls(" ".join(str(fault).split())).partition(" - at `$")
    text = re.sub(r"`([^`]*)`", r"\1", text)[:160]
    return text[:1].lower() + text[1:] + (f" in {place.rstrip('`').lstrip('.')[:80]}" if place else "")
