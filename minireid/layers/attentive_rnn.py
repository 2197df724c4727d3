"""An Elman unit that attends to all of its earlier states: the recurrence of the unbiased-time RCNN (UTRCNN, eq. 2).

    F1  g_t = tanh(ag_t),      ag_t = v_t Wv + h_(t-1) Wh + b      a provisional state; h_0 = 0
    F2  s_ti = w . [h_i ; g_t]              for all i < t: the score of each earlier state
    F3  alpha_t = softmax over i of s_ti    (attention="softmax"), or alpha_ti = s_ti (attention="raw")
    F4  m_t = sum over i < t of  alpha_ti h_i
    F5  h_t = tanh(ah_t),      ah_t = ag_t + m_t Wa                h_1 = g_1: there is nothing to attend to yet

As printed eq. 2 is circular: h_t needs alpha_ti, and alpha_ti = w . [h_i ; h_t] needs h_t. So the weights are taken
from g_t, which is what h_t would be without attention (their eq. 1). The paper prints no bias; b is as in elman.py.

Which weights? The equation prints raw ones. Nothing bounds them: m_t is then a sum of up to T - 1 states with factors
of any size and sign, it grows with T, and tanh saturates sooner in a longer clip. The paper cites sparse attentive
backtracking (Ke et al. 2018), which normalises the weights and keeps only a few. So there are both, and with either
top_k=k keeps only the k largest scores (the softmax is then over those; all others have weight 0); 0 keeps all.

With the softmax, one half of eq. 2 does nothing: w = [w_h ; w_g], the term w_g . g_t is the same for all i, and a
softmax does not change when all scores move together. The weights are those of w_h . h_i alone, and w_g has a gradient
of exactly 0. It stays, as the equation has it; with raw weights it counts.

Gradients flow back through the states that are attended to, across any number of frames in one step: what the paper is
about. And through the weights. Where the k-th and the next score are equal, the choice jumps: there is no derivative.

Shapes: v (N, T, D), h (N, T, S), g_t and m_t (N, S), s_t and alpha_t (N, t - 1); Wv (D, S), Wh, Wa (S, S), w (2 S,),
b (S,). N clips, T frames. Padding comes last, so it cannot reach the states of real frames. The loop needs no lengths.
"""

import numpy as np


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {"Wv": (D, S), "Wh": (S, S), "Wa": (S, S), "w": (2 * S,), "b": (S,)}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def forward(v, p, *, attention: str = "softmax", top_k: int = 0):
    """v (N, T, D) -> all states h (N, T, S), cache. Raises ValueError where attention or top_k are none of F3's."""
    if attention not in ("softmax", "raw"):
        raise ValueError(f'attentive_rnn: attention must be "softmax" or "raw", got {attention!r}')
    if top_k < 0:
        raise ValueError(f"attentive_rnn: top_k must be 1 or more states, or 0 for all of them, got {top_k}")
    N, T, _ = v.shape
    S = len(p["b"])
    w_h, w_g = p["w"][:S], p["w"][S:]
    h, g, m = (np.zeros((N, T, S), v.dtype) for _ in range(3))
    s, alpha = np.zeros((N, T, T), v.dtype), np.zeros((N, T, T), v.dtype)  # [n, t, i]: frame t attends to frame i
    kept = np.zeros((N, T, T), bool)
    av = v @ p["Wv"] + p["b"]  # F1 without the state, for all frames at once
    for t in range(T):
        ag = av[:, t] + h[:, t - 1] @ p["Wh"] if t else av[:, t]
        g[:, t] = np.tanh(ag)  # F1 (N, S)
        s[:, t, :t] = h[:, :t] @ w_h + (g[:, t] @ w_g)[:, None]  # F2
        kept[:, t, :t] = largest(s[:, t, :t], top_k)
        alpha[:, t, :t] = weights(s[:, t, :t], kept[:, t, :t], attention)  # F3
        m[:, t] = (alpha[:, t, :t, None] * h[:, :t]).sum(axis=1)  # F4 (N, S)
        h[:, t] = np.tanh(ag + m[:, t] @ p["Wa"])  # F5 (N, S)
    return h, {"v": v, "h": h, "g": g, "m": m, "s": s, "alpha": alpha, "kept": kept, "attention": attention, "p": p}


def largest(s, top_k: int):
    """s (N, t) -> booleans (N, t): the top_k largest of each row; of equal ones the earlier. All where top_k is 0."""
    if not 0 < top_k < s.shape[1]:
        return np.ones(s.shape, bool)
    order = np.argsort(-s.real, axis=1, kind="stable")
    kept = np.zeros(s.shape, bool)
    np.put_along_axis(kept, order[:, :top_k], True, axis=1)
    return kept


def weights(s, kept, attention: str):
    """F3: s and kept (N, t) -> alpha (N, t)."""
    if attention == "raw" or not s.size:
        return np.where(kept, s, 0)
    top = np.where(kept, s.real, -np.inf).max(axis=1, keepdims=True)
    e = np.where(kept, np.exp(np.where(kept, s - top, 0)), 0)  # top is subtracted so that no exponential overflows
    return e / e.sum(axis=1, keepdims=True)


# A state h_t is used many times: as an output, as h_(t-1) of the next frame, and by every later frame twice, in its
# score (F2) and in its sum (F4). `dh` collects all of it: going back from the last frame, dh[:, t] is complete when the
# loop comes to t. ag_t is used twice: in g_t (F1) and in ah_t (F5).
#
# The softmax: dalpha_j/ds_i = alpha_j ([i = j] - alpha_i), so ds_i = alpha_i (dalpha_i - alpha . dalpha). All ds_i of a
# frame add up to 0, which is why w_g gets nothing, and why a mistake in dg shows with raw weights alone. Where a state
# was not kept, alpha is 0, and so is ds.


def backward(dh, cache):
    """dh (N, T, S) -> dv (N, T, D), grads."""
    v, h, g, m, _, alpha, kept, attention, p = cache.values()  # in the order of forward's return
    S = len(p["b"])
    w_h, w_g = p["w"][:S], p["w"][S:]
    dh = dh.copy()
    dag, dah = np.zeros_like(dh), np.zeros_like(dh)
    dw = np.zeros_like(p["w"], dtype=dh.dtype)
    for t in reversed(range(dh.shape[1])):
        alpha_t, earlier = alpha[:, t, :t], h[:, :t]
        dah[:, t] = dh[:, t] * (1 - h[:, t] * h[:, t])  # F5
        dm = dah[:, t] @ p["Wa"].T  # F5
        dalpha = (earlier * dm[:, None]).sum(axis=2)  # F4 (N, t)
        if attention == "softmax":
            ds = alpha_t * (dalpha - (alpha_t * dalpha).sum(axis=1, keepdims=True))  # F3
        else:
            ds = np.where(kept[:, t, :t], dalpha, 0)  # F3
        dh[:, :t] += alpha_t[:, :, None] * dm[:, None] + ds[:, :, None] * w_h  # F4, F2
        dg = ds.sum(axis=1, keepdims=True) * w_g  # F2
        dag[:, t] = dah[:, t] + dg * (1 - g[:, t] * g[:, t])  # F5, F1
        if t:
            dh[:, t - 1] += dag[:, t] @ p["Wh"].T  # F1
        dw[:S] += np.tensordot(ds, earlier, axes=2)  # F2
        dw[S:] += ds.sum(axis=1) @ g[:, t]  # F2
    grads = {
        "Wv": np.tensordot(v, dag, axes=((0, 1), (0, 1))),
        "Wh": np.tensordot(h[:, :-1], dag[:, 1:], axes=((0, 1), (0, 1))),
        "Wa": np.tensordot(m, dah, axes=((0, 1), (0, 1))),
        "w": dw,
        "b": dag.sum(axis=(0, 1)),
    }
    return dag @ p["Wv"].T, grads


def attention_weights(cache) -> np.ndarray:
    """(N, T, T), for pictures: entry [n, t, i] is how much frame t of clip n takes from the state after frame i.

    0 where i >= t: the first row is empty. With the softmax every other row adds up to 1.
    """
    return cache["alpha"].copy()
