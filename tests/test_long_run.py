"""A short form of tests/long_run.py, and whether it would notice that something grows."""

import sys
from pathlib import Path

import pytest

from tests import long_run
from tests.long_run import Measured

STILL = [Measured(steps, 200.0, 9, 2.0, 900.0, 300.0) for steps in range(500, 10_001, 500)]


@pytest.mark.skipif(sys.platform != "linux", reason="memory and open files are read from /proc, which Linux has")
def test_300_steps_without_growth_of_memory_and_handles(tmp_path: Path) -> None:
    found = long_run.long_run(tmp_path, 300, 50)
    assert [m.steps for m in found] == [50, 100, 150, 200, 250, 300]
    assert max(m.memory for m in found) - found[1].memory < long_run.MEMORY
    assert {m.handles for m in found} == {found[0].handles}
    assert found[-1].folder < 1.01 * found[1].folder and found[-1].log < 500


def test_what_does_not_grow_is_not_accused() -> None:
    assert long_run.growth(STILL) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m._replace(memory=m.memory + m.steps / 1000), "memory grows by 9.0 MiB after step 1000"),
        (lambda m: m._replace(handles=9 + (m.steps == 10_000)), "open files grow from 9 to 10"),
        (lambda m: m._replace(step=2.0 + m.steps / 10_000), "a step takes 2.98 ms at the end, 2.08 ms at the start"),
        (lambda m: m._replace(folder=900.0 + m.steps / 50), "the run folder grows from 920 to 1100 KiB"),
    ],
)
def test_what_grows_is_named(change, says: str) -> None:
    found = long_run.growth([change(m) for m in STILL])
    assert len(found) == 1 and found[0].startswith(says), found
