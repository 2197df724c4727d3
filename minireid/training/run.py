"""A run folder: the recipe, the persons of the split, and the state of the training.

RUN/recipe.toml      the recipe, complete
RUN/run.json         format, version, the prepared folder (path and checksum), the split, the persons
RUN/log.jsonl        one line of JSON per step, with the validation results if there are any
RUN/checkpoint.npz   to resume from, and to evaluate
RUN/best.npz         the best checkpoint on the validation persons, if there are any
"""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from minireid import networks
from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.data.prepared import Prepared, open_prepared
from minireid.data.splits import Split
from minireid.recipes.recipe import load as load_recipe
from minireid.recipes.schema import Recipe
from minireid.recipes.text import to_toml
from minireid.training import checkpoint, model

FORMAT = "minireid-run"
VERSION = 1


@dataclass(frozen=True)
class Run:
    """An open run folder. train: training persons. validation: persons held out from training. test: test persons."""

    path: Path
    recipe: Recipe
    prepared_path: Path
    prepared_sha256: str
    split: str  # protocol, or the split file's name
    number: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    identities: int  # classes of the classifiers: training persons with two long enough tracks

    def prepared(self) -> Prepared:
        """The prepared folder of the run. Raises InputError if the folder has changed."""
        prepared = open_prepared(self.prepared_path)
        if prepared.index["sha256"] != self.prepared_sha256:
            raise InputError(f"{self.prepared_path} has changed since {self.path} was trained: train again")
        return prepared

    def load(self, name: str = "checkpoint.npz") -> checkpoint.Checkpoint:
        old_names = networks.page(self.recipe.network.name).FACTS.old_names
        return checkpoint.load(self.path / name, model.init(self.recipe, self.identities), old_names)

    def training_digest(self) -> str:
        """A checksum of recipe.toml without its evaluation, which may be changed after the training."""
        tables = tomllib.loads((self.path / "recipe.toml").read_text(encoding="utf-8"))
        tables.pop("evaluation", None)
        return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()

    def best(self) -> checkpoint.Checkpoint:
        """The best checkpoint on the validation persons, or the last one if there are no such persons."""
        return self.load("best.npz" if self.validation else "checkpoint.npz")


def create(
    path: Path, recipe: Recipe, prepared: Prepared, split: Split, train: tuple[int, ...], validation, identities: int
) -> Run:
    """Make a new run folder. Raises InputError if `path` is a file or a folder that is not empty."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: choose another --out")
    if path.exists() and any(path.iterdir()):
        raise InputError(f"{path} is not empty: choose another --out, or go on with minireid train --resume {path}")
    run = Run(
        path,
        recipe,
        prepared.path.resolve(),
        prepared.index["sha256"],
        split.protocol,
        split.number,
        train,
        validation,
        split.test,
        identities,
    )
    path.mkdir(parents=True, exist_ok=True)
    write_text(path / "recipe.toml", to_toml(recipe))
    fields: dict[str, Any] = {"format": FORMAT, "version": VERSION, **asdict(run)}
    for key in ("path", "recipe"):
        del fields[key]
    fields["prepared_path"] = str(run.prepared_path)
    write_text(path / "run.json", json.dumps(fields, indent=1))
    return run


def open_run(path: Path) -> Run:
    """Open a run folder. Raises InputError if it is missing, damaged or of another version."""
    file = path / "run.json"
    if not file.is_file():
        raise InputError(f"expected a run folder (with run.json) at {path}, found none: check the path, or train first")
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        if fields.pop("format") != FORMAT or fields.pop("version") != VERSION:
            raise InputError(
                f"expected {FORMAT} version {VERSION} in {file}, got another: use the minireid version that wrote it"
            )
        return Run(path=path, recipe=load_recipe(str(path / "recipe.toml")), **checked(fields))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as fault:
        raise InputError(f"{file} is damaged ({fault}): train again") from None


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The entries of run.json as arguments of Run. Raises ValueError if an entry has the wrong type or range."""
    for key in ("train", "validation", "test"):
        if not all(type(person) is int for person in fields[key]):
            raise ValueError(f"{key} should be a list of whole numbers")
        fields[key] = tuple(fields[key])
    for key, kind in (
        ("split", str),
        ("number", int),
        ("prepared_sha256", str),
        ("prepared_path", str),
        ("identities", int),
    ):
        if type(fields[key]) is not kind:
            raise ValueError(f"{key} should be {kind.__name__}, not {fields[key]!r}")
    if not 2 <= fields["identities"] <= len(fields["train"]):
        raise ValueError(f"identities should be from 2 to {len(fields['train'])}, not {fields['identities']}")
    return {**fields, "prepared_path": Path(fields["prepared_path"])}
