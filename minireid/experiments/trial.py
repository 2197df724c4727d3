"""One trial of a sweep: train a row's recipe on one split with one seed, evaluate it, keep the results.

The arguments of `trial` are a path, a text and numbers. It reads everything else from the sweep folder. So it computes
the same bits in this process, in a worker, or on another machine that sees the same files.

A trial may be stopped, or its worker may die. So each attempt has its own folder, ROW/split0_seed0.1f6a09c3. It is
renamed to ROW/split0_seed0 when the trial is finished. A later attempt renames the folder that an earlier one left, and
continues from its last checkpoint. Only one attempt can rename it. If the earlier attempt is still running, it cannot
write its next file, and ends.
"""

import dataclasses
import json
import os
import shutil
import threading
import time
import traceback
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.files import read_text, write_text
from minireid.base.records import Count, Share, read
from minireid.base.threads import threads as with_threads
from minireid.base.trees import leaves
from minireid.evaluation import results
from minireid.evaluation.measure import curves, measure
from minireid.experiments.folder import Sweep, Trial, open_sweep
from minireid.experiments.start import begin, checked, go_on, split_of
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.training import log
from minireid.training.loop import Interrupted
from minireid.training.run import Run, checksum, open_run

Outcome = dict[str, Any]  # "failed": a line, or "rank-1", "seconds", "went on after"; "traceback" for a bug of minireid
FORMAT = "minireid-trial"
VERSION = 2  # 1: without checksum; the first ones had neither format nor version
Costs = TypedDict(  # trial.json. sha256: of its other values, and of results.json
    "Costs",
    {
        "format": NotRequired[Literal["minireid-trial"]],
        "version": NotRequired[Literal[1, 2]],
        "sha256": NotRequired[str],
        "seconds per epoch": Annotated[float, Meta(ge=0)],
        "parameters": Count,
        "threads": Annotated[int, Meta(ge=1)],
        "curves": dict[str, list[Share]],
    },
)
ONE_AT_A_TIME = threading.Lock()  # per process: the numbers of threads are set for the whole process


def trial(sweep: str, row: str, split: int, seed: int, threads: int = 1) -> Outcome:
    """Train and evaluate, unless finished already. Errors are returned in the outcome; only Ctrl-C is raised."""
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
    """Finish the trial, from whatever earlier attempts left."""
    began = time.perf_counter()
    home = sweep.home(trial)
    went_on = 0
    if not sweep.finished(trial):
        sweep.prepared()  # InputError if the data have changed
        mine = take_over(home)
        went_on = train(sweep, trial, mine)
        keep_results(sweep.row(trial.row).name, open_run(mine), threads)
        finish(mine, home)
    return {
        "rank-1": results.load(home / "results.json")[0]["rank-1"],
        "seconds": time.perf_counter() - began,
        "went on after": went_on,
    }


def take_over(home: Path) -> Path:
    """The folder of this attempt: one that another attempt left unfinished, renamed; or a new name."""
    mine = home.with_name(f"{home.name}.{uuid.uuid4().hex[:8]}")
    for left in sorted(home.parent.glob(f"{home.name}.*")):
        try:
            os.rename(left, mine)
        except OSError:  # another attempt was faster
            continue
        break
    return mine


def train(sweep: Sweep, trial: Trial, mine: Path) -> int:
    """Train into `mine`, or continue the run there. Returns how many steps were done already."""
    seeded = (str(sweep.path / trial.row / "recipe.toml"), (f"training.seed={trial.seed}",))
    done = steps_done(sweep, trial, mine, load(*seeded))
    if done is not None:
        go_on(mine, quiet=True)
        return done
    shutil.rmtree(mine, ignore_errors=True)
    start = checked(sweep.prepared_path, *seeded, splits_file=sweep.splits_file, number=trial.split)
    begin(start, mine, quiet=True)
    return 0


def steps_done(sweep: Sweep, trial: Trial, mine: Path, recipe: Recipe) -> int | None:
    """The step of the checkpoint in `mine`. None if `mine` is not a complete run folder of this trial."""
    try:
        run = open_run(mine)
        split = split_of(recipe, run.prepared(), sweep.splits_file, trial.split)
        if (run.recipe, run.split, run.number, run.test) != (recipe, split.protocol, split.number, split.test):
            return None
        return run.load().step
    except InputError:
        return None


def keep_results(name: str, run: Run, threads: int) -> None:
    """Write results.json and results.csv, under the row's name, and trial.json with the costs.

    The results have the same bits every time; the seconds in trial.json do not.
    """
    rows, compared, scores = measure(run, progress=False)
    trained = run.recipe.network.name
    rows = [row | {"method": name} if row["method"] == trained else row for row in rows]
    found = {name if method == trained else method: curve for method, curve in curves(compared, scores).items()}
    record = {"format": FORMAT, "version": VERSION, **cost(run), "threads": threads}
    record["curves"] = {method: curve.tolist() for method, curve in found.items()}
    results.save(run.path, rows)
    record["sha256"] = sealed(run.path, record)
    write_text(run.path / "trial.json", json.dumps(record, indent=1) + "\n")


def sealed(home: Path, record: dict[str, Any]) -> str:
    """The checksum of a trial: of its costs, and of results.json."""
    values = {key: value for key, value in record.items() if key != "sha256"}
    return checksum([values, read_text(home / "results.json", "results")])


def cost(run: Run) -> dict[str, Any]:
    """What the row costs: seconds per epoch in this run, and parameters, with those of the heads."""
    saved = run.load()
    per_step = float(np.median([record["seconds"] for record in log.read(run.path / "log.jsonl", saved)]))
    params = run.best().params
    return {
        "seconds per epoch": per_step * saved.step / run.recipe.training.epochs,
        "parameters": sum(array.size for _, array in leaves(params)),
    }


def costs_of(sweep: Sweep, trial: Trial) -> dict[str, Any]:
    """The trial.json of a finished trial. InputError if the folder holds another trial, or was changed since."""
    home, again = sweep.home(trial), "remove its folder, then sweep again"
    found: dict[str, Any] = dict(read(home / "trial.json", Costs, what="the costs of a trial", remedy=again))
    if found.get("version") == VERSION and found.get("sha256") != sealed(home, found):
        raise InputError(f"{home / 'trial.json'} or results.json was changed after it was written: {again}")
    run, recipe = open_run(home), sweep.row(trial.row).recipe
    seeded = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, seed=trial.seed))
    if (run.recipe, run.number, run.prepared_sha256) != (seeded, trial.split, sweep.prepared_sha256):
        what = f"split {trial.split} with seed {trial.seed} of {trial.row} on {sweep.prepared_path}"
        raise InputError(f"expected {what} in {home}, found another trial: {again}")
    return found


def finish(mine: Path, home: Path) -> None:
    """Give the attempt's folder its final name, and remove what other attempts left."""
    try:
        os.rename(mine, home)
    except OSError:
        if not (home / "results.json").is_file():
            if not mine.exists():
                raise InputError(f"another attempt has taken over {mine.name} and continues it") from None
            raise InputError(f"{home} is in the way of its trial: remove it, then sweep again") from None
    for left in home.parent.glob(f"{home.name}.*"):  # of lost attempts; or of this one, if another was faster
        shutil.rmtree(left, ignore_errors=True)
