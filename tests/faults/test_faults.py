"""Faults in short: a dozen cases of `python -m tests.faults`, and that its judges see what is wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("looks for processes in /proc", allow_module_level=True)

from tests.faults import contents, judge
from tests.faults.cases import case
from tests.faults.expected import Expected, Undisturbed
from tests.faults.processes import Ended, Moment
from tests.faults.world import build

CASES = [  # struck before a file operation rather than at a time: the same on every machine
    "prepare/KILL/4",
    "prepare/KILL/5",
    "prepare/INT/14",
    "prepare/TERM/7",
    "prepare/LIMIT/1",
    "prepare/TWO/0",
    "prepare/SYNC/0",
    "walkers/KILL/12",
    "walkers/TERM/1",
    "train/KILL/6",
    "train/TERM/1",
    "train/SYNC/0",
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    return Expected(build(tmp_path_factory.mktemp("faults")), times=1)


@pytest.mark.parametrize("name", CASES)
def test_struck_and_then_done_as_if_nothing_had_been(expected: Expected, name: str) -> None:
    result = case(expected, name, seed=0)
    assert not result.faults, result


def test_what_is_half_written_is_seen(tmp_path: Path) -> None:
    np.savez(tmp_path / "checkpoint.npz", a=np.arange(100))
    np.save(tmp_path / "frames.npy", np.arange(100))
    (tmp_path / "run.json").write_text('{"split": 0}\n')
    (tmp_path / "recipe.toml").write_text('name = "src"\n')
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"st')  # the last line may be cut
    (tmp_path / "report.html").write_text("<html></html>\n")
    assert contents.broken(tmp_path) == []
    names = ("checkpoint.npz", "frames.npy", "run.json", "recipe.toml", "report.html")
    for name in names:
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[: -len(file.read_bytes()) // 3])
    (tmp_path / "log.jsonl").write_text('{"st\n{"step": 2}\n')
    (tmp_path / "later.npz.partial").write_bytes(b"PK")  # says itself that it is not finished
    assert sorted(fault.split()[1] for fault in contents.broken(tmp_path)) == sorted([*names, "log.jsonl"])


def test_other_bits_and_litter_are_seen(tmp_path: Path) -> None:
    np.savez(tmp_path / "checkpoint.npz", header=np.array("first"), a=np.arange(3))
    (tmp_path / "log.jsonl").write_text('{"step": 1, "seconds": 0.1}\n')
    before = contents.content(tmp_path)
    np.savez(tmp_path / "checkpoint.npz", header=np.array("other"), a=np.arange(3))
    (tmp_path / "log.jsonl").write_text('{"step": 1, "seconds": 0.2}\n')
    assert contents.other(before, contents.content(tmp_path)) == []
    np.savez(tmp_path / "checkpoint.npz", a=np.arange(3.0))
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "out.partial").mkdir()
    found = contents.other(before, contents.content(tmp_path))
    assert found == ["litter: out.partial/", "missing: log.jsonl", "other bits: checkpoint.npz"]


def ended(code: int, err: str, *, done: str = "", left: tuple[str, ...] = ()) -> Ended:
    return Ended(code, "", err, done, done, True, 1.0, list(left), False, [])


@pytest.mark.parametrize(
    ("one", "kinds"),
    [
        (ended(130, "minireid: stopped\n"), []),
        (ended(130, "10%|#    | 1/10 [00:01]\rminireid: stopped\n"), []),  # a bar is no line
        (ended(0, "", done="ppppppppp"), []),  # it was nearly done
        (ended(0, "", done="ppp"), ["not heard"]),
        (ended(-2, ""), ["exit code"]),
        (ended(130, ""), ["not one line"]),
        (ended(130, "one\ntwo\n"), ["not one line"]),
        (ended(130, "Traceback (most recent call last):\nKeyboardInterrupt\n"), ["traceback"]),
        (ended(130, "stopped\n", left=("python -m minireid",)), ["orphans"]),
    ],
)
def test_how_a_process_ends_after_ctrl_c_is_judged(one: Ended, kinds: list[str]) -> None:
    undisturbed = Undisturbed({}, 1.0, {"p": 10, "w": 1}, {}, {}, [])
    faults = judge.stopped(one, Moment(2, "parent"), undisturbed)
    assert [fault.partition(":")[0] for fault in faults] == kinds
