"""Ablation of crf: the mean of the CNN's features, F1 and F2 of minireid/networks/crf.py (the paper's row "CNN")."""

import numpy as np

from minireid.layers import relu, temporal_mean
from minireid.networks import cnn, crf
from minireid.networks.euclidean import score
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = crf.FACTS


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return cnn.init(rng, height, width, channels, filters, features, padding=2, dtype=dtype)


def forward(x, p, **how):
    """x (N, T, H, W, C) -> {"clip": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    f = cnn.forward(run, x, padding=2, activation=relu)  # F1 (N, T, 128)
    xC = run("clip", temporal_mean, f, lengths=run.lengths)  # F2 (N, 128)
    return {"clip": xC}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    df = back("clip", dembeddings["clip"])  # F2
    dx = cnn.backward(back, df, need_dx=need_dx)  # F1
    return dx, back.grads
