"""The log of a run: read whole or not at all, and what a kill leaves in it is removed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from minireid.base.errors import InputError
from minireid.training import log
from minireid.training.checkpoint import Checkpoint, Facts


def record(step: int, **more: Any) -> dict[str, Any]:
    return {"step": step, "epoch": 1, "loss": 2.5, "seconds": 0.1, **more}


def write(path: Path, *lines: str | dict[str, Any]) -> Path:
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def saved(step: int, *records: dict[str, Any]) -> Checkpoint:
    """A checkpoint after `step` steps that knows the log's first records; of an older version if there are none."""
    so_far = hashlib.sha256()
    for one in records:
        log.add(so_far, one)
    return Checkpoint(step, {}, {}, Facts(log=so_far.hexdigest() if records else None))


def test_what_is_written_comes_back(file: Path) -> None:
    records = [record(k, mAP=0.5) for k in (1, 2, 3)]
    file.write_text("".join(map(log.line, records)))
    assert log.read(file, saved(3, *records)) == records
    with pytest.raises(ValueError):
        log.line(record(1, mAP=float("nan")))


@pytest.mark.parametrize(
    "broken",
    [
        '{"step": 2, "epo',
        "[2]\n",
        "\n",
        record(2, loss="high"),
        record(2, loss=None),
        record(2, loss=[[[]]]),
        '{"step": 2, "epoch": 1, "loss": NaN, "seconds": 1}\n',
        '{"step": 2, "epoch": 1, "loss": ' + "9" * 5000 + ', "seconds": 1}\n',
        "[" * 100_000 + "\n",
        {"step": 2, "epoch": 1, "loss": 2.0},
        record(1),
        record(0),
    ],
)
def test_a_broken_line_ends_the_log(file: Path, broken: Any) -> None:
    write(file, record(1), broken, "" if isinstance(broken, str) and broken[-1] != "\n" else record(2))
    for last in (saved(2), saved(2, record(1), record(2))):
        for look in (log.read, log.trim):
            with pytest.raises(InputError, match=r"log\.jsonl does not hold steps 1 to 2 of this run") as fault:
                look(file, last)
            assert "\n" not in str(fault.value)
    assert log.read(file, saved(1)) == [record(1)]
    log.trim(file, saved(1, record(1)))
    assert file.read_text() == log.line(record(1))


def test_bytes_that_are_no_text(file: Path) -> None:
    file.write_bytes(json.dumps(record(1)).encode() + b"\n\xff\xfe\x00\n")
    with pytest.raises(InputError, match="does not hold steps 1 to 2"):
        log.read(file, saved(2))
    log.trim(file, saved(1))
    assert len(log.read(file, saved(1))) == 1


def test_steps_after_the_checkpoint_are_removed(file: Path) -> None:
    write(file, *map(record, (1, 2, 3, 4, 5)))
    three = saved(3, *map(record, (1, 2, 3)))
    log.trim(file, three)
    assert [found["step"] for found in log.read(file, three)] == [1, 2, 3]
    before = file.stat().st_mtime_ns
    log.trim(file, three)
    assert file.stat().st_mtime_ns == before
    log.trim(file, saved(0))
    with pytest.raises(InputError, match="found no step in it"):
        log.read(file, saved(0))


@pytest.mark.parametrize(
    "lines",
    [
        (record(1), record(2, loss=1.5)),  # edited
        (record(1, mAP=0.5), record(2)),
        (record(2), record(1)),  # in another order
        (record(1), record(3)),  # one is missing
        (record(1),),
        (),
    ],
)
def test_another_log_is_noticed(file: Path, lines: tuple[Any, ...]) -> None:
    """By its content; only the seconds that a step took may differ."""
    mine = saved(2, record(1), record(2))
    write(file, *lines)
    before = file.read_bytes()
    for look in (log.read, log.trim):
        with pytest.raises(InputError, match="does not hold steps 1 to 2 of this run as they were"):
            look(file, mine)
    assert file.read_bytes() == before
    write(file, record(1), record(2, seconds=77.0))
    assert len(log.read(file, mine)) == 2


def test_no_log(file: Path) -> None:
    log.trim(file, saved(0))
    with pytest.raises(InputError, match="does not hold steps 1 to 3"):
        log.trim(file, saved(3))
    with pytest.raises(InputError, match=r"expected the log of a training run at .*found none"):
        log.read(file, saved(3))
