import numpy as np

# after the minimal character model: lists keyed by time, one backward loop


def forward(x, p):
    xs, hs = {}, {}
    hs[-1] = np.zeros((x.shape[0], p["U"].shape[0]))
    for t in range(x.shape[1]):
        xs[t] = x[:, t]
        hs[t] = np.tanh(np.dot(xs[t], p["W"]) + np.dot(hs[t - 1], p["U"]) + p["b"])
    return np.stack([hs[t] for t in range(x.shape[1])], axis=1), (xs, hs, p)


def backward(dh_out, cache):
    xs, hs, p = cache
    T = len(xs)
    dWxh, dWhh, dbh = np.zeros_like(p["W"]), np.zeros_like(p["U"]), np.zeros_like(p["b"])
    dhnext = np.zeros_like(hs[0])
    dxs = {}
    for t in reversed(range(T)):
        dh = dh_out[:, t] + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw.sum(axis=0)
        dWxh += np.dot(xs[t].T, dhraw)
        dWhh += np.dot(hs[t - 1].T, dhraw)
        dxs[t] = np.dot(dhraw, p["W"].T)
        dhnext = np.dot(dhraw, p["U"])
    return np.stack([dxs[t] for t in range(T)], axis=1), {"W": dWxh, "U": dWhh, "b": dbh}
