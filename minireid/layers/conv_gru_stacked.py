"""A convolutional GRU on top of another: the lower GRU's states steer its gates (Wu et al. 2016, "Deep RCN", eq. 3).

    F1  z = sigmoid(az),  az = x * Wz + y * Lz + h' * Uz + bz      y: the lower GRU's state after the same frame
    F2  r = sigmoid(ar),  ar = x * Wr + y * Lr + h' * Ur + br      * is a convolution, zero-padded to keep the size
    F3  q = r h'                                                   element by element
    F4  c = tanh(ac),     ac = x * Wc + q * Uc + bc                as printed, y does not enter the candidate
    F5  h = (1 - z) h' + z c                                       h' is the state after the previous frame, 0 at first

So in the printed equations y decides what is kept and what is replaced, but y is not written into the state. This may
be intended or a misprint. `init(..., lower_in_candidate=True)` also draws a kernel Lc. If the parameters contain Lc,
F4 is

    F4' c = tanh(ac),     ac = x * Wc + y * Lc + q * Uc + bc

Shapes: x (N, T, H, W, C), y (N, T, H, W, L), h (N, T, H, W, S); Wz, Wr, Wc (k, k, C, S), Lz, Lr, Lc (k, k, L, S), Uz,
Ur, Uc (l, l, S, S) with odd k and l, bz, br, bc (S,). y is the argument `lower`. It must already have the H and W
of x (the paper uses max-pooling). The paper prints no biases.

x and y do not depend on h, so both are convolved for all frames before the loop. The loop is `states`
in conv_gru.py. Its input is the part of az, ar and ac that does not depend on the state.
"""

from types import ModuleType

import numpy as np

from minireid.kernels import im2col
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


def forward(x, lower, p, *, kernel: ModuleType = im2col):
    """x (N, T, H, W, C), lower (N, T, H, W, L) -> all states h (N, T, H, W, S), cache. kernel: as for conv2d.py.

    Raises ValueError if x and lower differ in N, T, H or W.
    """
    if x.shape[:4] != lower.shape[:4]:
        raise ValueError(
            f"conv_gru_stacked: expected lower (N, T, H, W, L) with (N, T, H, W) = {x.shape[:4]} as in x, got "
            f"{lower.shape}; resize lower first"
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
    h, cache = conv_gru.states(a, p, kernel)
    return h, (W_cache, L_cache, cache, x.shape, lower.shape, p)


# a is the sum of a part from x and a part from lower. Each part gets the gradient of the channels of a that it
# contributes to. x contributes to all channels: z, r and c. lower contributes to z and r only, or to all three if there
# is Lc. The step from h back to a is in conv_gru.py.


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
