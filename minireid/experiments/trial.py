"""One trial of a sweep: train a row's recipe on one split with one seed, measure it, keep the results.

`trial` is a plain function of plain arguments, a path, a text and numbers, and all that it needs it reads from the
sweep folder: so it computes the same bits in this process, in a worker beside it, or on another machine that sees the
same files.

Nobody waits for a trial that was stopped, or asks whether its worker is really dead. Each attempt has a folder of its
own, ROW/split0_seed0.1f6a09c3, which becomes ROW/split0_seed0 when all is done. A later attempt takes over what an
earlier one left by renaming its folder, which only one can do, and goes on from its last checkpoint. Should the earlier
one still be at work somewhere, its next file cannot be written, and it ends.
"""

import json
import os
import shutil
import threading
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.base.threads import threads as with_threads
from minireid.base.trees import leaves
from minireid.evaluation import results
from minireid.evaluation.measure import curves, measure, read_log
from minireid.experiments.folder import Sweep, Trial, open_sweep
from minireid.experiments.train import new_run, resume_run, split_of
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.training.loop import Interrupted
from minireid.training.run import Run, open_run

Outcome = dict[str, Any]  # "failed": a line, or "rank-1", "seconds", "went on after"; "traceback" where we are at fault
ONE_AT_A_TIME = threading.Lock()  # in a process: kernels and BLAS are told their threads for the whole of it


def trial(sweep: str, row: str, split: int, seed: int, threads: int = 1) -> Outcome:
    """Train and measure, unless that is done already. What goes wrong is in the outcome; only Ctrl-C is raised."""
    try:
        with ONE_AT_A_TIME, with_threads(threads):
            return attempt(open_sweep(Path(sweep)), Trial(row, split, seed), threads)
    except InputError as fault:
        return {"failed": str(fault)}
    except Interrupted:
        raise KeyboardInterrupt from None
    except Exception as fault:
        return {"failed": f"{type(fault).__name__}: {fault}", "traceback": traceback.format_exc()}


def attempt(sweep: Sweep, trial: Trial, threads: int) -> Outcome:
    """From whatever is there to a finished trial."""
    began = time.perf_counter()
    home = sweep.home(trial)
    went_on = 0
    if not sweep.finished(trial):
        sweep.prepared()  # the data that the sweep is of
        mine = take_over(home)
        went_on = train(sweep, trial, mine)
        keep_results(sweep.row(trial.row).name, open_run(mine), threads)
        finish(mine, home)
    found = json.loads((home / "results.json").read_text(encoding="utf-8"))
    return {
        "rank-1": found["rows"][0]["rank-1"],
        "seconds": time.perf_counter() - began,
        "went on after": went_on,
    }


def take_over(home: Path) -> Path:
    """A folder for this attempt: what another one left unfinished, or a name for a new one."""
    mine = home.with_name(f"{home.name}.{uuid.uuid4().hex[:8]}")
    for left in sorted(home.parent.glob(f"{home.name}.*")):
        try:
            os.rename(left, mine)
        except OSError:  # somebody else was quicker
            continue
        break
    return mine


def train(sweep: Sweep, trial: Trial, mine: Path) -> int:
    """Train into `mine`, or go on there; the number of steps that were done already."""
    seeded = (str(sweep.path / trial.row / "recipe.toml"), (f"training.seed={trial.seed}",))
    done = steps_done(sweep, trial, mine, load(*seeded))
    if done is not None:
        resume_run(mine, quiet=True)
        return done
    shutil.rmtree(mine, ignore_errors=True)
    new_run(
        sweep.prepared_path,
        *seeded,
        mine,
        splits_file=sweep.splits_file,
        number=trial.split,
        quiet=True,
    )
    return 0


def steps_done(sweep: Sweep, trial: Trial, mine: Path, recipe: Recipe) -> int | None:
    """The step of the checkpoint in `mine`; None where that is not a whole run of this very trial."""
    try:
        run = open_run(mine)
        split = split_of(recipe, run.prepared(), sweep.splits_file, trial.split)
        if (run.recipe, run.split, run.number, run.test) != (recipe, split.protocol, split.number, split.test):
            return None
        return run.load().step
    except InputError:
        return None


def keep_results(name: str, run: Run, threads: int) -> None:
    """results.json and results.csv under the sweep row's name, the same bits every time; trial.json with what it took,
    which is not."""
    rows, compared, scores = measure(run, progress=False)
    trained = run.recipe.network.name
    rows = [row | {"method": name} if row["method"] == trained else row for row in rows]
    found = {name if method == trained else method: curve for method, curve in curves(compared, scores).items()}
    facts = {**cost(run), "threads": threads, "curves": {method: curve.tolist() for method, curve in found.items()}}
    results.save(run.path, rows)
    write_text(run.path / "trial.json", json.dumps(facts, indent=1) + "\n")


def cost(run: Run) -> dict[str, Any]:
    """What the row costs: seconds an epoch, here and now; parameters, those of the losses' heads included."""
    per_step = float(np.median([record["seconds"] for record in read_log(run.path / "log.jsonl")]))
    params = run.best().params
    return {
        "seconds per epoch": per_step * run.load().step / run.recipe.training.epochs,
        "parameters": sum(array.size for _, array in leaves(params)),
    }


def finish(mine: Path, home: Path) -> None:
    """Give the attempt's folder its final name, and take away what is left of other attempts."""
    try:
        os.rename(mine, home)
    except OSError:
        if not (home / "results.json").is_file():
            if not mine.exists():
                raise InputError(f"another attempt has taken {mine.name} over: it goes on there") from None
            raise InputError(f"{home} is in the way of its trial: remove it, then sweep again") from None
    for left in home.parent.glob(f"{home.name}.*"):  # of lost attempts; or this one's, where another was quicker
        shutil.rmtree(left, ignore_errors=True)
