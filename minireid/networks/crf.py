"""CRF: the mean of the CNN's features plus the mean of a recurrence's outputs (Chen et al. 2017).

    F1  f  = CNN(x)                        eq. 1: C1 to C4 of minireid/networks/cnn.py, with ReLU and padding 2
    F2  xC = mean over the frames of f     eq. 2: appearance
    F3  o  = elman_relu(f)                 eq. 3, 4: o_t = f_t W + ReLU(o_(t-1)) U
    F4  xR = mean over the frames of o     eq. 5: motion; o is taken before the ReLU
    F5  xF = xC + xR                       eq. 6

Shapes: x (N, T, H, W, C) clips, f and o (N, T, 128), xC, xR and xF (N, 128).

The paper does not state the padding. With kernels of 5x5, padding 2 keeps the size of the maps. Training uses the
contrastive loss on the squared distance (eq. 7, minireid/losses/contrastive_crf.py) and softmax (eq. 8) with equal
weights (eq. 9). For the test a track is cut into groups of 16 frames, each group gives an xF, and the track's embedding
is their mean (`evaluation.group` in the recipe). crf_spatial and crf_temporal are F2 and F4 alone. crf_parts adds the
halves of the body (eq. 10).
"""

import numpy as np

from minireid.layers import elman_relu, relu, temporal_mean
from minireid.networks import cnn
from minireid.networks.euclidean import score
from minireid.networks.facts import DISTANCE_LOSSES, Facts
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = Facts(
    "crf",
    filters=3,
    losses=DISTANCE_LOSSES,
    old_names={"recurrence.Wi": "recurrence.W", "recurrence.Ws": "recurrence.U"},
)


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **cnn.init(rng, height, width, channels, filters, features, padding=2, dtype=dtype),
        "recurrence": elman_relu.init(rng, features, features, dtype=dtype),
    }


def forward(x, p, **how):
    """x (N, T, H, W, C) -> {"clip": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    f = cnn.forward(run, x, padding=2, activation=relu)  # F1 (N, T, 128)
    xC = run("spatial", temporal_mean, f, lengths=run.lengths)  # F2 (N, 128)
    o = run("recurrence", elman_relu, f)  # F3 (N, T, 128)
    xR = run("temporal", temporal_mean, o, lengths=run.lengths)  # F4 (N, 128)
    xF = xC + xR  # F5 (N, 128)
    run.watch("clip", xF)
    return {"clip": xF}, run.cache


# f is used twice, in F2 and in F3: df is the sum over both.


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dxF = dembeddings["clip"]
    watch("dclip", dxF)
    do = back("temporal", dxF)  # F5, F4
    df = back("recurrence", do) + back("spatial", dxF)  # F3; F5, F2
    dx = cnn.backward(back, df, need_dx=need_dx)  # F1
    return dx, back.grads
