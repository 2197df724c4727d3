"""A solution of the exercise gru_step, as a student writes it."""

GRU_STEP = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def step_forward(x, h_prev, p):
    z = sigmoid(x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"])  # F1
    r = sigmoid(x @ p["Wr"] + h_prev @ p["Ur"] + p["br"])  # F2
    q = r * h_prev  # F3
    c = np.tanh(x @ p["Wc"] + q @ p["Uc"] + p["bc"])  # F4
    h = (1 - z) * h_prev + z * c  # F5
    return h, (x, h_prev, z, r, q, c, p)


def step_backward(dh, cache):
    x, h_prev, z, r, q, c, p = cache

    # F5, h = (1 - z) h' + z c: three values are used
    dz = dh * (c - h_prev)
    dc = dh * z
    dh_prev = dh * (1 - z)

    # F4: through the tanh, then to all that ac is made of
    dac = dc * (1 - c**2)
    dq = dac @ p["Uc"].T
    dx = dac @ p["Wc"].T
    grads = {"Wc": x.T @ dac, "Uc": q.T @ dac, "bc": dac.sum(axis=0)}

    # F3, q = r h'
    dr = dq * h_prev
    dh_prev = dh_prev + dq * r

    # F2: through the sigmoid, then to all that ar is made of
    dar = dr * r * (1 - r)
    dh_prev = dh_prev + dar @ p["Ur"].T
    dx = dx + dar @ p["Wr"].T
    grads |= {"Wr": x.T @ dar, "Ur": h_prev.T @ dar, "br": dar.sum(axis=0)}

    # F1: the same for az
    daz = dz * z * (1 - z)
    dh_prev = dh_prev + daz @ p["Uz"].T
    dx = dx + daz @ p["Wz"].T
    grads |= {"Wz": x.T @ daz, "Uz": h_prev.T @ daz, "bz": daz.sum(axis=0)}

    return dx, dh_prev, grads
"""
