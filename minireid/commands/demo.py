"""Draw synthetic walkers, train, evaluate and write a report, in a few minutes.

Each step is printed with the command that does the same.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

from minireid.base.arguments import whole
from minireid.base.errors import InputError
from minireid.commands.options import add_threads


class Size(NamedTuple):
    """people: how many both cameras see; frames: of the shortest and the longest track; changes: of the recipe."""

    people: int
    frames: tuple[int, int]
    changes: tuple[str, ...]


FULL = Size(200, (20, 40), ())
QUICK = Size(12, (16, 20), ("training.epochs=2", "pairs.persons=3", "clips.length=4"))


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, default=Path("demo"), help="folder to write (default: demo)")
    command.add_argument("--quick", action="store_true", help="few people and steps: tests whether everything works")
    command.add_argument("--seed", type=whole(0), default=0)
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.threads import threads
    from minireid.commands.read_clip import real_clip
    from minireid.evaluation.evaluate import evaluate_runs
    from minireid.experiments.start import checked, new_run
    from minireid.reading.library import network_page

    out, size = arguments.out, QUICK if arguments.quick else FULL
    if out.exists():
        raise InputError(f"{out} exists already: remove it, or choose another --out")
    with threads(arguments.threads):
        pass  # an impossible number of threads is refused before anything is written
    began = time.perf_counter()
    prepared, run = out / "prepared", out / "run"
    draw_and_prepare(out / "walkers", prepared, size, arguments.seed)
    changes = (*size.changes, f"training.seed={arguments.seed}")
    settings = "".join(f" --set {change}" for change in changes)
    say(f"minireid train {prepared} --recipe walkers --out {run}{settings}")
    with threads(arguments.threads):
        new_run(checked(prepared, "walkers", changes), run)
        say(f"minireid evaluate {run}")
        print(evaluate_runs([run], run / "evaluation", network_page=lambda name: network_page(name, real_clip)))
    print(f"\nthe whole demo took {(time.perf_counter() - began) / 60:.1f} minutes; open {run}/evaluation/report.html")


def draw_and_prepare(raw: Path, prepared: Path, size: Size, seed: int) -> None:
    from data_tools.find_faults import report, verify
    from data_tools.walkers.write import write_walkers
    from data_tools.write_prepared import prepare

    shortest, longest = size.frames
    say(f"python -m data_tools.walkers {raw} --people {size.people} --seed {seed} --frames {shortest} {longest}")
    write_walkers(raw, people=size.people, seed=seed, frames=size.frames)
    say(f"python -m data_tools.verify walkers {raw}")
    print(report("walkers", verify("walkers", raw)))
    say(f"python -m data_tools.prepare walkers {raw} {prepared}")
    prepare("walkers", raw, prepared)


def say(command: str) -> None:
    print(f"\n$ {command}", flush=True)
