"""The baseline: a recurrent convolutional network, trained as a Siamese network (McLaughlin et al., CVPR 2016).

    F1  f = CNN(x)                  C1 to C4 of minireid/networks/cnn.py, with tanh and padding 4
    F2  o = elman_unsquashed(f)     reads the frames in order
    F3  y = mean over the frames of o

Shapes: x (N, T, H, W, C) clips, f and o (N, T, 128), y (N, 128). C = 5: luma, two of chroma, two of optical flow.
Frames are 64 x 48 and crops 56 x 40 in the paper. A frame's last maps then have 2,560 values. With a classifier for
100 persons there are 397,828 parameters. (The authors' code has 128 more: each clip of a pair has its own s.)

There is no second network. Both clips of a pair are rows of x, and the loss compares their rows of y.
"""

import numpy as np

from minireid.layers import elman_unsquashed, temporal_mean
from minireid.networks import cnn
from minireid.networks.euclidean import score
from minireid.networks.facts import DISTANCE_LOSSES, Facts
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = Facts("src", filters=3, losses=DISTANCE_LOSSES, old_names={"recurrence.W": "recurrence.U"})


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **cnn.init(rng, height, width, channels, filters, features, padding=4, dtype=dtype),
        "recurrence": elman_unsquashed.init(rng, features, dtype=dtype),
    }


def forward(x, p, **how):
    """x (N, T, H, W, C) -> {"clip": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    f = cnn.forward(run, x, padding=4)  # F1 (N, T, 128)
    o = run("recurrence", elman_unsquashed, f, **run.dropout)  # F2 (N, T, 128)
    y = run("clip", temporal_mean, o, lengths=run.lengths)  # F3 (N, 128)
    return {"clip": y}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    do = back("clip", dembeddings["clip"])  # F3
    df = back("recurrence", do)  # F2
    dx = cnn.backward(back, df, need_dx=need_dx)  # F1
    return dx, back.grads
