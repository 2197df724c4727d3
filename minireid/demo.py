"""`minireid demo`: the whole path on synthetic walkers, each step with the command that does the same."""

import time
from pathlib import Path
from typing import NamedTuple

from data_tools.prepare import prepare
from data_tools.verify import report, verify
from data_tools.walkers import write_walkers
from minireid.errors import InputError
from minireid.evaluate import evaluate_runs
from minireid.train import new_run
from minireid.training.threads import threads as with_threads


class Size(NamedTuple):
    """people: seen by both cameras; frames: of the shortest and the longest track; changes: of the recipe's keys."""

    people: int
    frames: tuple[int, int]
    changes: tuple[str, ...]


FULL = Size(200, (20, 40), ())
QUICK = Size(12, (16, 20), ("training.epochs=2", "pairs.persons=3", "clips.length=4"))


def demo(out: Path, *, quick: bool, seed: int, threads: int | None) -> None:
    """Walkers, verify, prepare, train, evaluate, report. Raises InputError where `out` is there already."""
    if out.exists():
        raise InputError(f"{out} is there already: remove it, or choose another --out")
    with with_threads(threads):
        pass  # a number that cannot be is refused before anything is written
    size = QUICK if quick else FULL
    began = time.perf_counter()
    raw, prepared, run = out / "walkers", out / "prepared", out / "run"
    shortest, longest = size.frames
    say(f"python -m data_tools.walkers {raw} --people {size.people} --seed {seed} --frames {shortest} {longest}")
    write_walkers(raw, people=size.people, seed=seed, frames=size.frames)
    say(f"python -m data_tools.verify walkers {raw}")
    findings = verify("walkers", raw)
    print(report("walkers", findings))
    say(f"python -m data_tools.prepare walkers {raw} {prepared}")
    prepare("walkers", raw, prepared)
    changes = (*size.changes, f"training.seed={seed}")
    settings = "".join(f" --set {change}" for change in changes)
    say(f"minireid train {prepared} --recipe walkers --out {run}{settings}")
    with with_threads(threads):
        new_run(prepared, "walkers", changes, run)
        say(f"minireid evaluate {run}")
        evaluate_runs([run], run / "evaluation")
    print(f"\nthe whole demo took {(time.perf_counter() - began) / 60:.1f} minutes; open {run}/evaluation/report.html")


def say(command: str) -> None:
    print(f"\n$ {command}", flush=True)
