import numpy as np


def sig(v):
    return 1.0 / (1.0 + np.exp(-v))


def step_forward(x, h_prev, p):
    z = sig(np.dot(x, p["Wz"]) + np.dot(h_prev, p["Uz"]) + p["bz"])
    r = sig(np.dot(x, p["Wr"]) + np.dot(h_prev, p["Ur"]) + p["br"])
    hu = np.dot(r * h_prev, p["Uc"]) + p["vc"]
    c = np.tanh(np.dot(x, p["Wc"]) + p["bc"] + hu)
    h = (1 - z) * h_prev + z * c
    return h, (x, h_prev, z, r, hu, c, p)


def step_backward(dh, cache):
    (x, h_prev, z, r, hu, c, p) = cache
    grads = {}
    d_candidate = dh * z
    d_candidate_pre = d_candidate * (1 - c**2)
    grads["bc"] = d_candidate_pre.sum(axis=0)
    grads["Wc"] = np.dot(x.T, d_candidate_pre)
    d_hu = d_candidate_pre * r
    grads["vc"] = d_hu.sum(axis=0)
    grads["Uc"] = np.dot(h_prev.T, d_hu)
    d_reset = d_candidate_pre * hu
    d_reset_pre = d_reset * r * (1 - r)
    grads["br"] = d_reset_pre.sum(axis=0)
    grads["Wr"] = np.dot(x.T, d_reset_pre)
    grads["Ur"] = np.dot(h_prev.T, d_reset_pre)
    d_update = dh * (c - h_prev)
    d_update_pre = d_update * z * (1 - z)
    grads["bz"] = d_update_pre.sum(axis=0)
    grads["Wz"] = np.dot(x.T, d_update_pre)
    grads["Uz"] = np.dot(h_prev.T, d_update_pre)
    dx = np.dot(d_candidate_pre, p["Wc"].T)
    dx = dx + np.dot(d_reset_pre, p["Wr"].T)
    dx = dx + np.dot(d_update_pre, p["Wz"].T)
    dh_prev = dh * (1 - z)
    dh_prev = dh_prev + np.dot(d_hu, p["Uc"].T)
    dh_prev = dh_prev + np.dot(d_reset_pre, p["Ur"].T)
    dh_prev = dh_prev + np.dot(d_update_pre, p["Uz"].T)
    return dx, dh_prev, grads


def forward(x, p):
    N, T, _ = x.shape
    S = len(p["bz"])
    out = np.zeros((N, T, S))
    h = np.zeros((N, S))
    caches = [None] * T
    for t in range(T):
        h, caches[t] = step_forward(x[:, t], h, p)
        out[:, t] = h
    return out, caches


def backward(dh, caches):
    T = len(caches)
    dx = [None] * T
    acc = {}
    carry = np.zeros_like(dh[:, 0])
    for t in range(T - 1, -1, -1):
        dx[t], carry, g = step_backward(dh[:, t] + carry, caches[t])
        for k, v in g.items():
            acc[k] = acc.get(k, 0) + v
    return np.stack(dx, axis=1), acc
