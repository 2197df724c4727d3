"""Student s1's own loss, by hand: a 4-norm of weighted features, the root of the mean square of the costs."""

import numpy as np


def loss_forward(x, i, j, same, params):
    difference = x[i] - x[j]
    v = difference * params["w"]
    d = (np.mean(v**4, axis=1) + 0.0025) ** 0.25
    pull = 1 - np.exp(-1.15 * d)
    e = np.exp(3.0 * (0.65 - d))
    push = np.log(1 + e)
    l = 0.65 * same * pull + (1 - same) * push
    loss = np.sqrt(np.mean(l**2) + 0.9)
    return loss, (x, i, j, same, params, difference, v, d, e, l, loss)


def loss_backward(dloss, cache):
    x, i, j, same, params, difference, v, d, e, l, loss = cache
    dl = dloss * l / (loss * len(l))
    dd = dl * 0.65 * same * 1.15 * np.exp(-1.15 * d)
    dd = dd - dl * (1 - same) * 3.0 * e / (1 + e)
    dv = (dd / d**3)[:, None] * v**3 / v.shape[1]
    dx = np.zeros_like(x)
    np.add.at(dx, i, dv * params["w"])
    np.add.at(dx, j, -dv * params["w"])
    return dx, {"w": (dv * difference).sum(axis=0)}
