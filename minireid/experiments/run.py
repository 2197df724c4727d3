"""`minireid sweep`: rows x splits x seeds, each a trial, on this machine's cores or on a cluster; then the table."""

from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError
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
    """What is asked for, checked as far as it can be without training; nothing is written.

    number: of splits; None for three, or as many as there are.
    """
    if splits_file:
        available = splits.count_in(splits_file)
    else:
        available = min(splits.count(row.recipe.evaluation.protocol) for row in rows)
    number = min(3, available) if number is None else number
    if not 1 <= number <= available:
        raise InputError(f"expected --splits from 1 to {available}, as many as there are, got {number}")
    if seeds < 1:
        raise InputError(f"expected --seeds of 1 or more, got {seeds}")
    wanted = folder.planned(out, title, prepared, splits_file, rows, number, seeds)
    if splits_file:
        for k in range(number):
            splits.from_file(splits_file, wanted.prepared(), k)
    return wanted


def sweep(wanted: Sweep, *, at_a_time: int | None, scheduler: str | None) -> int:
    """Run the trials that are not finished, then write the table. 0: all are finished; 1: some failed.

    at_a_time: workers on this machine, None for one a core, 0 for none: in this process, one trial after the other,
    which gives the same bits. scheduler: the address of a Dask scheduler, in place of workers here.
    KeyboardInterrupt after Ctrl-C, once it is said how many trials are finished.
    """
    if at_a_time is not None and at_a_time < 0:
        raise InputError(f"expected --workers of 0 or more, got {at_a_time}")
    if scheduler and at_a_time is not None:
        raise InputError("expected either --scheduler or --workers: a scheduler's workers are started beside it")
    if scheduler or at_a_time != 0:
        workers.check_installed()
    try:
        with workers.remote(scheduler) if scheduler else nullcontext() as client:
            folder.keep(wanted)
            with folder.held(wanted.path):
                failed = run_missing(wanted, at_a_time, client)
    except KeyboardInterrupt:
        done = len(wanted.trials()) - len(wanted.missing())
        print(
            f"\nstopped: {done} of {counted(len(wanted.trials()), 'trial')} finished; the same command again goes on "
            "from there, and from the last checkpoints of the trials that were at work"
            + (" (and still are, on the scheduler's workers, until they are taken over)" if scheduler else "")
        )
        raise
    if len(wanted.missing()) < len(wanted.trials()):
        print(table([wanted.path], wanted.path))
    for numbers, outcome in failed:
        print(f"failed: {name_of(numbers)}: {outcome['failed']}")
    return 1 if failed else 0


def run_missing(wanted: Sweep, at_a_time: int | None, client: Any) -> list[tuple[Trial, Outcome]]:
    """Run what is not finished, by the client's workers if there is one; the trials that failed."""
    missing = wanted.missing()
    rows, numbers, seeds = len(wanted.rows), counted(wanted.splits, "split"), counted(wanted.seeds, "seed")
    done = len(wanted.trials()) - len(missing)
    print(
        f"{wanted.path}: {counted(rows, 'row')} x {numbers} x {seeds} = {counted(done + len(missing), 'trial')}"
        + (f", {done} finished already" if done else ""),
        flush=True,
    )
    if not missing:
        return []
    if client:
        return follow(wanted, missing, workers.count(client), 1, workers.outcomes(client, wanted, missing))
    if at_a_time == 0:
        return follow(wanted, missing, 1, workers.cores(), one_after_the_other(wanted, missing))
    many = min(at_a_time or workers.cores(), len(missing))
    return follow(wanted, missing, many, 1, workers.on_this_machine(many, wanted, missing))


def one_after_the_other(wanted: Sweep, trials: Sequence[Trial]) -> Outcomes:
    """In this process, with all of its cores for each."""
    for numbers in trials:
        yield numbers, trial(str(wanted.path), *numbers, threads=workers.cores())


def follow(
    wanted: Sweep, trials: Sequence[Trial], at_a_time: int, threads: int, outcomes: Outcomes
) -> list[tuple[Trial, Outcome]]:
    """Say how long it will take, then a line for each trial as it finishes; the trials that failed."""
    print(forecast(wanted, trials, at_a_time, threads), flush=True)
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
