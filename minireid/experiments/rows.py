"""The rows of a sweep: each has a name, a complete recipe, and perhaps the numbers that a paper prints for it.

Rows come from names of recipes, one row for each, or from a sweep file (TOML). A file of minireid/experiments/sweeps is
given by its name, any other by its path:

    title = "Recurrent units"                  printed above the table; optional
    set = ["training.epochs=30"]               changes of every row's recipe; optional

    [[row]]
    name = "LSTM"
    recipe = "msp_src"                         a name, or the path of a .toml file beside the sweep file; without it,
                                               the row changes the recipe that --recipe names
    set = ["network.unit=lstm"]                changes of this row's recipe; optional
    paper = { prid2011 = [70, 90, 95, 97] }    rank-1, 5, 10, 20 in %; by dataset, or by dataset and protocol
                                               ("prid2011/178"); optional

Changes apply in this order: the file's, the row's, the command line's (--set).
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError, without_controls
from minireid.base.files import read_text
from minireid.evaluation.baselines import BASELINES
from minireid.evaluation.ranking import RANKS
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe

KEYS = {"name": str, "recipe": str, "set": list, "paper": dict}
NEEDED = ("name",)
LONGEST = 100  # letters of a row's folder
TAKEN = (*BASELINES, "chance")  # names of other lines in every table


@dataclass(frozen=True)
class Row:
    """One row of a sweep. folder: its name in the sweep folder; paper: {dataset: % at ranks 1, 5, 10, 20}."""

    name: str
    folder: str
    recipe: Recipe
    paper: dict[str, list[float]]


def rows_of(
    recipes: Sequence[str], file: str | None, changes: tuple[str, ...], protocols: Sequence[str] = ()
) -> tuple[str, list[Row]]:
    """(title, rows) of these recipes or of this sweep file. With protocols: every row once under each protocol.

    With a recipe and a file: the recipe is the base of the rows that name no recipe.
    """
    if not recipes and not file:
        raise InputError("expected --recipe NAME or --rows FILE: what should be trained?")
    if file and len(recipes) > 1:
        raise InputError(f"expected one --recipe with --rows, the base of its rows, got {', '.join(recipes)}")
    if len(set(protocols)) < len(protocols):
        raise InputError(f"expected each protocol once, got {', '.join(protocols)}: leave out the second")
    base = recipes[0] if recipes else None
    title, found = "", []
    for protocol in protocols or (None,):
        with_protocol = changes if protocol is None else (*changes, f"evaluation.protocol={protocol}")
        title, rows = of_file(file, with_protocol, base) if file else ("", of_recipes(recipes, with_protocol))
        found += rows if protocol is None else [replace(row, folder=f"{row.folder}_{protocol}") for row in rows]
    return title, found


def of_recipes(names: Sequence[str], changes: tuple[str, ...] = ()) -> list[Row]:
    """A row for each recipe, by name or path."""
    return unique([Row(Path(name).stem, "", seedless(name, changes), {}) for name in names], "--recipe")


def of_file(name_or_path: str, changes: tuple[str, ...] = (), base: str | None = None) -> tuple[str, list[Row]]:
    """(title, rows) of the sweep file of this name, or at this path. InputError if anything is wrong with it.

    base: the recipe of the rows that name none.
    """
    text, beside = read(name_or_path)
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as fault:  # ValueError: 5,000 digits
        raise InputError(f"{name_or_path} is not valid TOML ({str(fault)[:120]}): correct that line") from None
    check_keys(table, {"title": str, "set": list, "row": list}, ("row",), name_or_path)
    common = strings(table.get("set", []), f"set of {name_or_path}")
    if not table["row"]:
        raise InputError(f"expected at least one [[row]] in {name_or_path}, got none")
    rows = [
        row_of(given, f"row {n} of {name_or_path}", beside, base, common, changes)
        for n, given in enumerate(table["row"], 1)
    ]
    return without_controls(table.get("title", "")), unique(rows, name_or_path)


def names() -> list[str]:
    """The sweep files that come with minireid."""
    folder = resources.files("minireid") / "experiments" / "sweeps"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def read(name_or_path: str) -> tuple[str, Path | None]:
    """The text of a sweep file, and the folder that its paths start from."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return read_text(path, "a sweep file"), path.parent
    if name_or_path not in names():
        raise InputError(
            f"expected a sweep file ({', '.join(names())}) or the path of a .toml file, got {name_or_path[:80]}"
        )
    return (resources.files("minireid") / "experiments" / "sweeps" / f"{name_or_path}.toml").read_text(
        encoding="utf-8"
    ), None


def row_of(
    given: Any, where: str, beside: Path | None, base: str | None, common: tuple[str, ...], changes: tuple[str, ...]
) -> Row:
    """One [[row]] of a sweep file, every value checked."""
    if not isinstance(given, dict):
        raise InputError(f"expected {where} as a [[row]], got {given!r}")
    check_keys(given, KEYS, NEEDED, where)
    name, recipe = given["name"], given.get("recipe", base)
    if recipe is None:
        raise InputError(f"{where} names no recipe: give the recipe that it changes with --recipe NAME")
    own = strings(given.get("set", []), f"set of {where}")
    if beside and "recipe" in given and recipe.endswith(".toml"):
        recipe = str(beside / recipe)
    paper = {str(dataset): percents(v, f"paper.{dataset} of {where}") for dataset, v in given.get("paper", {}).items()}
    return Row(name, "", seedless(recipe, common + own + changes), paper)


def check_keys(table: dict[str, Any], kinds: Mapping[str, Any], needed: Sequence[str], where: str) -> None:
    """InputError for a key that is unknown, missing or of another type."""
    for key, value in table.items():
        if key not in kinds:
            raise InputError(f"unknown key of {where}: {key}; expected {', '.join(kinds)}")
        if type(value) is not kinds[key]:
            word = {str: "text", list: "a list", dict: "a table"}[kinds[key]]
            raise InputError(f"expected {key} of {where} as {word}, got {value!r}")
    for key in needed:
        if not table.get(key):
            raise InputError(f"missing key of {where}: {key}")


def strings(given: list[Any], what: str) -> tuple[str, ...]:
    for change in given:
        if type(change) is not str:
            raise InputError(f'expected {what} as a list of texts such as "network.unit=gru", got {change!r}')
    return tuple(given)


def percents(given: Any, what: str) -> list[float]:
    right = isinstance(given, list) and len(given) == len(RANKS)
    if not right or not all(type(v) in (int, float) and 0 <= v <= 100 for v in given):
        raise InputError(f"expected {what} as four numbers from 0 to 100 (% at ranks 1, 5, 10, 20), got {given!r}")
    return [float(v) for v in given]


def seedless(recipe: str, changes: tuple[str, ...]) -> Recipe:
    """The recipe with its changes. InputError if a change sets the seed: the sweep sets all seeds."""
    for change in changes:
        if change.partition("=")[0].strip() == "training.seed":
            raise InputError(f"a sweep sets the seeds itself, remove {change}: use --seeds N for the seeds 0 to N - 1")
    return load(recipe, (*changes, "training.seed=0"))


def unique(rows: list[Row], where: str) -> list[Row]:
    """The same rows, each with its folder. InputError if a name is taken, or if two names give the same folder."""
    found: dict[str, Row] = {}
    for row in rows:
        folder = re.sub(r"[^a-z0-9.+-]+", "_", row.name.lower()).strip("_.")
        if not folder or len(folder) > LONGEST or row.name in TAKEN:
            raise InputError(f"{row.name[:40]!r} in {where} cannot be a row's name: choose another")
        if folder in found:
            raise InputError(f"two rows of {where} are called {row.name} (or almost): give each its own name")
        found[folder] = replace(row, folder=folder)
    return list(found.values())
