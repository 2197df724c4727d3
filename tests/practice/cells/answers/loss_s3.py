"""Student s3's own loss, by hand: a distance that saturates, after a matrix; a hinge to the power 2.5."""

import numpy as np


def loss_forward(x, i, j, same, params):
    y = x @ params["M"]
    v = y[i] - y[j]
    near = np.exp(-1.5 * np.mean(v**2, axis=1))
    d = 1 - near
    pull = np.log(np.cosh(0.85 * d))
    gap = np.maximum(0, 0.4 - d)
    push = gap**2.5
    l = 0.9 * same * pull + (1 - same) * push
    loss = l[same].mean() + l[~same].mean()
    return loss, (x, i, j, same, params, y, v, near, d, gap)


def loss_backward(dloss, cache):
    x, i, j, same, params, y, v, near, d, gap = cache
    dl = dloss * np.where(same, 1 / same.sum(), 1 / (~same).sum())
    dd = np.where(same, 0.9 * 0.85 * np.tanh(0.85 * d), -2.5 * gap**1.5) * dl
    dv = (dd * near * 3)[:, None] * v / v.shape[1]
    dy = np.zeros_like(y)
    np.add.at(dy, i, dv)
    np.add.at(dy, j, -dv)
    return dy @ params["M"].T, {"M": x.T @ dy}
