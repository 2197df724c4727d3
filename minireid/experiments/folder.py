"""A sweep folder: what it consists of, and where each trial's results are.

SWEEP/sweep.json                    format, version, title, the prepared folder and the split file (paths and
                                    checksums), the rows (name, folder, paper's numbers), how many splits and seeds
SWEEP/ROW/recipe.toml               the row's recipe, complete
SWEEP/ROW/split0_seed0/             a finished trial: a run folder, with results.json, results.csv and trial.json
SWEEP/ROW/split0_seed0.1f6a09c3/    a trial that is running, or was left unfinished; see trial.py
SWEEP/table.md …                    written by `minireid table`

A trial is finished when its folder has its final name. Rows, splits and seeds may be added to a sweep. Other data,
another split file, or another recipe for a row with finished trials are refused.
"""

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.files import make_folder, names_in, read_bytes, write_text
from minireid.base.records import Head, read_ours
from minireid.data.prepared import Prepared, open_prepared
from minireid.experiments.rows import Row
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.recipes.text import tables_of, to_toml

FORMAT = "minireid-sweep"
VERSION = 3  # 1: prepared_sha256 is the checksum of the frames alone; 2: without sha256
Number = Annotated[int, Meta(ge=1, le=10**6)]


class Trained(msgspec.Struct, forbid_unknown_fields=True):
    """One row in sweep.json. folder: a name without a way out of the sweep folder."""

    name: str
    folder: Annotated[str, Meta(pattern=r"^[a-z0-9+_-][a-z0-9.+_-]*$", max_length=200)]
    paper: dict[str, Annotated[list[Annotated[float, Meta(ge=0, le=100)]], Meta(min_length=4, max_length=4)]]


class File(Head, forbid_unknown_fields=True, kw_only=True):
    """sweep.json."""

    title: str
    prepared_path: str
    prepared_sha256: str
    splits_file: str | None
    splits_sha256: str | None
    rows: tuple[Trained, ...]
    splits: Number
    seeds: Number
    sha256: str | None = None  # of all other values; not in versions 1 and 2


class Trial(NamedTuple):
    """One row trained on one split with one seed. row: the row's folder."""

    row: str
    split: int
    seed: int


@dataclass(frozen=True)
class Sweep:
    """An open sweep folder. splits and seeds are numbered from 0; splits_file: None for the recipe's protocol."""

    path: Path
    version: int
    title: str
    prepared_path: Path
    prepared_sha256: str
    splits_file: Path | None
    splits_sha256: str | None
    rows: tuple[Row, ...]
    splits: int
    seeds: int

    def trials(self) -> list[Trial]:
        """All trials: every row with one split and seed, then every row with the next."""
        numbers = [(split, seed) for seed in range(self.seeds) for split in range(self.splits)]
        return [Trial(row.folder, *number) for number in numbers for row in self.rows]

    def home(self, trial: Trial) -> Path:
        """The folder of the finished trial."""
        return self.path / trial.row / f"split{trial.split}_seed{trial.seed}"

    def finished(self, trial: Trial) -> bool:
        return (self.home(trial) / "results.json").is_file()

    def missing(self) -> list[Trial]:
        return [trial for trial in self.trials() if not self.finished(trial)]

    def row(self, folder: str) -> Row:
        return next(row for row in self.rows if row.folder == folder)

    def prepared(self) -> Prepared:
        """The data. InputError if they, or the split file, have changed since the sweep was begun."""
        prepared = open_prepared(self.prepared_path)
        if (prepared.index.sha256 if self.version == 1 else prepared.sha256) != self.prepared_sha256:
            raise InputError(f"{self.prepared_path} has changed since {self.path} was begun: choose another --out")
        if self.splits_file and checksum(self.splits_file) != self.splits_sha256:
            raise InputError(f"{self.splits_file} has changed since {self.path} was begun: choose another --out")
        return prepared


def planned(
    path: Path, title: str, prepared_path: Path, splits_file: Path | None, rows: list[Row], splits: int, seeds: int
) -> Sweep:
    """The requested sweep. Nothing is written. InputError if the prepared folder cannot be opened."""
    prepared = open_prepared(prepared_path)
    return Sweep(
        Path(os.path.realpath(path)),  # resolve() would raise for a link to itself
        VERSION,
        title,
        prepared.path.resolve(),
        prepared.sha256,
        splits_file.resolve() if splits_file else None,
        checksum(splits_file) if splits_file else None,
        tuple(rows),
        splits,
        seeds,
    )


def checksum(file: Path) -> str:
    """SHA-256 of a split file. InputError if it cannot be read."""
    return hashlib.sha256(read_bytes(file, "a split file")).hexdigest()


def keep(requested: Sweep) -> None:
    """Make the sweep folder, or add to it if it exists. InputError if it is the folder of another sweep."""
    path = requested.path
    both = requested
    if (path / "sweep.json").is_file():
        both = together(open_sweep(path), requested)
    elif not all(is_unfinished_row(path / name) for name in names_in(path) - {"sweep.json.partial"}):
        raise InputError(f"{path} is not empty and is no sweep folder: choose another --out")
    for row in requested.rows:
        make_folder(path / row.folder)
        write_text(path / row.folder / "recipe.toml", to_toml(row.recipe))
    header: dict[str, Any] = {"format": FORMAT, **vars(both)}
    del header["path"]
    header["rows"] = [{"name": row.name, "folder": row.folder, "paper": row.paper} for row in both.rows]
    header["sha256"] = sealed(header)
    write_text(path / "sweep.json", json.dumps(header, indent=1, default=str) + "\n")


def sealed(header: dict[str, Any]) -> str:
    """The checksum of sweep.json."""
    values = {key: value for key, value in header.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def is_unfinished_row(path: Path) -> bool:
    """Is this all that a sweep leaves that was ended before it wrote sweep.json: a folder with a recipe?"""
    return path.is_dir() and names_in(path) <= {"recipe.toml", "recipe.toml.partial"}


def together(old: Sweep, new: Sweep) -> Sweep:
    """The old sweep with the rows, splits and seeds of the new one. InputError if they cannot share a folder."""
    if old.version == 1:
        raise InputError(f"an older minireid began {old.path}: choose another --out; its table can still be made")
    if old.prepared_sha256 != new.prepared_sha256:
        raise InputError(
            f"{old.path} is a sweep on {old.prepared_path}, not on {new.prepared_path}: choose another --out"
        )
    if old.splits_sha256 != new.splits_sha256:
        was, now = (sweep.splits_file or "the recipe's protocol" for sweep in (old, new))
        raise InputError(f"{old.path} has its splits from {was}, not from {now}: choose another --out")
    rows = {row.folder: row for row in old.rows}
    begun = {trial.row for trial in old.trials() if old.finished(trial)}
    for row in new.rows:
        if row.folder in begun:
            refuse_change(old.path, rows[row.folder], row)
        rows[row.folder] = row
    return dataclasses.replace(
        new,
        title=new.title or old.title,
        rows=tuple(rows.values()),
        splits=max(old.splits, new.splits),
        seeds=max(old.seeds, new.seeds),
    )


def refuse_change(path: Path, old: Row, new: Row) -> None:
    """InputError if the two rows have different recipes."""
    was, now = flat(old.recipe), flat(new.recipe)
    for key in was | now:
        if was.get(key) != now.get(key):
            raise InputError(
                f"{path} has a row {new.name} with {key} = {was.get(key)}, not {now.get(key)}: "
                "give the row another name, or choose another --out"
            )


def flat(recipe: Recipe) -> dict[str, Any]:
    """{"training.seed": 0, ...}"""
    return {f"{part}.{key}": v for part, table in tables_of(recipe).items() for key, v in table.items()}


def open_sweep(path: Path) -> Sweep:
    """Open a sweep folder. InputError if it is missing, damaged or of another version."""
    file = path / "sweep.json"
    if not file.is_file():
        raise InputError(f"expected a sweep folder (with sweep.json) at {path}, found none: check the path")
    versions = (1, 2, VERSION)
    found = read_ours(
        file, File, format=FORMAT, versions=versions, what="the description of a sweep", remedy="choose another --out"
    )
    if (found.splits_file is None) != (found.splits_sha256 is None):
        raise InputError(f"{file} is damaged (splits_file without splits_sha256, or the reverse): choose another --out")
    if found.version == VERSION and found.sha256 != sealed(msgspec.to_builtins(found)):
        raise InputError(f"{file} was changed after it was written: choose another --out")
    fields = msgspec.structs.asdict(found)
    del fields["format"], fields["sha256"]
    fields["prepared_path"] = Path(found.prepared_path)
    fields["splits_file"] = Path(found.splits_file) if found.splits_file else None
    fields["rows"] = tuple(
        Row(row.name, row.folder, load(str(path / row.folder / "recipe.toml")), row.paper) for row in found.rows
    )
    return Sweep(path.resolve(), **fields)
