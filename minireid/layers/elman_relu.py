"""The recurrence of the CRF network (Chen et al. 2017, eq. 3 and 4): ReLU on what is carried over, not on the output.

    F1  o_t = f_t Wi + r_(t-1) Ws          r_0 = 0
    F2  r_t = max(o_t, 0)

The output is o_t, before the ReLU: it is the mean of the o_t over time (their eq. 5) that describes the clip. The
baseline does the same with tanh (elman_unsquashed.py), but there the input is added as it is, after a linear layer of
its own; here Wi is part of the recurrence. As printed there is no bias.

Shapes: f (N, T, D), o and r (N, T, S), Wi (D, S), Ws (S, S). N clips, T frames. A ReLU does not bound its state: with
Ws of a norm above 1 it may grow from frame to frame, which tanh would prevent. At o = 0 there is a kink; its derivative
is taken as 0. Padding comes last, so it cannot reach the outputs of real frames. The loop needs no lengths.
"""

import numpy as np


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """Wi uniform in +-1/sqrt(D), Ws in +-1/sqrt(S): each by the number of values that it adds up, because D may be a
    whole map of features, and S is not. Ws then shrinks a state, by 0.58 or so: it starts on the safe side."""
    return {
        "Wi": rng.uniform(-1 / np.sqrt(D), 1 / np.sqrt(D), (D, S)).astype(dtype),
        "Ws": rng.uniform(-1 / np.sqrt(S), 1 / np.sqrt(S), (S, S)).astype(dtype),
    }


def forward(f, p):
    """f (N, T, D) -> o (N, T, S), cache."""
    N, T, D = f.shape
    o = (f.reshape(N * T, D) @ p["Wi"]).reshape(N, T, -1)  # F1 without the state, for all frames at once
    r = np.zeros_like(o)
    for t in range(T):
        if t:
            o[:, t] += r[:, t - 1] @ p["Ws"]  # F1
        r[:, t] = np.maximum(o[:, t], 0)  # F2
    return o, (f, r, p)


# o_t is used twice: as output, whose gradient is do[:, t], and through r_t in o_(t+1). `do` collects both: going back
# from the last frame, do[:, t] is complete when the loop comes to t. The ReLU passes a gradient on where r_t > 0.


def backward(do, cache):
    """do (N, T, S) -> df (N, T, D), grads."""
    f, r, p = cache
    N, T, S = do.shape
    do = do.copy()
    for t in reversed(range(T - 1)):
        dr = do[:, t + 1] @ p["Ws"].T  # F1
        do[:, t] += dr * (r[:, t] > 0)  # F2
    rows = do.reshape(N * T, S)
    df = (rows @ p["Wi"].T).reshape(f.shape)  # F1, and the next two lines
    dWi = f.reshape(N * T, -1).T @ rows
    dWs = r[:, :-1].reshape(-1, S).T @ do[:, 1:].reshape(-1, S)
    return df, {"Wi": dWi, "Ws": dWs}
