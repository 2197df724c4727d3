"""Ablation of crf: the recurrence alone, F1, F3 and F4 of minireid/networks/crf.py (the paper's row "RNN")."""

from minireid.layers import elman_relu, relu, temporal_mean
from minireid.networks import cnn, crf
from minireid.networks.euclidean import score
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = crf.FACTS
init = crf.init


def forward(x, p, **how):
    """x (N, T, H, W, C) -> {"clip": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    f = cnn.forward(run, x, padding=2, activation=relu)  # F1 (N, T, 128)
    o = run("recurrence", elman_relu, f)  # F3 (N, T, 128)
    xR = run("clip", temporal_mean, o, lengths=run.lengths)  # F4 (N, 128)
    return {"clip": xR}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    do = back("clip", dembeddings["clip"])  # F4
    df = back("recurrence", do)  # F3
    dx = cnn.backward(back, df, need_dx=need_dx)  # F1
    return dx, back.grads
