"""The baseline's recurrence (McLaughlin, Martinez del Rincon, Miller, CVPR 2016), as in the authors' code.

    F1  o_1 = e_1 + s                                  s: a learned start, in place of a previous state
    F2  r_t = tanh(o_t)
    F3  d_t = r_t mask_t                               dropout, with a new mask for every frame
    F4  o_t = e_t + d_(t-1) U + b        for t > 1

An Elman unit with F1, F3 and two more changes. Its input e_t (from the CNN's linear layer) is added unchanged. Its
output is the sum o_t *before* tanh. The clip's feature is the mean of the o_t, so the losses see values that tanh has
not squashed.

Shapes: e (N, T, S), o (N, T, S), s (S,), U (S, S), b (S,). s is used only in the first frame, b only in the others. In
their code each clip of a pair had its own s. Here both share it.
"""

import numpy as np

from minireid.layers import dropout, tanh


def init(rng: np.random.Generator, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {"s": (S,), "U": (S, S), "b": (S,)}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def forward(e, p, *, rate: float = 0.0, rng: np.random.Generator | None = None):
    """e (N, T, S) -> o (N, T, S), cache. rate and rng: dropout on the recurrent state; rng=None: evaluation."""
    o = np.empty_like(e)
    o[:, 0] = e[:, 0] + p["s"]  # F1 (N, S)
    steps = []
    for t in range(1, e.shape[1]):
        r, tanh_cache = tanh.forward(o[:, t - 1])  # F2 (N, S)
        d, drop_cache = dropout.forward(r, rate=rate, rng=rng)  # F3 (N, S)
        o[:, t] = e[:, t] + d @ p["U"] + p["b"]  # F4 (N, S)
        steps.append((d, tanh_cache, drop_cache))
    return o, (steps, p)


# o_t is used twice: as output (do[:, t]) and, through F2 and F3, in o_(t+1). `do_t` is the sum of both gradients.


def backward(do, cache):
    """do (N, T, S) -> de (N, T, S), grads."""
    steps, p = cache
    de = np.empty_like(do)
    dU, db = np.zeros_like(p["U"], dtype=do.dtype), np.zeros_like(p["b"], dtype=do.dtype)
    do_t = do[:, -1]
    for t in reversed(range(1, do.shape[1])):
        d, tanh_cache, drop_cache = steps[t - 1]
        de[:, t] = do_t  # F4, also the next three lines
        dU += d.T @ do_t
        db += do_t.sum(axis=0)
        dd = do_t @ p["U"].T
        dr = dropout.backward(dd, drop_cache)  # F3
        do_t = do[:, t - 1] + tanh.backward(dr, tanh_cache)  # F2
    de[:, 0] = do_t  # F1
    ds = do_t.sum(axis=0)
    return de, {"s": ds, "U": dU, "b": db}
