"""An Elman unit that attends to all of its earlier states: the recurrence of the unbiased-time RCNN (UTRCNN, eq. 2).

    F1  g_t = tanh(ag_t),      ag_t = v_t W + h_(t-1) U + b      a provisional state; h_0 = 0
    F2  s_ti = w . [h_i ; g_t]              for all i < t: the score of each earlier state
    F3  alpha_t = softmax over i of s_ti    (attention="softmax"), or alpha_ti = s_ti (attention="raw")
    F4  m_t = sum over i < t of  alpha_ti h_i
    F5  h_t = tanh(ah_t),      ah_t = ag_t + m_t Wa                h_1 = g_1: there is nothing to attend to yet

As printed, eq. 2 is circular: h_t needs alpha_ti, and alpha_ti = w . [h_i ; h_t] needs h_t. So the scores use g_t in
place of h_t. g_t is what h_t would be without attention (their eq. 1). The paper prints no bias; b is as in elman.py.

Raw or softmax weights? Eq. 2 prints raw scores. Raw scores are not normalised: m_t is then a sum of up to T - 1 states,
with factors of any size and sign. It grows with T, so tanh saturates sooner in a longer clip. The paper cites sparse
attentive backtracking (Ke et al. 2018), which normalises the weights and keeps only a few. This layer offers both. With
either, top_k=k keeps only the k largest scores: all other weights are 0, and the softmax is over the kept scores.
top_k=0 keeps all.

With the softmax, one half of w = [w_h ; w_g] has no effect. The term w_g . g_t is the same for all i, and a softmax
does not change when the same number is added to all scores. So the weights depend on w_h . h_i alone, and the gradient
of w_g is 0, up to rounding. w_g is kept because eq. 2 has it. With raw weights it has an effect.

Gradients flow back through the attended states, across any number of frames in one step. This is the main idea of the
paper. Gradients also flow back through the weights. Where the k-th largest score equals the next one, the selection
jumps: there is no derivative.

Shapes: v (N, T, D), h (N, T, S), g_t and m_t (N, S), s_t and alpha_t (N, t - 1); W (D, S), U, Wa (S, S), w (2 S,),
b (S,). N clips, T frames. Padding frames come last, so they cannot change the states of real frames. So the loop needs
no lengths.
"""

from typing import NamedTuple

import numpy as np


class Cache(NamedTuple):
    """s, alpha, kept [n, t, i]: how frame t of clip n attends to the state after frame i."""

    v: np.ndarray
    h: np.ndarray
    g: np.ndarray
    m: np.ndarray
    s: np.ndarray
    alpha: np.ndarray
    kept: np.ndarray
    attention: str
    p: dict[str, np.ndarray]


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {"W": (D, S), "U": (S, S), "Wa": (S, S), "w": (2 * S,), "b": (S,)}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def forward(v, p, *, attention: str = "softmax", top_k: int = 0):
    """v (N, T, D) -> all states h (N, T, S), cache. Raises ValueError for an unknown attention or a negative top_k."""
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
    av = v @ p["W"] + p["b"]  # F1 without the state, for all frames at once
    for t in range(T):
        ag = av[:, t] + h[:, t - 1] @ p["U"] if t else av[:, t]
        g[:, t] = np.tanh(ag)  # F1 (N, S)
        s[:, t, :t] = h[:, :t] @ w_h + (g[:, t] @ w_g)[:, None]  # F2
        kept[:, t, :t] = largest(s[:, t, :t], top_k)
        alpha[:, t, :t] = weights(s[:, t, :t], kept[:, t, :t], attention)  # F3
        m[:, t] = (alpha[:, t, :t, None] * h[:, :t]).sum(axis=1)  # F4 (N, S)
        h[:, t] = np.tanh(ag + m[:, t] @ p["Wa"])  # F5 (N, S)
    return h, Cache(v, h, g, m, s, alpha, kept, attention, p)


def largest(s, top_k: int):
    """s (N, t) -> booleans (N, t): True for each row's top_k largest; of equals, the earlier. top_k=0: all True."""
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


# A state h_t is used many times: as an output, as h_(t-1) of the next frame, and twice by every later frame, in its
# score (F2) and in its sum (F4). `dh` is the sum of all these gradients. The loop runs backward from the last frame, so
# dh[:, t] is complete when the loop reaches t. ag_t is used twice: in g_t (F1) and in ah_t (F5).
#
# The softmax: alpha_j changes with s_i by alpha_j ([i = j] - alpha_i), so ds_i = alpha_i (dalpha_i - alpha . dalpha).
# The ds_i of a frame sum to 0. So w_g gets no gradient, and a mistake in dg shows only with raw weights. Where a state
# is not kept, alpha and ds are 0.


def backward(dh, cache):
    """dh (N, T, S) -> dv (N, T, D), grads."""
    v, h, g, m, _, alpha, kept, attention, p = cache
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
            dh[:, t - 1] += dag[:, t] @ p["U"].T  # F1
        dw[:S] += np.tensordot(ds, earlier, axes=2)  # F2
        dw[S:] += ds.sum(axis=1) @ g[:, t]  # F2
    grads = {
        "W": np.tensordot(v, dag, axes=((0, 1), (0, 1))),
        "U": np.tensordot(h[:, :-1], dag[:, 1:], axes=((0, 1), (0, 1))),
        "Wa": np.tensordot(m, dah, axes=((0, 1), (0, 1))),
        "w": dw,
        "b": dag.sum(axis=(0, 1)),
    }
    return dag @ p["W"].T, grads


def attention_weights(cache) -> np.ndarray:
    """(N, T, T), for plots: entry [n, t, i] is the weight that frame t of clip n gives to the state after frame i.

    0 where i >= t, so the first row is all 0. With the softmax all later rows sum to 1.
    """
    return cache.alpha.copy()
