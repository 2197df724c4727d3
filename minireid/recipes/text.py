"""Recipes as text: for the file in a run folder, and for `minireid recipe`."""

import dataclasses
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

from minireid import networks
from minireid.recipes.recipe import Source, build, names, sources_of
from minireid.recipes.schema import Recipe


def tables_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The complete recipe as TOML has it: {section: {key: value}}."""
    tables = dataclasses.asdict(recipe)
    settings = tables.pop("settings")
    family = networks.page(recipe.network.name).FACTS.family
    return {"network": tables.pop("network"), **({family: settings} if settings else {}), **tables}


def to_toml(recipe: Recipe) -> str:
    """The complete recipe as TOML text, without the reasons. A run folder keeps this."""
    lines = []
    for name, table in tables_of(recipe).items():
        lines += [f"[{name}]", *(f"{key} = {as_toml(v)}" for key, v in table.items()), ""]
    return "\n".join(lines)


def as_toml(v: Any) -> str:
    if isinstance(v, bool):
        return str(v).lower()
    return json.dumps(v) if isinstance(v, str) else str(list(v) if isinstance(v, tuple) else v)


def show(name_or_path: str, changes: tuple[str, ...] = ()) -> str:
    """The complete recipe as TOML text. Behind each value: the file that it comes from, and the reason given there."""
    sources = sources_of(name_or_path)
    recipe = build(sources, name_or_path, changes)
    before = tables_of(build(sources, name_or_path, tuple(c for c in changes if c.strip().startswith("network.name"))))
    lines = [f"# {name_or_path}" + "".join(f", based on {source.name}" for source in reversed(sources[:-1])), ""]
    for section_name, table in tables_of(recipe).items():
        lines.append(f"[{section_name}]")
        for key, v in table.items():
            changed = before.get(section_name, {}).get(key) != v
            origin = "--set" if changed else origin_of(sources, section_name, key)
            lines.append(f"{f'{key} = {as_toml(v)}':<40}  # {origin}")
        lines.append("")
    return "\n".join(lines).rstrip()


def origin_of(sources: list[Source], section_name: str, key: str) -> str:
    for source in reversed(sources):
        if key in source.tables.get(section_name, {}):
            reason = source.reasons.get(f"{section_name}.{key}")
            return f"{source.name}: {reason}" if reason else source.name
    return "the network's own default"


def listing() -> str:
    """The recipes that come with minireid, one per line: name, and first line of its file."""
    return "\n".join(line for name in names() for line in described(name)) + (
        "\n\nminireid recipe show NAME prints a recipe with the origin of every value."
    )


def described(name: str) -> Iterator[str]:
    text = (resources.files("minireid") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    yield f"{name:<14}{text.partition(chr(10))[0].removeprefix('# ')}"
