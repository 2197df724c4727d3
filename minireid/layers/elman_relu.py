"""The recurrence of the CRF network (Chen et al. 2017, eq. 3 and 4): ReLU on the recurrent state, not on the output.

    F1  o_t = f_t W + r_(t-1) U          r_0 = 0
    F2  r_t = max(o_t, 0)

The output is o_t, before the ReLU. The mean of the o_t over time is xR of crf.py (their eq. 5). The baseline does the
same with tanh (elman_unsquashed.py), but adds its input unchanged, without a W. The paper prints no bias.

Shapes: f (N, T, D), o and r (N, T, S), W (D, S), U (S, S). N clips, T frames. A ReLU does not bound its state: if the
spectral norm of U is above 1, the state may grow from frame to frame. tanh would prevent this. At o = 0 the ReLU has a
kink; the derivative is taken as 0 there. Padding frames come last, so they cannot change the states of real frames. So
the loop needs no lengths.
"""

import numpy as np


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """W uniform in +-1/sqrt(D), U uniform in +-1/sqrt(S): each bound uses its own fan-in. At the start U shrinks a
    typical state to about 0.58 of its length."""
    return {
        "W": rng.uniform(-1 / np.sqrt(D), 1 / np.sqrt(D), (D, S)).astype(dtype),
        "U": rng.uniform(-1 / np.sqrt(S), 1 / np.sqrt(S), (S, S)).astype(dtype),
    }


def forward(f, p):
    """f (N, T, D) -> o (N, T, S), cache."""
    N, T, D = f.shape
    o = (f.reshape(N * T, D) @ p["W"]).reshape(N, T, -1)  # F1 without the state, for all frames at once
    r = np.zeros_like(o)
    for t in range(T):
        if t:
            o[:, t] += r[:, t - 1] @ p["U"]  # F1
        r[:, t] = np.maximum(o[:, t], 0)  # F2
    return o, (f, r, p)


# o_t is used twice: as an output (gradient do[:, t]), and in o_(t+1) through r_t. `do` is the sum of both gradients.
# The loop runs backward from the last frame, so do[:, t] is complete when the loop reaches t. The ReLU passes the
# gradient only where r_t > 0.


def backward(do, cache):
    """do (N, T, S) -> df (N, T, D), grads."""
    f, r, p = cache
    N, T, S = do.shape
    do = do.copy()
    for t in reversed(range(T - 1)):
        dr = do[:, t + 1] @ p["U"].T  # F1
        do[:, t] += dr * (r[:, t] > 0)  # F2
    rows = do.reshape(N * T, S)
    df = (rows @ p["W"].T).reshape(f.shape)  # F1, also the next two lines
    dW = f.reshape(N * T, -1).T @ rows
    dU = r[:, :-1].reshape(-1, S).T @ do[:, 1:].reshape(-1, S)
    return df, {"W": dW, "U": dU}
