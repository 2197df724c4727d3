"""`minireid sweep`: trials (rows x splits x seeds) on this machine's cores or on a cluster, then the table."""

from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError
from minireid.base.files import make_folder
from minireid.base.locks import alone_in
from minireid.base.progress import bar
from minireid.data import splits
from minireid.experiments import folder, workers
from minireid.experiments.folder import Sweep, Trial
from minireid.experiments.forecast import counted, forecast
from minireid.experiments.rows import Row
from minireid.experiments.table import table
from minireid.experiments.trial import Outcome, trial
from minireid.training.estimate import duration

Outcomes = Generator[tuple[Trial, Outcome], None, None]


def plan(
    prepared: Path, out: Path, title: str, rows: list[Row], splits_file: Path | None, number: int | None, seeds: int
) -> Sweep:
    """The requested sweep, checked as far as possible without training. Nothing is written.

    number: how many splits. None: three, or all if there are fewer.
    """
    if splits_file:
        available = splits.count_in(splits_file)
    else:
        available = min(splits.count(row.recipe.evaluation.protocol) for row in rows)
    number = min(3, available) if number is None else number
    if not 1 <= number <= available:
        raise InputError(f"expected --splits from 1 to {available} (all there are), got {number}")
    if seeds < 1:
        raise InputError(f"expected --seeds of 1 or more, got {seeds}")
    requested = folder.planned(out, title, prepared, splits_file, rows, number, seeds)
    if splits_file:
        for k in range(number):
            splits.from_file(splits_file, requested.prepared(), k)
    return requested


def sweep(requested: Sweep, *, at_a_time: int | None, scheduler: str | None) -> int:
    """Run the trials that are not finished, then write the table. Returns 0 if all are finished, 1 if some failed.

    at_a_time: workers on this machine. None: one per core. 0: no workers, all trials one after the other in this
    process; the bits are the same. scheduler: the address of a Dask scheduler, used in place of workers here.
    After Ctrl-C: prints how many trials are finished, then raises KeyboardInterrupt.
    """
    if at_a_time is not None and at_a_time < 0:
        raise InputError(f"expected --workers of 0 or more, got {at_a_time}")
    if scheduler is not None and not scheduler.strip():
        raise InputError("expected --scheduler ADDRESS, such as 10.0.0.5:8786, got an empty text")
    if scheduler and at_a_time is not None:
        raise InputError("expected either --scheduler or --workers: a scheduler has workers of its own")
    if scheduler or at_a_time != 0:
        workers.check_installed()
    try:
        with workers.remote(scheduler) if scheduler else nullcontext() as client:
            with alone_in(make_folder(requested.path), "minireid sweep"):
                folder.keep(requested)
                failed = run_missing(requested, at_a_time, client)
    except KeyboardInterrupt:
        done = len(requested.trials()) - len(requested.missing())
        print(
            f"\nstopped: {done} of {counted(len(requested.trials()), 'trial')} finished; the same command continues, "
            "unfinished trials from their last checkpoints"
            + (" (until then they go on running on the scheduler's workers)" if scheduler else "")
        )
        raise
    if len(requested.missing()) < len(requested.trials()):
        print(table([requested.path], requested.path))
    for numbers, outcome in failed:
        print(f"failed: {name_of(numbers)}: {outcome['failed']}")
    return 1 if failed else 0


def run_missing(requested: Sweep, at_a_time: int | None, client: Any) -> list[tuple[Trial, Outcome]]:
    """Run the unfinished trials, on the client's workers if there is a client. Returns the trials that failed."""
    missing = requested.missing()
    rows, numbers, seeds = len(requested.rows), counted(requested.splits, "split"), counted(requested.seeds, "seed")
    done = len(requested.trials()) - len(missing)
    print(
        f"{requested.path}: {counted(rows, 'row')} x {numbers} x {seeds} = {counted(done + len(missing), 'trial')}"
        + (f", {done} finished already" if done else ""),
        flush=True,
    )
    if not missing:
        return []
    if client:
        return follow(requested, missing, workers.count(client), 1, workers.outcomes(client, requested, missing))
    if at_a_time == 0:
        return follow(requested, missing, 1, workers.cores(), one_after_the_other(requested, missing))
    many = min(at_a_time or workers.cores(), len(missing))
    return follow(requested, missing, many, 1, workers.on_this_machine(many, requested, missing))


def one_after_the_other(requested: Sweep, trials: Sequence[Trial]) -> Outcomes:
    """Run the trials in this process, each on all cores."""
    for numbers in trials:
        yield numbers, trial(str(requested.path), *numbers, threads=workers.cores())


def follow(
    requested: Sweep, trials: Sequence[Trial], at_a_time: int, threads: int, outcomes: Outcomes
) -> list[tuple[Trial, Outcome]]:
    """Print how long it will take, then a line for each finished trial. Returns the trials that failed."""
    print(forecast(requested, trials, at_a_time, threads), flush=True)
    failed = []
    with closing(outcomes), bar(total=len(trials), unit="trial") as shown:
        for numbers, outcome in outcomes:
            shown.write(line(numbers, outcome))
            shown.update()
            if "failed" in outcome:
                failed.append((numbers, outcome))
    return failed


def line(trial: Trial, outcome: Outcome) -> str:
    if "failed" in outcome:
        return f"{name_of(trial)} FAILED: {outcome['failed']}" + outcome.get("traceback", "")
    after = f", going on after step {outcome['went on after']}" if outcome["went on after"] else ""
    return f"{name_of(trial)}: rank-1 {100 * outcome['rank-1']:.1f} %, {duration(outcome['seconds'])}{after}"


def name_of(trial: Trial) -> str:
    return f"{trial.row} split {trial.split} seed {trial.seed}"
