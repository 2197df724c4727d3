"""A network with two outputs. Its backward is its forward, read upwards.

    F1  a = affine(x, p["shared"])
    F2  r = relu(a)
    F3  low = mean over the frames of r                      the first output
    F4  b = affine(r, p["shared"])                           the same parameters once more
    F5  s = relu(b)
    F6  c = affine(s, p["last"])
    F7  high = mean over the frames of c                     the second output

    affine(x, p) = x p["g"] + p["b"], feature by feature; relu(x) = max(x, 0)

The layers and the forward are given. What is used twice gets the sum of two gradients.

Shapes: x, a, r, b, s, c (N, T, D); low, high (N, D); g, b of each affine (D,). N clips, T frames, D features.
"""

import numpy as np


def affine_forward(x, p):
    """x (N, T, D) -> y (N, T, D), cache."""
    return x * p["g"] + p["b"], (x, p)


def affine_backward(dy, cache):
    """dy (N, T, D) -> dx (N, T, D), grads {"g", "b"}."""
    x, p = cache
    return dy * p["g"], {"g": (dy * x).sum(axis=(0, 1)), "b": dy.sum(axis=(0, 1))}


def relu_forward(x):
    """x -> y, cache."""
    return np.maximum(x, 0), x > 0


def relu_backward(dy, cache):
    """dy -> dx."""
    return dy * cache


def mean_forward(x):
    """x (N, T, D) -> y (N, D), cache."""
    return x.mean(axis=1), x.shape


def mean_backward(dy, cache):
    """dy (N, D) -> dx (N, T, D)."""
    return np.broadcast_to(dy[:, None], cache) / cache[1]


def forward(x, p):
    """x (N, T, D), p {"shared": {"g", "b"}, "last": {"g", "b"}} -> low (N, D), high (N, D), cache."""
    a, cache_a = affine_forward(x, p["shared"])  # F1
    r, cache_r = relu_forward(a)  # F2
    low, cache_low = mean_forward(r)  # F3
    b, cache_b = affine_forward(r, p["shared"])  # F4
    s, cache_s = relu_forward(b)  # F5
    c, cache_c = affine_forward(s, p["last"])  # F6
    high, cache_high = mean_forward(c)  # F7
    return low, high, (cache_a, cache_r, cache_low, cache_b, cache_s, cache_c, cache_high)


def backward(dlow, dhigh, cache):
    """dlow, dhigh (N, D) -> dx (N, T, D), grads {"shared": {"g", "b"}, "last": {"g", "b"}}."""
    cache_a, cache_r, cache_low, cache_b, cache_s, cache_c, cache_high = cache
    dc = mean_backward(dhigh, cache_high)  # F7
    ds, last = affine_backward(dc, cache_c)  # F6
    db = relu_backward(ds, cache_s)  # F5
    dr, second = affine_backward(db, cache_b)  # F4
    dr = dr + mean_backward(dlow, cache_low)  # F3: r is used twice
    da = relu_backward(dr, cache_r)  # F2
    dx, first = affine_backward(da, cache_a)  # F1
    shared = {name: first[name] + second[name] for name in first}  # F1, F4: so are these parameters
    return dx, {"shared": shared, "last": last}
