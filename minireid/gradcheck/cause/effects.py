"""What two arrays show about a mistake: the computed gradient and the true one.

Each pattern must explain the whole difference, up to rounding. If several fit, all of them are listed: with three clips
and three channels the factor 3 may be either.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.finding import Explanation


def effects(a: np.ndarray, n: np.ndarray, sizes: dict[str, int], others: dict[str, np.ndarray]) -> list[Explanation]:
    """Causes that change the true n into the computed a, the likeliest first.

    sizes: lengths of axes by name, to name a constant factor. others: the true gradients of other tensors by name, and
    the inputs as "the input W".
    """
    a, n = np.asarray(a), np.asarray(n)
    if a.shape != n.shape or not np.all(np.isfinite(a)) or close(a, n):
        return []
    found = [*scaled(a, n, sizes), *turned(a, n), *somewhere(a, n)]
    for name, other in others.items():
        if name.startswith("the input "):
            if other.shape == n.shape and proportional(a - n, other) is not None:
                found.append(Explanation(Cause.TERM_EXTRA, f"a multiple of {name} is added to it"))
        elif other.shape == n.shape and np.any(n) and close(a, other):
            found.append(Explanation(Cause.VARIABLE, f"it is the gradient of {name}"))
    return found


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max(initial=0) <= 1e-7 * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)))


def proportional(a: np.ndarray, b: np.ndarray) -> float | None:
    """c if a = c b up to rounding and c is not 0, else None."""
    norm = float((b * b).sum())
    c = float((a * b).sum()) / norm if norm else 0.0
    return c if c and close(a, c * b) else None


def scaled(a: np.ndarray, n: np.ndarray, sizes: dict[str, int]) -> Iterator[Explanation]:
    if not np.any(a):
        yield Explanation(Cause.TERM_MISSING, "no gradient arrives: it is zero everywhere")
        return
    c = proportional(a, n)
    if c is None or np.count_nonzero(n) < 2:  # any number is a multiple of another one
        return
    if np.isclose(c, -1, rtol=1e-7):
        yield Explanation(Cause.SIGN, "it has the wrong sign")
        return
    names = {"2": 2.0, "3": 3.0, "4": 4.0} | {name: float(size) for name, size in sizes.items() if size > 1}
    products = {f"{p} {q}": x * y for (p, x), (q, y) in itertools.combinations(list(names.items())[3:], 2)}
    either = [(text, value) for name, size in (names | products).items() for text, value in inverse_too(name, size)]
    fitting = list(dict.fromkeys(text for text, value in either if np.isclose(abs(c), value, rtol=1e-7)))
    named = " or ".join(fitting[:4]) or f"{abs(c):.6g}"
    text = f"it is {'minus ' if c < 0 else ''}{named} times the true one"
    yield Explanation(Cause.CONSTANT if fitting else Cause.FACTOR_MISSING, text)
    if c < 0:
        yield Explanation(Cause.SIGN, "its sign is wrong as well")


def inverse_too(name: str, size: float) -> list[tuple[str, float]]:
    return [(name, size), (f"1/({name})" if " " in name else f"1/{name}", 1 / size)]


def turned(a: np.ndarray, n: np.ndarray) -> Iterator[Explanation]:
    if a.ndim == 2 and a.shape[0] == a.shape[1] and close(a, n.T):
        yield Explanation(Cause.TRANSPOSED, "it is the transpose of the true one")
    elif 1 < a.ndim <= 4:
        for axes in itertools.permutations(range(a.ndim)):
            if axes != tuple(range(a.ndim)) and n.transpose(axes).shape == a.shape and close(a, n.transpose(axes)):
                yield Explanation(Cause.TRANSPOSED, f"it is the true one with its axes in the order {axes}")
    if a.ndim == 4 and close(a, n[::-1, ::-1]):
        yield Explanation(Cause.FLIPPED, "it is the true one, flipped up-down and left-right")
    for axis in range(a.ndim):
        if a.shape[axis] > 2:
            if close(a, np.flip(n, axis)):
                yield Explanation(Cause.ORDER, f"it is the true one in reverse order along axis {axis}")
            for by in (1, -1):
                moved = np.roll(n, by, axis)
                inner = [slice(None)] * a.ndim
                inner[axis] = slice(1, -1)
                if np.any(n[tuple(inner)]) and close(a[tuple(inner)], moved[tuple(inner)]):
                    yield Explanation(Cause.STEP, f"it is the true one, shifted by one along axis {axis}")


def somewhere(a: np.ndarray, n: np.ndarray) -> Iterator[Explanation]:
    """Right in one part of the tensor and wrong in another."""
    right = np.abs(a - n) <= 1e-7 * max(np.abs(a).max(), np.abs(n).max())
    if a.ndim == 3 and a.shape[1] > 2:
        steps = right.all(axis=(0, 2))
        if not steps[-1] and steps[:-1].all():
            yield Explanation(Cause.INDEX, "it is wrong at the last time step only")
        elif not steps[0] and steps[1:].all():
            yield Explanation(Cause.INDEX, "it is wrong at the first time step only")
    if a.ndim == 4 and min(a.shape[1:3]) > 2:
        inner = right[:, 1:-1, 1:-1].all()
        if inner and not right.all():
            yield Explanation(Cause.BORDER, "it is wrong at the border only")


def size_names(inputs: dict[str, np.ndarray]) -> dict[str, int]:
    """{"N = 3 (axis 0 of x)": 3, …}: sizes that a constant factor may have, each once."""
    letters = {2: "ND", 3: "NTD", 4: "NHWC", 5: "NTHWC"}
    named: dict[int, str] = {}
    for name, array in inputs.items():
        for axis, size in enumerate(array.shape):
            letter = letters.get(array.ndim, "")[axis : axis + 1] if name in ("x", "h", "e") else ""
            named.setdefault(size, f"{letter + ' = ' if letter else ''}{size} (axis {axis} of {name})")
    return {text: size for size, text in named.items()}
