"""A run folder: the recipe, the persons of the split, and the state of the training.

RUN/recipe.toml      the recipe, complete
RUN/run.json         format, version, the prepared folder (path and checksum), the split, the persons
RUN/checkpoint.npz   to resume from, and to evaluate; from the start on
RUN/log.jsonl        one line of JSON per step, with the validation results if there are any
RUN/best.npz         the best checkpoint on the validation persons, if there are any

They are written in this order. Every checkpoint holds checksums of the recipe and of the persons. So a checkpoint of
another run, or an edited recipe, is noticed whenever a checkpoint is read. A run is evaluated in another way with
`minireid evaluate --set`, not by editing its recipe.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from minireid import networks
from minireid.base.errors import InputError
from minireid.base.files import make_folder, names_in, read_text, write_text
from minireid.base.records import Count, Head, read_ours
from minireid.data.prepared import Prepared, open_prepared
from minireid.data.splits import Split
from minireid.recipes.recipe import load as load_recipe
from minireid.recipes.schema import Recipe
from minireid.recipes.text import to_toml
from minireid.training import checkpoint, model

FORMAT = "minireid-run"
VERSION = 2  # 1: prepared_sha256 is the checksum of the frames alone
UNFINISHED = {"recipe.toml", "run.json"}  # all that a run has before its first checkpoint
Persons = tuple[Annotated[int, msgspec.Meta(ge=1, le=2**31)], ...]


class File(Head, forbid_unknown_fields=True, kw_only=True):
    """run.json."""

    prepared_path: str
    prepared_sha256: str
    split: str
    number: Count
    train: Persons
    validation: Persons
    test: Persons
    identities: Annotated[int, msgspec.Meta(ge=2)]
    frame: tuple[Count, Count, Count | None] | None = None


@dataclass(frozen=True)
class Run:
    """An open run folder. train: training persons. validation: persons held out from training. test: test persons."""

    path: Path
    recipe: Recipe
    version: int
    prepared_path: Path
    prepared_sha256: str
    split: str  # protocol, or the split file's name
    number: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    identities: int  # classes of the classifiers: training persons with two long enough tracks
    frame: tuple[int, int, int | None] | None = None  # height, width, flow scale of the data; None: of an older run

    def prepared(self) -> Prepared:
        """The prepared folder of the run. InputError if it has changed, or is not there."""
        if not self.prepared_path.exists():
            raise InputError(
                f"{self.path} was trained on {self.prepared_path}, which is not there: move it back, or link it there"
            )
        prepared = open_prepared(self.prepared_path)
        if (prepared.index.sha256 if self.version == 1 else prepared.sha256) != self.prepared_sha256:
            raise InputError(f"{self.prepared_path} has changed since {self.path} was trained: train again")
        return prepared

    @property
    def steps(self) -> int:
        """Of a finished run, as in experiment.py."""
        return max(1, self.identities // self.recipe.pairs.persons) * self.recipe.training.epochs

    def check_frame(self, prepared: Prepared) -> None:
        """InputError for data that were prepared with other options than those that the run was trained on."""
        if self.frame is None:  # an older run
            return
        told = "{}x{} pixels" + (" and flow scale {}" if self.recipe.clips.flow else "")
        mine, its = told.format(*self.frame), told.format(*frame_of(prepared))
        if mine != its:
            raise InputError(
                f"expected frames as in training ({mine}) in {prepared.path}, got {its}: prepare it with those options"
            )

    def unfinished(self) -> bool:
        """Was the run ended before its first checkpoint? The log is begun after it."""
        return not any(os.path.lexists(self.path / name) for name in ("checkpoint.npz", "log.jsonl"))

    def load(self, name: str = "checkpoint.npz") -> checkpoint.Checkpoint:
        """A checkpoint of this run. InputError if it is missing, damaged, or belongs to another run."""
        old_names = networks.page(self.recipe.network.name).FACTS.old_names
        found = checkpoint.load(self.path / name, model.init(self.recipe, self.identities), old_names)
        self.check_owner(found, name)
        return found

    def check_owner(self, found: checkpoint.Checkpoint, name: str) -> None:
        """InputError unless the checkpoint was trained with this recipe, on these persons."""
        mine, its = self.checksums(), found.facts.run
        if its is None:  # an older checkpoint knows its recipe without the evaluation, or nothing
            mine = {"recipe": checksum({key: table for key, table in self.tables().items() if key != "evaluation"})}
            its = {"recipe": found.facts.recipe or mine["recipe"]}
        for key, file in (("recipe", "recipe.toml"), ("persons", "run.json")):
            if its.get(key) != mine.get(key):
                raise InputError(
                    f"{self.path / name} was not trained with this {file}: put the original file back, or train again"
                    + ("; minireid evaluate --set changes how it is evaluated" if key == "recipe" else "")
                )

    def checksums(self) -> dict[str, str]:
        """Of all values of the recipe, and of the data, the split and the persons. They name the run in checkpoints."""
        who = [self.prepared_sha256, self.split, self.number, self.train, self.validation, self.test, self.identities]
        return {"recipe": checksum(self.tables()), "persons": checksum(who)}

    def tables(self) -> dict[str, Any]:
        """The tables of recipe.toml as they stand there."""
        return tomllib.loads(read_text(self.path / "recipe.toml", "the recipe of a run"))

    def best(self) -> checkpoint.Checkpoint:
        """The best checkpoint on the validation persons, or the last one if there are no such persons."""
        return self.load("best.npz" if self.validation else "checkpoint.npz")


def frame_of(prepared: Prepared) -> tuple[int, int, int | None]:
    return prepared.height, prepared.width, prepared.index.flow_scale


def checksum(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def create(
    path: Path,
    recipe: Recipe,
    prepared: Prepared,
    split: Split,
    train: Sequence[int],
    validation: Sequence[int],
    identities: int,
) -> Run:
    """Make a new run folder. Raises InputError if `path` is a file or holds anything but a start of our own.

    A start that was ended before its first checkpoint is begun anew.
    """
    check_free(path, recipe)
    who = (tuple(train), tuple(validation), split.test, identities, frame_of(prepared))
    run = Run(path, recipe, VERSION, prepared.path.resolve(), prepared.sha256, split.protocol, split.number, *who)
    make_folder(path)
    write_text(path / "recipe.toml", to_toml(recipe))
    fields: dict[str, Any] = {"format": FORMAT, **vars(run)}
    for key in ("path", "recipe"):
        del fields[key]
    write_text(path / "run.json", json.dumps(fields, indent=1, default=str))
    return run


def check_free(path: Path, recipe: Recipe) -> None:
    """InputError unless a run can begin at `path`: nothing is there, or an unfinished start."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: choose another --out")
    names = {name.removesuffix(".partial") for name in names_in(path)}
    if "checkpoint.npz" in names and (path / "checkpoint.npz").exists():
        raise InputError(f"{path} is not empty: choose another --out, or go on with minireid train --resume {path}")
    ours = names <= {*UNFINISHED, "checkpoint.npz"}
    if names and "run.json" not in names:  # somebody's own recipe.toml must not be overwritten
        there = path / "recipe.toml"
        ours = names == {"recipe.toml"} and (not there.exists() or read_text(there, "a recipe") == to_toml(recipe))
    if not ours:
        raise InputError(f"{path} is not empty: choose another --out")


def open_run(path: Path) -> Run:
    """Open a run folder. Raises InputError if it is missing, damaged or of another version."""
    file = path / "run.json"
    if not file.is_file():
        raise InputError(f"expected a run folder (with run.json) at {path}, found none: check the path, or train first")
    found = read_ours(
        file, File, format=FORMAT, versions=(1, VERSION), what="the description of a run", remedy="train again"
    )
    if found.identities > len(found.train):
        raise InputError(f"{file} is damaged ({found.identities} identities of {len(found.train)}): train again")
    fields = msgspec.structs.asdict(found) | {"prepared_path": Path(found.prepared_path)}
    del fields["format"]
    return Run(path=path, recipe=load_recipe(str(path / "recipe.toml")), **fields)
