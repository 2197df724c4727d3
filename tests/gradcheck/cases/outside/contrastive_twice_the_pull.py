import numpy as np


def forward(x, *, pairs, same, weights=None, margin=2.0):
    idx = np.asarray(pairs)
    x1, x2 = x[idx[:, 0]], x[idx[:, 1]]
    label = 1 - np.asarray(same, dtype=float)  # Hadsell et al.: Y = 0 for similar pairs
    dist_sq = np.sum((x1 - x2) ** 2, axis=1)
    dist = np.sqrt(dist_sq)
    mdist = np.clip(margin - dist, 0, None)
    w = np.asarray(weights) if weights is not None else np.ones(len(idx)) / len(idx)
    loss = np.sum(w * ((1 - label) * dist_sq + label * mdist**2)) / 2.0
    return loss, (x1, x2, idx, label, dist, mdist, w, len(x))


def backward(dloss, cache):
    x1, x2, idx, label, dist, mdist, w, n = cache
    pos = 2 * (x1 - x2)
    neg = -(mdist / np.maximum(dist, 1e-12))[:, None] * (x1 - x2)
    gradient = ((1 - label)[:, None] * pos + label[:, None] * neg) * (dloss * w)[:, None]
    dx = np.zeros((n, x1.shape[1]))
    for k in range(len(idx)):
        dx[idx[k, 0]] += gradient[k]
        dx[idx[k, 1]] += -gradient[k]
    return dx
