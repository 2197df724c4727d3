"""UTRCNN ("unbiased time"): the baseline's CNN, and a recurrence that attends to its earlier states.

Eq. 2 to 5: the UTRCNN paper's. The mechanism is attentive backtracking (Ke et al. 2018), sparse if top_k > 0.

    F1  f = CNN(x)                 C1 to C4 of minireid/networks/cnn.py, with tanh and padding 4
    F2  h = attentive_rnn(f)       eq. 2: each state also reads a weighted sum of the states before it
    F3  y = h of the last frame    the clip's feature

Shapes: x (N, T, H, W, C) clips, f and h (N, T, 128), y (N, 128).

The baseline averages over time, so that no frame counts more than another. Here only the last state is used. The
attention lets it read all earlier frames, not only the last few. Training uses verification (eq. 3) and identification
(eq. 4) with equal weights (eq. 5): minireid/losses/joint.py.
"""

import numpy as np

from minireid.layers import attentive_rnn, temporal_last
from minireid.networks import cnn
from minireid.networks.euclidean import score
from minireid.networks.facts import DISTANCE_LOSSES, Facts, Setting
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = Facts(
    "utrcnn",
    filters=3,
    losses=DISTANCE_LOSSES,
    settings={
        "attention": Setting("softmax", ("softmax", "raw")),  # weights that add up to 1; or raw, as eq. 2 prints them
        "top_k": Setting(0),  # how many states are attended to: those with the largest scores; 0: all
    },
    old_names={"recurrence.Wv": "recurrence.W", "recurrence.Wh": "recurrence.U"},
)


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **cnn.init(rng, height, width, channels, filters, features, padding=4, dtype=dtype),
        "recurrence": attentive_rnn.init(rng, features, features, dtype=dtype),
    }


def forward(x, p, *, attention: str = "softmax", top_k: int = 0, **how):
    """x (N, T, H, W, C) -> {"clip": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    f = cnn.forward(run, x, padding=4)  # F1 (N, T, 128)
    h = run("recurrence", attentive_rnn, f, attention=attention, top_k=top_k)  # F2 (N, T, 128)
    y = run("clip", temporal_last, h, lengths=run.lengths)  # F3 (N, 128)
    return {"clip": y}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dh = back("clip", dembeddings["clip"])  # F3
    df = back("recurrence", dh)  # F2
    dx = cnn.backward(back, df, need_dx=need_dx)  # F1
    return dx, back.grads
