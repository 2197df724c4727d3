"""A long training: do memory, open files, the time of a step or the run folder grow?

    python -m tests.long_run [--steps 10000]

trains a tiny msp_src, with a checkpoint after every epoch and a validation every 50 steps, and measures every 500
steps. The exit code is 1 if something grows: memory by more than MEMORY after the first 1,000 steps, open files at all,
the run folder, or a step's processor time in the last 1,000 steps to more than SLOWER times that of the first 1,000.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from minireid.base.trees import Tree
from minireid.evaluation.comparison import validate
from minireid.training import loop
from minireid.training.experiment import Experiment
from minireid.training.run import Run
from minireid.training.step import Computed
from tests import small_data

EVERY = 500
FIRST = LAST = 1000  # steps that are compared
MEMORY = 8.0  # MiB
SLOWER = 1.3
PERSONS = 20  # ten to train on; two of them are validation persons
STEPS_PER_EPOCH = 4
TINY = (
    "network.filters=[4, 4, 4]",
    "clips.length=2",
    "pairs.sampler=every",
    f"training.epochs={10**6}",
    "validation.persons=2",
    f"validation.every={50 // STEPS_PER_EPOCH + 1}",
    "evaluation.crops=1",
)


class Measured(NamedTuple):
    """After this many steps. memory: resident, in MiB. handles: open files. step: median processor time, in
    milliseconds, of the steps since the last measurement. folder: KiB of the run folder without its log. log: bytes of
    the log for each step."""

    steps: int
    memory: float
    handles: int
    step: float
    folder: float
    log: float


def long_run(folder: Path, steps: int, every: int) -> list[Measured]:
    """One training, measured after every `every` steps, while it runs."""
    prepared = small_data.write_prepared(folder / "prepared", persons=range(1, PERSONS + 1))
    run = small_data.new_run(folder / "run", prepared, *TINY)
    found: list[Measured] = []
    times: list[float] = []
    compute, began, next_step = loop.gradients_at, 0.0, 0

    def watched(experiment: Experiment, params: Tree, step: int, *rest: Any) -> Computed:
        """Where a step begins for the first time, the step before it has ended."""
        nonlocal began, next_step
        if step == next_step:
            times.append(1000 * (time.process_time() - began))
            if step and step % every == 0:
                found.append(measure(run, step, times))
                times.clear()
            began, next_step = time.process_time(), step + 1
        return compute(experiment, params, step, *rest)

    def validator(params: Tree, persons: tuple[int, ...]) -> dict[str, float]:
        return validate(run.recipe, prepared, params, persons)

    loop.gradients_at = watched
    try:
        with small_data.with_threads(1):
            loop.train(run, prepared, validator, stop_after=steps + 1, quiet=True)
    finally:
        loop.gradients_at = compute
    return found


def measure(run: Run, steps: int, times: Sequence[float]) -> Measured:
    log = run.path / "log.jsonl"
    whole = sum(file.stat().st_size for file in run.path.rglob("*") if file != log)
    own_log = log.stat().st_size / steps
    return Measured(steps, resident(), handles(), statistics.median(times), whole / 1024, own_log)


def resident() -> float:
    """Memory of this process that is in RAM, in MiB. Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def handles() -> int:
    """How many files this process has open. Linux only."""
    return len(list(Path("/proc/self/fd").iterdir()))


def growth(found: Sequence[Measured], *, first: int = FIRST, last: int = LAST) -> list[str]:
    """What grows, one sentence each. first, last: the steps at both ends that are compared."""
    start = [m for m in found if m.steps <= first]
    end = [m for m in found if m.steps > found[-1].steps - last]
    faults = []
    more = max(m.memory for m in found) - start[-1].memory
    if more > MEMORY:
        faults.append(f"memory grows by {more:.1f} MiB after step {start[-1].steps}, allowed are {MEMORY:.0f}")
    if found[-1].handles > start[0].handles:
        faults.append(f"open files grow from {start[0].handles} to {found[-1].handles}")
    before, after = (statistics.median(m.step for m in part) for part in (start, end))
    if after > SLOWER * before:
        faults.append(f"a step takes {after:.2f} ms at the end, {before:.2f} ms at the start")
    if found[-1].folder > 1.1 * start[-1].folder:
        faults.append(
            f"the run folder grows from {start[-1].folder:.0f} to {found[-1].folder:.0f} KiB, besides its log"
        )
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long_run", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000)
    steps = parser.parse_args(arguments).steps
    if steps < FIRST + LAST or steps % EVERY:
        parser.error(f"expected --steps to be a multiple of {EVERY}, at least {FIRST + LAST}, got {steps}")
    with tempfile.TemporaryDirectory() as folder:
        found = long_run(Path(folder), steps, EVERY)
    print("  steps  memory MiB  open files  ms per step  folder KiB  log bytes per step")
    for m in found:
        print(f"{m.steps:7,}{m.memory:12.1f}{m.handles:12}{m.step:13.2f}{m.folder:12.1f}{m.log:20.0f}")
    faults = growth(found)
    print("\n".join(faults) or "nothing grows")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
