"""Gradient-check cases for every network: with its defaults, and with every setting that its FACTS declare."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minireid import networks
from minireid.gradcheck.cases.pages import Case
from minireid.networks import crf_parts
from minireid.networks.facts import Setting, taken_by

HEIGHT, WIDTH = 16, 8  # fit every network: multiples of 8, also if the height is halved
FILTERS = {3: (1, 2, 2), 4: (3, 2, 3, 2)}  # how many numbers a network's filters have: these numbers


def network_cases(rng: np.random.Generator) -> Iterator[Case]:
    clips = rng.normal(size=(2, 3, HEIGHT, WIDTH, 1))
    for name in networks.NAMES:
        network = networks.page(name)
        if network is crf_parts:
            yield from crf_parts_cases(rng, clips)
            continue
        own = network.FACTS.family == name  # an ablation has the settings of its family: they are checked there
        for title, values in variations(network) if own else [("", defaults(network))]:
            yield Case(f"{name}{title}", network.forward, network.backward, *example(rng, network, clips, values))


def variations(network: ModuleType) -> Iterator[tuple[str, dict[str, Any]]]:
    """("", the declared defaults); then ("/unit=lstm", ...): every other value of a setting, one at a time."""
    yield "", defaults(network)
    for key, setting in network.FACTS.settings.items():
        for other in others(setting):
            yield f"/{key}={str(other).replace(' ', '')}", {**defaults(network), key: other}


def defaults(network: ModuleType) -> dict[str, Any]:
    return {key: setting.default for key, setting in network.FACTS.settings.items()}


def others(setting: Setting) -> tuple[Any, ...]:
    """Values to try besides the default: all other choices; the opposite of a bool; (3, 1) for a tuple; else 2."""
    if setting.choices:
        return tuple(choice for choice in setting.choices if choice != setting.default)
    if isinstance(setting.default, bool):
        return (not setting.default,)
    return ((3, 1),) if isinstance(setting.default, tuple) else (2,)


def example(
    rng: np.random.Generator, network: ModuleType, clips: np.ndarray, values: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(arrays, configuration) of a case."""
    sizes: dict[str, Any] = {"height": HEIGHT, "width": WIDTH, "channels": 1, "dtype": np.float64}
    sizes["filters"] = FILTERS[network.FACTS.filters]
    if network.FACTS.filters == 3:
        sizes["features"] = 5
    p = network.init(rng, **sizes, **taken_by(network.init, network.FACTS, values))
    config = {"lengths": np.array([3, 2]), "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    return (clips, p), {**config, **taken_by(network.forward, network.FACTS, values)}


def crf_parts_cases(rng: np.random.Generator, clips: np.ndarray) -> Iterator[Case]:
    """Two cases: on purpose, the gradient of the fusion does not reach the three networks."""
    arrays, config = example(rng, crf_parts, clips, {})
    p = arrays[1]
    fusion = {part: rng.normal(size=(5, 5)) for part in p.pop("fusion")}
    embeddings = {part: rng.normal(size=(3, 5)) for part in fusion}
    yield Case("crf_parts/parts", crf_parts.parts_forward, crf_parts.parts_backward, arrays, config)
    yield Case("crf_parts/fusion", crf_parts.fuse_forward, crf_parts.fuse_backward, (embeddings, fusion))
