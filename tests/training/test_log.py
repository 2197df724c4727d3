"""The log of a run: read whole or not at all, and what a kill leaves in it is removed."""

import json
from pathlib import Path
from typing import Any

import pytest

from minireid.base.errors import InputError
from minireid.training import log


def record(step: int, **more: Any) -> dict[str, Any]:
    return {"step": step, "epoch": 1, "loss": 2.5, "seconds": 0.1, **more}


def write(path: Path, *lines: str | dict[str, Any]) -> Path:
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_what_is_written_comes_back(file: Path) -> None:
    file.write_text("".join(log.line(record(k, mAP=0.5)) for k in (1, 2, 3)))
    assert log.read(file) == [record(k, mAP=0.5) for k in (1, 2, 3)]
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
def test_a_broken_line_is_named_and_removed_when_the_run_goes_on(file: Path, broken: Any) -> None:
    write(file, record(1), broken, "" if isinstance(broken, str) and broken[-1] != "\n" else record(2))
    with pytest.raises(InputError, match="is damaged in line 2") as fault:
        log.read(file)
    assert "\n" not in str(fault.value)
    log.trim(file, 2)
    assert [found["step"] for found in log.read(file)] in ([1], [1, 2])


def test_bytes_that_are_no_text(file: Path) -> None:
    file.write_bytes(json.dumps(record(1)).encode() + b"\n\xff\xfe\x00\n")
    with pytest.raises(InputError, match="damaged in line 2"):
        log.read(file)
    log.trim(file, 1)
    assert len(log.read(file)) == 1


def test_steps_after_the_checkpoint_are_removed(file: Path) -> None:
    write(file, *map(record, (1, 2, 3, 4, 5)))
    log.trim(file, 3)
    assert [found["step"] for found in log.read(file)] == [1, 2, 3]
    before = file.stat().st_mtime_ns
    log.trim(file, 3)
    assert file.stat().st_mtime_ns == before
    log.trim(file, 0)
    with pytest.raises(InputError, match="found no step in it"):
        log.read(file)


def test_no_log(file: Path) -> None:
    log.trim(file, 3)
    with pytest.raises(InputError, match=r"expected the log of a training run at .*found none"):
        log.read(file)
