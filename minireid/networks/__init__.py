"""Networks, one page each: published ones and variants. NAMES lists them; to add one: minireid/README.md.

A network page has

    FACTS                                                   what a recipe may set, see facts.py
    init(rng, *, height, width, channels, filters, ...)     -> parameters, a nested dict of arrays
    forward(x, p, *, ..., **how)                            -> {level: embeddings (N, D)}, cache
    backward(dembeddings, cache, *, need_dx, watch)         -> dx, grads
    score(a, b, heads)                                      (A, D), (B, D) -> (A, B), larger means more alike

x is (N, T, H, W, C): N clips of T frames. `how` is what every network takes: see `Forward` in running.py.
"""

import importlib
from types import ModuleType

NAMES = (
    "src",
    "msp_src",
    "msp_src_low",
    "msp_src_high",
    "msp_src_motion",
    "msp_src_reset_after",
    "crf",
    "crf_spatial",
    "crf_temporal",
    "crf_parts",
    "deep_rcn",
    "deep_rcn_independent",
    "utrcnn",
)


def page(name: str) -> ModuleType:
    """The network of this name, one of NAMES."""
    return importlib.import_module(f"minireid.networks.{name}")
