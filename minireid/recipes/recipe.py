"""Recipes: every number of an experiment, in TOML files, with its reason beside it.

A file names the recipe that it starts from, and states what differs:

    base = "msp_src"            a recipe of this folder, or the path of a .toml file beside this one

    [clips]
    length = 8                  only the keys that differ

A recipe without a base is complete. `load` puts a recipe together: base first, then the file, then changes such as
"training.seed=3". schema.py lists the keys, with their units. The settings of a network are in a table of its family,
`[msp_src]` for example. The network's page (FACTS) declares these settings and their defaults. An unknown or missing
key, or a value of another type or out of range, is an InputError that names the key. `minireid recipe show NAME` prints
where each value comes from.
"""

import dataclasses
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta

from minireid import networks
from minireid.base.errors import InputError
from minireid.base.files import read_text
from minireid.networks.facts import Facts, Setting
from minireid.recipes.schema import SECTIONS, Recipe


class Source(NamedTuple):
    """One of the files of a recipe: its name, its tables, and the comments behind its values."""

    name: str
    tables: dict[str, dict[str, Any]]
    reasons: dict[str, str]


def names() -> list[str]:
    """The recipes that come with minireid."""
    folder = resources.files("minireid") / "recipes"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load(name_or_path: str, changes: tuple[str, ...] = ()) -> Recipe:
    """The recipe of this name, or in this file, with `changes` such as "training.seed=3" applied."""
    return build(sources_of(name_or_path), name_or_path, changes)


def parse(text: str, where: str, changes: tuple[str, ...] = ()) -> Recipe:
    """TOML text -> Recipe. `where` names it in errors."""
    return build(with_base(text, where, Path(where).parent, ()), where, changes)


# From files to tables.


def sources_of(name_or_path: str, beside: Path | None = None, above: tuple[str, ...] = ()) -> list[Source]:
    """The files that a recipe consists of, the first base first. above: the recipes that are built on this one."""
    if name_or_path in above:
        raise InputError(f"expected bases without a circle, but {name_or_path} is its own base: remove one `base`")
    path = Path(name_or_path)
    if path.suffix == ".toml":
        path = beside / path if beside else path
        text = read_text(path, "a recipe")
    elif name_or_path in names():
        text = (resources.files("minireid") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    else:
        known = ", ".join(names())
        raise InputError(f"expected a recipe ({known}) or the path of a .toml file, got {name_or_path[:80]}")
    return with_base(text, name_or_path, path.parent, above)


def with_base(text: str, where: str, beside: Path, above: tuple[str, ...]) -> list[Source]:
    """The sources of this TOML text: its bases, then itself. beside: the folder that paths of bases start from."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as fault:  # ValueError: 5,000 digits
        raise InputError(f"{where} is not valid TOML ({str(fault)[:120]}): correct that line") from None
    base = tables.pop("base", None)
    if base is not None and type(base) is not str:
        raise InputError(f"expected base of {where} as the name of a recipe, got {base!r}")
    families = [networks.page(name).FACTS.family for name in networks.NAMES]
    check_keys(tables, {*SECTIONS, *families}, "section", where)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f"expected a section [{name}] in {where}, got {table!r}")
    own = Source(where, upgrade(tables), reasons_in(text))
    return [*(sources_of(base, beside, (*above, where)) if base else []), own]


def upgrade(tables: dict[str, Any]) -> dict[str, Any]:
    """Older tables, which have the settings of all networks in [network], in today's form."""
    old = ("unit", "depth", "pool", "kernels", "lower_in_candidate", "attention", "top_k")
    network = tables.get("network", {})
    if not set(old) <= set(network) or network.get("name") not in networks.NAMES:
        return tables
    facts = networks.page(network["name"]).FACTS
    settings = {key: network[key] for key in old if key in facts.settings}
    rest = {key: value for key, value in network.items() if key not in old}
    return {**tables, "network": rest, **({facts.family: settings} if settings else {})}


def reasons_in(text: str) -> dict[str, str]:
    """{"section.key": the comment behind its value}, of values that fill one line."""
    found, section = {}, ""
    for line in text.splitlines():
        if heading := re.match(r"\[(\w+)\]", line):
            section = heading[1]
        elif entry := re.match(r"(\w+)\s*=[^#]*#\s*(.+)", line):
            found[f"{section}.{entry[1]}"] = entry[2]
    return found


# From tables to a recipe.


def build(sources: list[Source], where: str, changes: tuple[str, ...]) -> Recipe:
    """The recipe of all sources and changes. Later sources override earlier ones. Every value is checked."""
    tables = merged(sources)
    for change in sorted(changes, key=lambda change: not change.strip().startswith("network.name")):
        apply(tables, change, where)  # the network's name first: it decides which settings there are
    for name in SECTIONS:
        if name not in tables:
            raise InputError(f"missing section of {where}: {name}; a recipe without a base has all of them")
    parts = {name: section(kind, tables[name], name, where) for name, kind in SECTIONS.items()}
    facts = networks.page(parts["network"].name).FACTS
    settings = settings_of(facts, tables.get(facts.family, {}), where)
    recipe = Recipe(settings=settings, **parts)
    check_network(recipe, facts, where)
    return recipe


def merged(sources: list[Source]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for source in sources:
        for name, table in source.tables.items():
            tables.setdefault(name, {}).update(table)
    return tables


def apply(tables: dict[str, dict[str, Any]], change: str, where: str) -> None:
    """Set one key in place: "section.key=value", the value as TOML (a bare word is taken as text).

    A setting of the network has two names: with its family (msp_src.unit), or with network (network.unit).
    """
    key, equals, text = change.partition("=")
    part, dot, last = key.strip().partition(".")
    if not equals or not dot:
        raise InputError(f"expected --set section.key=value, got {change!r}")
    try:
        parsed = tomllib.loads(f"v = {text}")["v"]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        parsed = text.strip()
    name = tables.get("network", {}).get("name")
    facts = networks.page(name).FACTS if name in networks.NAMES else Facts("", 0, ())
    if part in ("network", facts.family) and last in facts.settings:
        tables.setdefault(facts.family, {})[last] = parsed
    elif part in SECTIONS and last in {field.name for field in dataclasses.fields(SECTIONS[part])}:
        tables.setdefault(part, {})[last] = parsed
    else:
        own = f"; {name} has the settings {', '.join(facts.settings) or 'none'}" if part == "network" else ""
        raise InputError(f"there is no key {key.strip()} in {where}: see minireid recipe show for the keys{own}")


def section(kind: Any, table: dict[str, Any], name: str, where: str) -> Any:
    """One section's dataclass, every value checked."""
    fields = {field.name: field.type for field in dataclasses.fields(kind)}
    check_keys(table, set(fields), f"key in [{name}]", where)
    for missing in sorted(set(fields) - set(table)):
        raise InputError(f"missing key in [{name}] of {where}: {missing}; a recipe without a base states every key")
    return kind(**{key: value(table[key], kind, f"{name}.{key}", where) for key, kind in fields.items()})


def settings_of(facts: Facts, table: dict[str, Any], where: str) -> dict[str, Any]:
    """{setting: value}. Settings that the table does not have get their declared default."""
    check_keys(table, set(facts.settings), f"key in [{facts.family}]", where)
    return {
        key: setting_value(table[key], setting, f"{facts.family}.{key}", where) if key in table else setting.default
        for key, setting in facts.settings.items()
    }


def setting_value(given: Any, setting: Setting, key: str, where: str) -> Any:
    number = Annotated[int, Meta(ge=setting.least, le=4096)]
    two = Annotated[tuple[number, number], Meta(description=f"two whole numbers in [ ], each from {setting.least}")]
    kind: Any = Literal[setting.choices] if setting.choices else type(setting.default)
    return value(given, {int: number, tuple: two}.get(kind, kind), key, where)


def check_network(recipe: Recipe, facts: Facts, where: str) -> None:
    """InputError if the network does not have this number of filters, or not this loss."""
    name, filters, together = recipe.network.name, recipe.network.filters, recipe.losses.together
    if len(filters) != facts.filters:
        raise InputError(f"expected network.filters of {name} to be {facts.filters} numbers, got {list(filters)}")
    if together not in facts.losses:
        raise InputError(f"expected losses.together of {name} to be {' or '.join(facts.losses)}, got {together}")


def check_keys(table: dict[str, Any], expected: set[str], what: str, where: str) -> None:
    for unknown in sorted(set(table) - expected):
        raise InputError(f"unknown {what} of {where}: {unknown}; expected {', '.join(sorted(expected)) or 'none'}")


def value(given: Any, kind: Any, key: str, where: str) -> Any:
    """The value as a `kind` of schema.py, or an InputError that says what was expected and what came."""
    if key == "evaluation.protocol" and type(given) is int:  # a shell takes the quotation marks of "178" away
        given = str(given)
    try:
        return msgspec.convert(given, kind)
    except (msgspec.ValidationError, RecursionError) as fault:
        wanted = expected_by(kind) or in_words(str(fault))
        raise InputError(f"expected {key} of {where} as {wanted}, got {shortened(given)}") from None


def expected_by(kind: Any) -> str:
    """A kind's own words, if it has some: its description, or its choices."""
    described = [part.description for part in getattr(kind, "__metadata__", ()) if isinstance(part, Meta)]
    if described and described[0]:
        return described[0]
    return f"one of {', '.join(get_args(kind))}" if get_origin(kind) is Literal else ""


SIGNS = {" >= ": ", {} or more", " <= ": ", {} or less", " > ": ", above {}", " < ": ", below {}"}


def in_words(fault: str) -> str:
    """Expected `int` >= 1 -> int, 1 or more. Expected `int`, got `str` -> int."""
    text = fault.partition(", got ")[0].partition(" - at ")[0].removeprefix("Expected ").replace("`", "")
    for sign, words in (
        (" >= ", ", {} or more"),
        (" <= ", ", {} or less"),
        (" > ", ", above {}"),
        (" < ", ", below {}"),
    ):
        before, found, number = text.partition(sign)
        if found:
            return before + words.format(number.removesuffix(".0"))
    return text[:1].lower() + text[1:]


def shortened(given: Any) -> str:
    text = repr(given) if not isinstance(given, int) or abs(given) < 10**30 else "a huge number"
    return text if len(text) < 80 else f"{text[:40]} ... {text[-20:]}"
