"""What a network says about itself: the one declaration that recipes, training, checks and tables read.

A setting is a keyword argument of the network's `init` or `forward`. A recipe gives its value in the table of the
network's family, for example

    [msp_src]
    unit = "gru"

`taken_by` returns the settings that a function's signature names. So nothing else has to know which function takes
which setting.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """default: the value if a recipe has none; its type is the setting's type. choices: the allowed strings, if any.
    least: the smallest allowed number. layer: whether it is a page of minireid/layers."""

    default: Any
    choices: tuple[str, ...] = ()
    least: int = 0
    layer: bool = False


class Facts(NamedTuple):
    """family: the table of a recipe that holds the settings; the ablations of a network share it.
    filters: how many numbers `network.filters` has. losses: what `losses.together` may be.
    levels: the embeddings that describe a clip; empty: all that `forward` returns.
    old_names: {old end of a parameter's name, in checkpoints of version 1: new end}."""

    family: str
    filters: int
    losses: tuple[str, ...]
    settings: Mapping[str, Setting] = {}
    levels: tuple[str, ...] = ()
    old_names: Mapping[str, str] = {}


POOLS = Setting("temporal_mean", ("temporal_mean", "temporal_max", "temporal_last"), layer=True)
DISTANCE_LOSSES = ("joint", "joint_on_sphere")  # of networks whose embeddings are compared by a distance


def taken_by(function: Callable[..., Any], facts: Facts, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of `values` ({setting: value}) those that the function takes; names of layers become their modules."""
    names = inspect.signature(function).parameters
    return {key: as_argument(facts.settings[key], value) for key, value in values.items() if key in names}


def as_argument(setting: Setting, value: Any) -> Any:
    return importlib.import_module(f"minireid.layers.{value}") if setting.layer else value
