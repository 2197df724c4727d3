"""Well-known variants of layers: correct functions, but not the functions of minireid.

The backward of a variant passes every gradient check. So `minireid gradcheck FILE.py --like gru` compares forwards
first, and names the variant.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.layers import gru, gru_reset_after

Variant = tuple[str, Callable[..., Any]]


def variants(name: str) -> list[Variant]:
    """(description, forward with the same signature) for the name of a case, such as gru/step."""
    known = {"gru/step": GRU_STEP, "gru": GRU, "gru_reset_after/step": RESET_STEP, "gru_reset_after": RESET}
    return known.get(name, [])


def opposite_gate(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """sigmoid(-a) = 1 - sigmoid(a): the opposite sign of az swaps z and 1 - z."""
    return {k: -v if k in ("Wz", "Uz", "bz") else v for k, v in p.items()}


def no_bias_after(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**p, "vc": np.zeros_like(p["bc"])}


RESET_AFTER = "the GRU with the reset gate after the product, c = tanh(x Wc + bc + r (h' Uc)), as in PyTorch and cuDNN"
RESET_BEFORE = "the GRU with the reset gate before the product, c = tanh(x Wc + bc + (r h') Uc), as Cho et al. wrote it"
OPPOSITE = "the GRU with z and 1 - z swapped, h = z h' + (1 - z) c, as in PyTorch"
BOTH = "PyTorch's GRU: reset gate after the product, and z and 1 - z swapped"
GRU_STEP: list[Variant] = [
    (RESET_AFTER, lambda x, h, p: gru_reset_after.step_forward(x, h, no_bias_after(p))),
    (OPPOSITE, lambda x, h, p: gru.step_forward(x, h, opposite_gate(p))),
    (BOTH, lambda x, h, p: gru_reset_after.step_forward(x, h, no_bias_after(opposite_gate(p)))),
]
GRU: list[Variant] = [
    (RESET_AFTER, lambda x, p: gru_reset_after.forward(x, no_bias_after(p))),
    (OPPOSITE, lambda x, p: gru.forward(x, opposite_gate(p))),
    (BOTH, lambda x, p: gru_reset_after.forward(x, no_bias_after(opposite_gate(p)))),
]
RESET_STEP: list[Variant] = [
    (OPPOSITE, lambda x, h, p: gru_reset_after.step_forward(x, h, opposite_gate(p))),
    (RESET_BEFORE, lambda x, h, p: gru.step_forward(x, h, {k: v for k, v in p.items() if k != "vc"})),
]
RESET: list[Variant] = [
    (OPPOSITE, lambda x, p: gru_reset_after.forward(x, opposite_gate(p))),
    (RESET_BEFORE, lambda x, p: gru.forward(x, {k: v for k, v in p.items() if k != "vc"})),
]
