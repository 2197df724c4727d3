import numpy as np


def forward(x, p):
    y = np.dot(x, p["W"]) + p["b"]
    return y, (x, p["W"])


def backward(dy, cache):
    x, W = cache
    D, M = W.shape
    x2 = x.reshape(-1, D)
    dy2 = dy.reshape(-1, M)
    dx = np.dot(dy2, W.T).reshape(x.shape)
    dW = np.dot(x2.T, dy2)
    db = np.sum(dy, axis=0)
    return dx, {"W": dW, "b": db}
