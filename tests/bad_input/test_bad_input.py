"""Whatever the input is: one line and exit code 2, no traceback, nothing half-written, within a minute.

The fast test judges a fixed sample of the cases, the slow one a large one, `python -m tests.bad_input` all of them.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bad_input import judge
from tests.bad_input.cases import Case
from tests.bad_input.choose import PROCESSES, sample
from tests.bad_input.crew import Judged, judge_all
from tests.bad_input.judge import Result

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc, pipes, limits of memory")
SAMPLE, LARGE = 70, 1600  # cases: about half a minute of processor time, about seven


def told(judged: Sequence[Judged]) -> str:
    return "\n".join(f"{one.case}\n    {'; '.join(one.faults)}" for one in judged if one.faults)


@linux
def test_a_sample_of_all_cases(tmp_path: Path) -> None:
    judged = judge_all(tmp_path, lambda cases: sample(cases, SAMPLE), workers=1)
    assert len(judged) > SAMPLE and {one.code for one in judged} >= {0, 1, 2}
    assert not told(judged), told(judged)


@linux
@pytest.mark.slow
def test_a_large_sample(tmp_path: Path) -> None:
    judged = judge_all(tmp_path, lambda cases: sample(cases, LARGE, 1, PROCESSES), workers=min(4, os.cpu_count() or 1))
    assert len(judged) > 1500
    assert not told(judged), told(judged)


# The judge itself: it must see what is wrong.

GOOD = Result(2, "", "minireid: error: no\n", "", {}, [], 0.1)
DONE = Result(0, "done in 3 s", "", "", {"./e.npz": "1"}, [], 0.1)


def verdict(result: Result, may: str = "refuse", finds: bool = False) -> list[str]:
    case = Case("a", "b", ("minireid", "embed"), lambda: None, may, finds)
    return judge.faults(case, result, lambda: DONE)


def test_what_is_promised_is_accepted() -> None:
    assert verdict(GOOD) == []
    assert verdict(GOOD._replace(err="usage: minireid\n [-h]\nminireid: error: no\n")) == []
    assert verdict(GOOD._replace(err=" 50%|███  | 1/2 [00:00<?, ?step/s]\rminireid: error: no\n")) == []
    assert verdict(DONE, "same") == verdict(DONE._replace(out="done in 4 s"), "same") == []
    assert verdict(DONE._replace(changed={"./e.npz": "2"}), "any") == []
    assert verdict(GOOD._replace(code=1, err=""), finds=True) == []


@pytest.mark.parametrize(
    "result, may, says",
    [
        (GOOD._replace(code=None, raised="ValueError in a.py:3 f: no"), "any", "traceback: ValueError in a.py:3"),
        (GOOD._replace(err="Traceback (most recent call last):\n  x\nKeyError: 3\n"), "any", "traceback: KeyError: 3"),
        (GOOD._replace(code=None, raised="TooLong"), "any", "hang"),
        (GOOD._replace(err=""), "any", "said: 0 lines"),
        (GOOD._replace(err="minireid: error: no\nmore\n"), "any", "said: 2 lines"),
        (GOOD._replace(err=f"minireid: error: {'x' * 400}\n"), "any", "said: a line of 417 characters"),
        (GOOD._replace(err=f"usage: x\nminireid: error: {'x' * 400}\n"), "any", "said: a line of 417 characters"),
        (GOOD._replace(changed={"./new": "1"}), "any", "written although refused: ./new"),
        (GOOD._replace(left=["process sleep"]), "any", "left behind: process sleep"),
        (GOOD._replace(code=1), "any", "exit code 1"),
        (GOOD._replace(code=130), "any", "exit code 130"),
        (DONE, "refuse", "silent: accepted, exit code 0"),
        (DONE._replace(changed={"./e.npz": "2"}), "same", "silent: accepted, and not as the unharmed input: ./e.npz"),
        (DONE._replace(changed={}), "same", "silent: accepted, and not as the unharmed input: ./e.npz"),
        (DONE._replace(out="gone"), "same", "silent: accepted, and not as the unharmed input: what is printed"),
    ],
)
def test_what_is_not_promised_is_seen(result: Result, may: str, says: str) -> None:
    assert any(fault.startswith(says) for fault in verdict(result, may)), verdict(result, may)


@linux
def test_nothing_is_overlooked_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.npz").write_bytes(b"1")
    (tmp_path / "link").symlink_to("nowhere")
    before = judge.listing()
    assert set(before) == {"a", "a/b.npz", "link"}
    (tmp_path / "a/b.npz").write_bytes(b"2")
    assert judge.listing()["a/b.npz"] != before["a/b.npz"]
    (tmp_path / "link").unlink()
    (tmp_path / "link").write_bytes(b"")
    assert judge.listing()["link"] != before["link"]


@linux
def test_a_command_of_its_own_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err, raised = judge.in_here(("minireid", "embed", "nowhere", "nowhere", "--out", "e.npz"))
    assert (code, raised) == (2, "") and err.startswith("minireid: error: ") and err.count("\n") == 1
    again = judge.as_process(("minireid", "embed", "nowhere", "nowhere", "--out", "e.npz"))
    assert again == (2, "", err, "")
