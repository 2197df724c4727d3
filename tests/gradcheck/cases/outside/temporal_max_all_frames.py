import numpy as np


def forward(h, *, lengths=None):
    N, T = h.shape[:2]
    flat = h.reshape(N, T, -1)
    best = np.zeros((N, flat.shape[2]), dtype=int)
    y = np.zeros((N, flat.shape[2]))
    for n in range(N):
        L = T if lengths is None else lengths[n]
        best[n] = flat[n, :L].argmax(axis=0)
        y[n] = flat[n, :L].max(axis=0)
    return y.reshape(N, *h.shape[2:]), (best, h.shape)


def backward(dy, cache):
    best, shape = cache
    N = shape[0]
    dh = np.zeros(shape).reshape(N, shape[1], -1)
    d = dy.reshape(N, -1)
    for n in range(N):
        for k in range(d.shape[1]):
            dh[n, : best[n, k] + 1, k] = d[n, k]
    return dh.reshape(shape)
