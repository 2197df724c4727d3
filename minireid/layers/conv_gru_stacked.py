"""A convolutional GRU on top of another: the lower level's states steer its gates (Wu et al. 2016, "Deep RCN", eq. 3).

    F1  z = sigmoid(az),  az = x * Wz + y * Lz + h' * Uz + bz      y: the lower level's state after the same frame
    F2  r = sigmoid(ar),  ar = x * Wr + y * Lr + h' * Ur + br      * is a convolution, zero-padded to keep the size
    F3  q = r h'                                                   element by element
    F4  c = tanh(ac),     ac = x * Wc + q * Uc + bc                as printed, y does not enter the candidate
    F5  h = (1 - z) h' + z c                                       h' is the state after the previous frame, first 0

So as printed the lower level says what is kept and what is replaced, but nothing of it is written into the state. That
may be meant, or a slip: `init(..., lower_in_candidate=True)` draws another kernel Lc, and where it is among the
parameters F4 is

    F4' c = tanh(ac),     ac = x * Wc + y * Lc + q * Uc + bc

Shapes: x (N, T, H, W, C), y (N, T, H, W, L), called `lower` and already brought to this level's size (the paper:
by max-pooling), h (N, T, H, W, S); Wz, Wr, Wc (k, k, C, S), Lz, Lr, Lc (k, k, L, S), Uz, Ur, Uc (l, l, S, S) with odd k
and l, bz, br, bc (S,). The paper prints no biases.

Neither x nor y waits for this level's state. Both are convolved for all frames before the loop, and the loop itself is
that of conv_gru.py, `states`: it takes the parts of az, ar and ac that are known beforehand, whatever they are made of.
"""

from types import ModuleType

import numpy as np

from minireid.kernels import fastest
from minireid.layers import conv2d, conv_gru


def init(
    rng: np.random.Generator,
    C: int,
    L: int,
    S: int,
    *,
    kernel_input: int = 5,
    kernel_state: int = 5,
    lower_in_candidate: bool = False,
    dtype: type = np.float32,
) -> dict[str, np.ndarray]:
    """As conv_gru.init, then Lz and Lr (and Lc) uniform in +-1/sqrt(k k L). Raises ValueError for even kernels."""
    p = conv_gru.init(rng, C, S, kernel_input=kernel_input, kernel_state=kernel_state, dtype=dtype)
    k = kernel_input
    bound = 1 / np.sqrt(k * k * L)
    for gate in "zrc" if lower_in_candidate else "zr":
        p["L" + gate] = rng.uniform(-bound, bound, (k, k, L, S)).astype(dtype)
    return p


def forward(x, lower, p, *, kernel: ModuleType | None = None):
    """x (N, T, H, W, C), lower (N, T, H, W, L) -> all states h (N, T, H, W, S), cache. kernel: as for conv2d.py.

    Raises ValueError where the maps of the two are not of one size.
    """
    if x.shape[:4] != lower.shape[:4]:
        raise ValueError(
            f"conv_gru_stacked: expected the lower level's states as (N, T, H, W, L) with {x.shape[:4]} as in x, got "
            f"{lower.shape}; bring them to this size first"
        )
    conv_gru.check_odd(*p["Wz"].shape[:2], *p["Lz"].shape[:2], *p["Uz"].shape[:2])
    W = {"W": np.concatenate([p["Wz"], p["Wr"], p["Wc"]], axis=3), "b": np.concatenate([p["bz"], p["br"], p["bc"]])}
    kernels_of_lower = [p[name] for name in ("Lz", "Lr", "Lc") if name in p]
    L = {"W": np.concatenate(kernels_of_lower, axis=3), "b": np.zeros(len(kernels_of_lower) * len(p["bz"]), x.dtype)}
    of_x, W_cache = conv2d.forward(x.reshape(-1, *x.shape[2:]), W, padding=len(W["W"]) // 2, kernel=kernel)
    of_lower, L_cache = conv2d.forward(lower.reshape(-1, *lower.shape[2:]), L, padding=len(L["W"]) // 2, kernel=kernel)
    n = of_lower.shape[-1]  # 2 S, or 3 S with Lc
    a = np.concatenate([of_x[..., :n] + of_lower, of_x[..., n:]], axis=-1)  # F1, F2, F4 without the state
    a = a.reshape(*x.shape[:4], -1)
    h, cache = conv_gru.states(a, p, kernel or fastest())
    return h, (W_cache, L_cache, cache, x.shape, lower.shape, p)


# a is the sum of what x and lower give it: the gradient of either is that of its channels of a. x gives all of them, z,
# r and c; lower the first of them, z and r, or all where there is Lc. conv_gru.py goes back from h to a.


def backward(dh, cache):
    """dh (N, T, H, W, S) -> dx (N, T, H, W, C), dlower (N, T, H, W, L), grads."""
    W_cache, L_cache, states_cache, x_shape, lower_shape, p = cache
    da, grads = conv_gru.states_backward(dh, states_cache)
    per_image = da.reshape(-1, *da.shape[2:])
    gates = [name[1] for name in ("Lz", "Lr", "Lc") if name in p]
    dx, dW = conv2d.backward(per_image, W_cache)  # F1, F2, F4
    dlower, dL = conv2d.backward(per_image[..., : len(gates) * dh.shape[-1]], L_cache)  # F1, F2, F4'
    parts = [("W", "zrc", dW["W"]), ("b", "zrc", dW["b"]), ("L", gates, dL["W"])]
    for letter, of_gates, side_by_side in parts:
        for gate, part in zip(of_gates, np.split(side_by_side, len(of_gates), axis=-1)):
            grads[letter + gate] = np.ascontiguousarray(part)
    return dx.reshape(x_shape), dlower.reshape(lower_shape), {name: grads[name] for name in p}
