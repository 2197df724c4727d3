"""Start or resume a training run: check recipe and data, then call the training loop with its validator."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from minireid.base.errors import InputError
from minireid.base.files import make_folder
from minireid.base.locks import alone_in
from minireid.data import splits
from minireid.data.prepared import Prepared, open_prepared
from minireid.evaluation.comparison import comparison, validate
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.training import batches, loop, model
from minireid.training import run as runs
from minireid.training.experiment import experiment_of


class Checked(NamedTuple):
    """What a new run begins with, after every check. training, validation: persons; identities: classes."""

    recipe: Recipe
    prepared: Prepared
    split: splits.Split
    training: tuple[int, ...]
    validation: tuple[int, ...]
    identities: int


def checked(
    prepared_path: Path,
    recipe_name: str,
    changes: tuple[str, ...],
    *,
    splits_file: Path | None = None,
    number: int = 0,
) -> Checked:
    """Recipe, data and split, checked together. InputError if anything does not fit. Nothing is written."""
    recipe = load(recipe_name, changes)
    prepared = open_prepared(prepared_path)
    batches.check_fits(recipe, prepared)
    model.init(recipe, 2)  # does the network fit the crop?
    split = split_of(recipe, prepared, splits_file, number)
    training, validation = splits.hold_out(split, prepared, recipe.validation.persons)
    comparison(recipe, prepared, split.test)  # can it be evaluated?
    # How many classes? (The loop makes its own experiment from the run folder.)
    identities = len(experiment_of(recipe, prepared, training).people.persons)
    return Checked(recipe, prepared, split, training, validation, identities)


def new_run(start: Checked, out: Path, *, definition: bool = False, quiet: bool = False) -> None:
    """Make the run folder and train to the end. quiet: print nothing. InputError if `out` is in use."""
    runs.check_free(out, start.recipe)  # before a folder is made; `create` looks once more, alone in it
    with alone_in(make_folder(out), "minireid train"):
        begin(start, out, definition=definition, quiet=quiet)


def resume_run(path: Path, *, definition: bool = False, quiet: bool = False) -> None:
    """Continue a run after its last checkpoint. quiet: print nothing. InputError if another process is at it."""
    runs.open_run(path)
    with alone_in(path, "minireid train"):
        go_on(path, definition=definition, quiet=quiet)


def begin(start: Checked, out: Path, *, definition: bool = False, quiet: bool = False) -> None:
    """As new_run, for a caller who knows that no other process is in `out`."""
    run = runs.create(out, *start)
    if not quiet:
        print(describe(run))
    loop.train(run, start.prepared, validator_of(run.recipe, start.prepared), definition=definition, quiet=quiet)


def go_on(path: Path, *, definition: bool = False, quiet: bool = False) -> None:
    """As resume_run, for a caller who knows that no other process is in the run folder."""
    run = runs.open_run(path)
    prepared = run.prepared()
    batches.check_fits(run.recipe, prepared)
    if len(experiment_of(run.recipe, prepared, run.train).people.persons) != run.identities:
        raise InputError(
            f"{path / 'run.json'} and its recipe do not fit together: restore the original files, or train again"
        )
    validator = validator_of(run.recipe, prepared)
    loop.train(run, prepared, validator, resume=True, definition=definition, quiet=quiet)


def split_of(recipe: Recipe, prepared: Prepared, splits_file: Path | None, number: int) -> splits.Split:
    """The split of this number of the recipe's protocol, or of a file."""
    if splits_file:
        return splits.from_file(splits_file, prepared, number)
    return splits.seeded(prepared, recipe.evaluation.protocol, number)


def validator_of(recipe: Recipe, prepared: Prepared) -> loop.Validator:
    """Measures validation persons: rank-1 and mAP as in the final evaluation."""
    return partial(validate, recipe, prepared)


def describe(run: runs.Run) -> str:
    """Two lines: what is trained, and on whom."""
    left_out = len(run.train) - run.identities
    short = f" ({left_out} of them left out: shorter than {run.recipe.clips.length} frames)" if left_out else ""
    held = f", {len(run.validation)} held out to choose by" if run.validation else ""
    return (
        f"training {run.recipe.network.name} into {run.path}\n"
        f"split {run.number} of protocol {run.split}: {len(run.train)} persons to train{short}{held}, "
        f"{len(run.test)} to test"
    )
