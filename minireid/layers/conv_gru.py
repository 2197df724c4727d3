"""The convolutional GRU (Ballas et al. 2016; Wu et al. 2016, "Deep RCN", eq. 2): the state is a map, and each of its
pixels sees its neighbourhood.

    F1  z = sigmoid(az),  az = x * Wz + h' * Uz + bz      update gate;  * is a convolution, zero-padded to keep the size
    F2  r = sigmoid(ar),  ar = x * Wr + h' * Ur + br      reset gate
    F3  q = r h'                                          element by element
    F4  c = tanh(ac),     ac = x * Wc + q * Uc + bc       candidate
    F5  h = (1 - z) h' + z c                              h' is the state after the previous frame, 0 before the first

This is gru.py with convolutions in place of its matrix products. On 1x1 maps it is the same unit. The paper prints no
biases; bz, br and bc are as in gru.py. A pixel of c sees q up to l // 2 pixels away, and r in q sees h' up to l // 2
pixels away. So in one frame a state spreads by up to 2 (l // 2) pixels, and further in later frames.

Shapes: x (N, T, H, W, C), h (N, T, H, W, S); Wz, Wr, Wc (k, k, C, S), Uz, Ur, Uc (l, l, S, S) with odd k and l,
bz, br, bc (S,). Padding frames come last, so they cannot change the states of real frames. So the loop needs no
lengths.

As in gru_projected.py, the part with x is computed before the loop, for all frames at once. Two convolutions
remain in the loop: of h' (with U, which is Uz and Ur concatenated) and of q. The backward pass has the same structure.
Its loop computes only what the gradient of the previous state needs. The parameters' gradients are sums over all
frames. They are computed after the loop, for all frames at once.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np

from minireid.kernels import im2col
from minireid.layers import conv2d, sigmoid


class States(NamedTuple):
    """What the loop keeps: h (T + 1, N, H, W, S), h[t] is h' of frame t; zr: z and r side by side."""

    h: np.ndarray
    zr: np.ndarray
    q: np.ndarray
    c: np.ndarray
    U: np.ndarray
    p: dict[str, np.ndarray]
    kernel: ModuleType


def init(
    rng: np.random.Generator,
    C: int,
    S: int,
    *,
    kernel_input: int = 5,
    kernel_state: int = 5,
    dtype: type = np.float32,
) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(fan_in), where fan_in is k k C for W and b, and l l S for U. (The paper draws from
    [-1, 1]. With so many inputs nearly every gate would then start saturated, near 0 or 1.) Raises ValueError for even
    kernels."""
    check_odd(kernel_input, kernel_state)
    k, l = kernel_input, kernel_state
    of_input, of_state = 1 / np.sqrt(k * k * C), 1 / np.sqrt(l * l * S)
    p: dict[str, np.ndarray] = {}
    for gate in "zrc":
        p["W" + gate] = rng.uniform(-of_input, of_input, (k, k, C, S)).astype(dtype)
        p["U" + gate] = rng.uniform(-of_state, of_state, (l, l, S, S)).astype(dtype)
        p["b" + gate] = rng.uniform(-of_input, of_input, S).astype(dtype)
    return p


def check_odd(*sizes: int) -> None:
    """ValueError for even kernels: with equal padding on both sides they cannot keep the size."""
    if any(size < 1 or size % 2 == 0 for size in sizes):
        raise ValueError(f"conv_gru: kernels must be odd, so that maps keep their size, got {sizes}")


def forward(x, p, *, kernel: ModuleType = im2col):
    """x (N, T, H, W, C) -> all states h (N, T, H, W, S), cache. kernel: the kernel module (see conv2d.py)."""
    check_odd(*p["Wz"].shape[:2], *p["Uz"].shape[:2])
    W = {"W": np.concatenate([p["Wz"], p["Wr"], p["Wc"]], axis=3), "b": np.concatenate([p["bz"], p["br"], p["bc"]])}
    images = x.reshape(-1, *x.shape[2:])
    a, W_cache = conv2d.forward(images, W, padding=len(W["W"]) // 2, kernel=kernel)  # F1, F2, F4 without the state
    a = a.reshape(*x.shape[:4], -1)
    h, cache = states(a, p, kernel)
    return h, (W_cache, cache, x.shape)


def states(a, p, kernel: ModuleType):
    """The loop: a (N, T, H, W, 3 S) -> h, cache. a holds the parts of az, ar and ac that do not depend on the state."""
    N, T, H, W, _ = a.shape
    S = len(p["bz"])
    U = np.concatenate([p["Uz"], p["Ur"]], axis=3)
    same_size = {"stride": 1, "padding": len(U) // 2}
    no_bias = np.zeros(2 * S, a.dtype)
    h = np.zeros((T + 1, N, H, W, S), a.dtype)  # h[t] is h' of frame t; time is the first axis here
    zr, q, c = np.empty((T, N, H, W, 2 * S), a.dtype), np.empty_like(h[1:]), np.empty_like(h[1:])
    for t in range(T):
        zr[t], _ = sigmoid.forward(a[:, t, ..., : 2 * S] + kernel.forward(h[t], U, no_bias, **same_size))  # F1, F2
        z, r = zr[t, ..., :S], zr[t, ..., S:]
        q[t] = r * h[t]  # F3
        c[t] = np.tanh(a[:, t, ..., 2 * S :] + kernel.forward(q[t], p["Uc"], no_bias[:S], **same_size))  # F4
        h[t + 1] = (1 - z) * h[t] + z * c[t]  # F5
    return np.ascontiguousarray(h[1:].swapaxes(0, 1)), States(h, zr, q, c, U, p, kernel)


# A convolution y = x * W is linear in x and in W, so the rules are those of the GRU's matrix products. dx is computed
# from dy with the same W (backward_input). dW is a sum over all pixels and frames (backward_weights). h' is used in
# four places: in F5 directly, in q (F3), and in both gates (F1, F2).


def backward(dh, cache):
    """dh (N, T, H, W, S) -> dx (N, T, H, W, C), grads."""
    W_cache, states_cache, x_shape = cache
    da, grads = states_backward(dh, states_cache)
    dx, dW = conv2d.backward(da.reshape(-1, *da.shape[2:]), W_cache)  # F1, F2, F4
    for name, side_by_side in (("W", dW["W"]), ("b", dW["b"])):
        for gate, part in zip("zrc", np.split(side_by_side, 3, axis=-1)):
            grads[name + gate] = np.ascontiguousarray(part)
    p = states_cache.p
    return dx.reshape(x_shape), {name: grads[name] for name in p}


def states_backward(dh, cache):
    """dh (N, T, H, W, S) -> da (N, T, H, W, 3 S), gradients of Uz, Ur and Uc."""
    h, zr, q, c, U, p, kernel = cache
    N, T, *_, S = dh.shape
    same_size = {"stride": 1, "padding": len(U) // 2}
    da = np.empty((T, N, *dh.shape[2:4], 3 * S), dh.dtype)  # daz, dar and dac side by side
    dh_next = np.zeros_like(dh[:, 0])
    for t in reversed(range(T)):
        dh_t = dh[:, t] + dh_next
        z, r = zr[t, ..., :S], zr[t, ..., S:]
        da[t, ..., 2 * S :] = dh_t * z * (1 - c[t] * c[t])  # F5, F4
        dq = kernel.backward_input(da[t, ..., 2 * S :], p["Uc"], x_shape=q[t].shape, **same_size)  # F4
        da[t, ..., :S] = dh_t * (c[t] - h[t]) * z * (1 - z)  # F5, F1
        da[t, ..., S : 2 * S] = dq * h[t] * r * (1 - r)  # F3, F2
        through_gates = kernel.backward_input(da[t, ..., : 2 * S], U, x_shape=h[t].shape, **same_size)  # F1, F2
        dh_next = dh_t * (1 - z) + dq * r + through_gates  # F5, F3, F2 and F1
    frames = da.reshape(T * N, *da.shape[2:])
    before, reset = h[:-1].reshape(T * N, *h.shape[2:]), q.reshape(T * N, *q.shape[2:])
    dU = kernel.backward_weights(frames[..., : 2 * S], before, W_shape=U.shape, **same_size)
    dUc = kernel.backward_weights(frames[..., 2 * S :], reset, W_shape=p["Uc"].shape, **same_size)
    grads = {"Uz": np.ascontiguousarray(dU[..., :S]), "Ur": np.ascontiguousarray(dU[..., S:]), "Uc": dUc}
    return np.ascontiguousarray(da.swapaxes(0, 1)), grads
