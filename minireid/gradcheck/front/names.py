"""Which parameter does a gradient's name mean? dW, W_grad, grad_W, dL_dW, dLdW and weights_gradient are all read."""

import functools
import re
from collections.abc import Iterable

SCALAR = r"(?:L|l|J|E|C|Z|loss|cost|error|out)"  # what is differentiated: the L of dL_dW
PREFIXES = (
    rf"d_?{SCALAR}_?/?_?d_?",  # dL_dW, dLdW, dL/dW
    r"(?:grads?|gradients?|delta|nabla|del|g)_",
    r"(?:grad|nabla|delta|∂|∇|Δ)_?",
    r"[dD]_?",
    r"g(?=[A-Z])",
)
SUFFIXES = (r"_?(?:grads?|gradients?|Grads?|Gradients?)", r"_(?:g|d|bar)", r"\.grad")
# short and long names for the same thing, as people mix them: self.weights and self.dw
FAMILIES = ({"w", "weight", "weights", "kernel"}, {"b", "bias", "biases"}, {"x", "input", "inputs"})


def meanings(name: str) -> list[str]:
    """The names that a gradient's name may stand for, itself first."""
    found = [name]
    found += [name[m.end() :] for prefix in PREFIXES if (m := re.match(prefix, name)) and m.end() < len(name)]
    found += [name[: m.start()] for suffix in SUFFIXES if (m := re.search(f"{suffix}$", name)) and m.start()]
    return list(dict.fromkeys(found))


def loose(name: str, families: bool = False) -> str:
    """Without case, underscores and a plural. families: one name for each family."""
    plain = name.lower().replace("_", "").replace("/", "")
    for family in FAMILIES if families else ():
        if plain in family:
            return min(family, key=len)
    return plain.rstrip("s") or plain


def pairs(given: Iterable[str], wanted: Iterable[str], families: bool = False) -> dict[str, str]:
    """{name of a gradient: name of a parameter}, each used once: equal names first, then without d, then loosely.

    families: weights and w are the same name.
    """
    return dict(paired(tuple(given), tuple(wanted), families))


@functools.lru_cache(maxsize=1000)
def paired(given: tuple[str, ...], wanted: tuple[str, ...], families: bool) -> dict[str, str]:
    """`pairs`, kept: a check asks for the same names in each run."""
    left, open_ = list(given), list(wanted)
    found: dict[str, str] = {}
    for agree in (
        lambda g, w: g == w,
        lambda g, w: w in meanings(g),
        lambda g, w: loose(w) in {loose(m) for m in meanings(g)},
        lambda g, w: families and loose(w, True) in {loose(m, True) for m in meanings(g)},
    ):
        for name in list(open_):
            fits = [g for g in left if agree(g, name)]
            if len(fits) == 1 or (fits and fits[0] == name):
                found[fits[0]] = name
                left.remove(fits[0])
                open_.remove(name)
    return found


def is_gradient_of(name: str, others: Iterable[str]) -> bool:
    """Whether an attribute's name is that of a gradient of another one: dW beside W."""
    rest = [other for other in others if other != name]
    meant = {loose(m, True) for m in meanings(name)[1:]}
    return any(other in meanings(name) or loose(other, True) in meant for other in rest)
