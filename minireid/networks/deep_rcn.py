"""Deep RCN: convolutional GRUs on three sizes (here: levels) of maps (Wu, Shen, van den Hengel 2016).

Each frame separately: 3x3 convolutions (padding 1) with ReLU, and 2x2 max-pools between them:

    F1  m0 = pool(relu(conv(x)))       C1 channels, half the frame's height and width
    F2  m1 = relu(conv(m0))            level 1
    F3  m2 = relu(conv(pool(m1)))      level 2, half the size of level 1
    F4  m3 = relu(conv(pool(m2)))      level 3, half the size of level 2

A convolutional GRU on each level reads the frames in order (eq. 2, 3). The gates of levels 2 and 3 also read the states
of the level below, halved by a max-pool:

    F5  h1 = conv_gru(m1)
    F6  h2 = conv_gru_stacked(m2, pool(h1))
    F7  h3 = conv_gru_stacked(m3, pool(h2))

    F8  s_l = h_l of the last frame, for each level (or another pool over time, `pool`)
    F9  y   = s1, s2 and s3, average-pooled (4x4, 2x2, 1x1) to the size of s3 and concatenated; dropout

Shapes: x (N, T, H, W, C) clips, H and W multiples of 8. For level l = 1, 2, 3: m_l (N, T, H/2^l, W/2^l, C1), h_l (N, T,
H/2^l, W/2^l, S_l), s_l (N, H/2^l, W/2^l, S_l). y (N, (H/8) (W/8) (S1 + S2 + S3)). `filters` is (C1, S1, S2, S3). In
F1 to F7, pool is the 2x2 max-pool. The recipe's dropout rate is 0.7, the paper's.

Where the paper leaves a choice, or contradicts itself:
- In the paper's table of layers, the first 3x3 convolution removes 3 pixels from 160 x 60, not 2. Later layers follow
  the same pattern. Here padding keeps the size. The text first says three convolutional layers, later four. The table
  has four, as here. The paper max-pools between the GRUs "for the compatibility of the dimensions", so their maps
  differ in size: the last three feed one each.
- The paper uses 32 channels in all convolutions, and 128, 256, 256 in the GRUs. The recipes use fewer channels.
- Eq. 4 averages the last states of the levels, but these differ in size and in channels. Here they are concatenated on
  the smallest grid. The similarity (eq. 5, minireid/losses/similarity.py) weights them with v.
- The paper once mentions hash layers and two fully connected layers of 4096 units. They are not in its equations, nor
  here.

The two clips of a pair are compared by the learned similarity, not by a distance: `score` takes the loss's heads.
deep_rcn_independent is the variant without the second input of F6 and F7.
"""

from types import ModuleType
from typing import Any

import numpy as np

from minireid.layers import average_pool2d, conv_gru, conv_gru_stacked, conv_relu, dropout, maxpool2d, temporal_last
from minireid.losses.similarity import score
from minireid.networks.facts import POOLS, Facts, Setting
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "describe", "forward", "init", "score"]

FACTS = Facts(
    "deep_rcn",
    filters=4,
    losses=("similarity",),
    settings={
        "kernels": Setting((5, 5), least=1),  # of the GRUs' inputs and states; the paper: 5 and 5, or 9 and 1
        "lower_in_candidate": Setting(False),  # the other reading of eq. 3, see conv_gru_stacked.py
        "pool": POOLS._replace(default="temporal_last"),  # of F8
    },
)
LEVELS = ("level1", "level2", "level3")


def init(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, ...] = (32, 128, 256, 256),
    kernels: tuple[int, int] = (5, 5),
    lower_in_candidate: bool = False,
    dtype: type = np.float32,
) -> dict:
    """Parameters for frames (crops) of height x width. Raises ValueError where these are no multiples of 8."""
    C1, S1, S2, S3 = filters
    settings: dict[str, Any] = {"kernel_input": kernels[0], "kernel_state": kernels[1], "dtype": dtype}
    stacked = {**settings, "lower_in_candidate": lower_in_candidate}
    return {
        **init_convolutions(rng, height, width, channels, C1, dtype),
        "level1": conv_gru.init(rng, C1, S1, **settings),
        "level2": conv_gru_stacked.init(rng, C1, S1, S2, **stacked),
        "level3": conv_gru_stacked.init(rng, C1, S2, S3, **stacked),
    }


def forward(x, p, *, pool: ModuleType = temporal_last, **how):
    """x (N, T, H, W, C) -> {"clip": (N, D)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m1, m2, m3 = maps_forward(run, x)  # F1 to F4
    h1 = run("level1", conv_gru, m1, kernel=run.kernel)  # F5 (N, T, H/2, W/2, S1)
    below1 = run.per_frame("level1 halved", maxpool2d, h1)
    h2 = run("level2", conv_gru_stacked, m2, below1, kernel=run.kernel)  # F6 (N, T, H/4, W/4, S2)
    below2 = run.per_frame("level2 halved", maxpool2d, h2)
    h3 = run("level3", conv_gru_stacked, m3, below2, kernel=run.kernel)  # F7 (N, T, H/8, W/8, S3)
    return {"clip": summary_forward(run, (h1, h2, h3), pool)}, run.cache  # F8, F9 (N, D)


# h1 is used twice, by level 2 and in the summary. So is h2, by level 3. Their gradients are the sums.


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, D)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dh1, dh2, dh3 = summary_backward(back, dembeddings["clip"])  # F9, F8
    dm3, dbelow2 = back("level3", dh3)  # F7
    dh2 = dh2 + back("level2 halved", dbelow2)
    dm2, dbelow1 = back("level2", dh2)  # F6
    dh1 = dh1 + back("level1 halved", dbelow1)
    dm1 = back("level1", dh1)  # F5
    return maps_backward(back, dm1, dm2, dm3, need_dx=need_dx), back.grads  # F4 to F1


def describe(x, p, *, forward=forward, **how) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, T, D), a descriptor of every frame: the embedding of the clip that ends with this frame
    (F8: last states). For pools that are not trained with the network (minireid/evaluation/fisher.py).
    forward: of this page, or of deep_rcn_independent."""
    N, T = x.shape[:2]
    states: dict[str, np.ndarray] = {}
    forward(x, p, watch=states.__setitem__, **how)
    run = Forward(p, **how)  # without a generator: no dropout
    one_by_one = [states[level].reshape(N * T, 1, *states[level].shape[2:]) for level in LEVELS]
    return summary_forward(run, one_by_one, temporal_last).reshape(N, T, -1)


# The maps of every frame: F1 to F4.


def init_convolutions(rng, height, width, channels, C1, dtype) -> dict:
    if height % 8 or width % 8:
        raise ValueError(f"deep_rcn: expected height and width to be multiples of 8, got {height} x {width}")
    inputs = {"conv0": channels, "conv1": C1, "conv2": C1, "conv3": C1}
    return {name: conv_relu.init(rng, 3, 3, C, C1, dtype=dtype) for name, C in inputs.items()}


def maps_forward(run: Forward, x):
    """x (N, T, H, W, C) -> m1, m2, m3, each (N, T, H/2^l, W/2^l, C1)."""
    how = {"kernel": run.kernel}
    m0 = run.per_frame("pool0", maxpool2d, run.per_frame("conv0", conv_relu, x, **how))  # F1
    m1 = run.per_frame("conv1", conv_relu, m0, **how)  # F2
    m2 = run.per_frame("conv2", conv_relu, run.per_frame("pool1", maxpool2d, m1), **how)  # F3
    m3 = run.per_frame("conv3", conv_relu, run.per_frame("pool2", maxpool2d, m2), **how)  # F4
    return m1, m2, m3


def maps_backward(back: Backward, dm1, dm2, dm3, *, need_dx: bool):
    """dm1, dm2, dm3 -> dx. The maps of a level go to its GRU and, through the pool, to the next convolution."""
    dm2 = back("pool2", back("conv3", dm3)) + dm2  # F4
    dm1 = back("pool1", back("conv2", dm2)) + dm1  # F3
    dm0 = back("conv1", dm1)  # F2
    return back("conv0", back("pool0", dm0), need_dx=need_dx)  # F1


# From the states of all levels to one vector: F8, F9.


def summary_forward(run: Forward, levels, pool: ModuleType):
    """h1, h2, h3 -> y (N, D)."""
    grid = levels[-1].shape[2:4]  # of level 3, the smallest
    parts = []
    for name, h in zip(LEVELS, levels):
        s = run(f"{name} pool", pool, h, lengths=run.lengths)  # F8 (N, H_l, W_l, S_l)
        parts.append(run(f"{name} grid", average_pool2d, s, size=grid))  # F9 (N, H/8, W/8, S_l)
    y = run("clip", dropout, np.concatenate(parts, axis=-1), **run.dropout)
    return y.reshape(len(y), -1)


def summary_backward(back: Backward, dy):
    """dy (N, D) -> dh1, dh2, dh3."""
    tiles = [back.cache[f"{name} grid"].cache.tiles for name in LEVELS]
    N, H, _, W, _, _ = tiles[0]
    dtogether = back("clip", dy.reshape(N, H, W, -1))  # F9
    ends = np.cumsum([tile[-1] for tile in tiles])
    dparts = np.split(dtogether, ends[:-1], axis=-1)
    return [back(f"{name} pool", back(f"{name} grid", dpart)) for name, dpart in zip(LEVELS, dparts)]  # F9, F8
