"""`minireid train`: starting a run, and going on with one."""

from functools import partial
from pathlib import Path

from minireid.data import sampling, splits
from minireid.data.prepared import Prepared, open_prepared
from minireid.errors import InputError
from minireid.evaluation.comparison import judge
from minireid.recipe import Recipe, load
from minireid.training import batches, loop, model
from minireid.training import run as runs


def new_run(
    prepared_path: Path,
    recipe_name: str,
    changes: tuple[str, ...],
    out: Path,
    *,
    splits_file: Path | None = None,
    number: int = 0,
    plain: bool = False,
    quiet: bool = False,
) -> None:
    """Everything is checked before the run folder is made; then train to the end. quiet: nothing is printed."""
    recipe = load(recipe_name, changes)
    prepared = open_prepared(prepared_path)
    batches.check_fits(recipe, prepared)
    model.init(recipe, 2)  # does the network fit the crop?
    split = split_of(recipe, prepared, splits_file, number)
    training, validation = splits.hold_out(split, prepared, recipe.validation.persons)
    crowd = crowd_of(recipe, prepared, training)
    run = runs.create(out, recipe, prepared, split, training, validation, len(crowd.persons))
    if not quiet:
        print(describe(run, len(crowd.persons)))
    loop.train(run, prepared, judge_of(recipe, prepared), plain=plain, quiet=quiet)


def split_of(recipe: Recipe, prepared: Prepared, splits_file: Path | None, number: int) -> splits.Split:
    """The split of this number of the recipe's protocol, or of a file."""
    if splits_file:
        return splits.from_file(splits_file, prepared, number)
    return splits.seeded(prepared, recipe.evaluation.protocol, number)


def go_on(path: Path, *, plain: bool = False, quiet: bool = False) -> None:
    """Continue a run after its last checkpoint. quiet: nothing is printed."""
    run = runs.open_run(path)
    prepared = run.prepared()
    batches.check_fits(run.recipe, prepared)
    if len(crowd_of(run.recipe, prepared, run.train).persons) != run.identities:
        raise InputError(
            f"{path / 'run.json'} and its recipe do not fit together: put back what was there, or train again"
        )
    loop.train(run, prepared, judge_of(run.recipe, prepared), resume=True, plain=plain, quiet=quiet)


def crowd_of(recipe: Recipe, prepared: Prepared, persons: tuple[int, ...]) -> sampling.People:
    """The training persons with whole clips of two tracks; InputError where they are too few for a step."""
    crowd = sampling.people(prepared, persons, at_least=recipe.clips.length)
    needed = max(2, recipe.pairs.persons)
    if len(crowd.persons) < needed:
        where = "in both cameras" if prepared.one_to_one else "in each of two tracks"
        raise InputError(
            f"expected at least {needed} training persons with {recipe.clips.length} frames {where}, got "
            f"{len(crowd.persons)} of {len(persons)}: lower clips.length or pairs.persons"
        )
    return crowd


def judge_of(recipe: Recipe, prepared: Prepared) -> loop.Judge:
    """How validation persons are judged: rank-1 and mAP as in the final evaluation."""
    return partial(judge, recipe, prepared)


def describe(run: runs.Run, with_clips: int) -> str:
    """Two lines: what is trained on whom."""
    left_out = len(run.train) - with_clips
    short = f" ({left_out} of them left out: shorter than {run.recipe.clips.length} frames)" if left_out else ""
    held = f", {len(run.validation)} held out to choose by" if run.validation else ""
    return (
        f"training {run.recipe.network.name} into {run.path}\n"
        f"split {run.number} of protocol {run.split}: {len(run.train)} persons to train{short}{held}, "
        f"{len(run.test)} to test"
    )
