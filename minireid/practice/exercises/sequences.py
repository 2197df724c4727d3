"""Exercises on recurrent units and on time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minireid.layers import attentive_rnn, elman, gru, lstm, temporal_mean
from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.exercises.pages import truncated_bptt


def parameters(rng: np.random.Generator, init: Callable[..., dict[str, Any]], D: int, S: int) -> dict[str, Any]:
    """Larger than at the start of a training, so that no gate stays near 1/2."""
    return {name: 2 * value for name, value in init(rng, D, S, dtype=np.float64).items()}


def draw_gru_step(rng: np.random.Generator) -> Inputs:
    N, D, S = sizes(rng, 3)
    return Inputs((uniform(rng, N, D), uniform(rng, N, S), parameters(rng, gru.init, D, S)))


def draw_lstm_step(rng: np.random.Generator) -> Inputs:
    N, D, S = sizes(rng, 3)
    return Inputs((uniform(rng, N, D), uniform(rng, N, S), uniform(rng, N, S), parameters(rng, lstm.init, D, S)))


def draw_elman(rng: np.random.Generator) -> Inputs:
    N, T, D, S = sizes(rng, 4)
    return Inputs((uniform(rng, N, T, D), parameters(rng, elman.init, D, S)))


def draw_truncated(rng: np.random.Generator) -> Inputs:
    """Three pieces, the last one shorter, but not of one frame: from either end they are cut at other places."""
    N, D, S = sizes(rng, 3)
    truncate = int(rng.integers(3, 5))
    T = 2 * truncate + int(rng.integers(2, truncate))
    arrays = (uniform(rng, N, T, D), parameters(rng, elman.init, D, S))
    return Inputs(arrays, backward_config={"truncate": truncate})


def draw_attention(rng: np.random.Generator, attention: str, top_k: int) -> Inputs:
    N, T, D, S = sizes(rng, 4, 4, 7)
    config = {"attention": attention, "top_k": top_k}
    return Inputs((uniform(rng, N, T, D), attentive_rnn.init(rng, D, S, dtype=np.float64)), config)


def draw_padded(rng: np.random.Generator, axes: int) -> Inputs:
    """Clips, or maps of clips; some are padded with large numbers."""
    h = uniform(rng, *sizes(rng, axes))
    N, T = h.shape[:2]
    lengths = rng.integers(1, T + 1, N)
    for n, length in enumerate(lengths):
        h[n, length:] = 1e3
    return Inputs((h,), {"lengths": lengths})


ATTENTION = tuple(
    partial(draw_attention, attention=a, top_k=k) for a, k in (("softmax", 2), ("raw", 2), ("softmax", 0))
)
PADDED = (partial(draw_padded, axes=3), partial(draw_padded, axes=4))
STEP = (elman.Step, elman.step_forward, elman.step_backward)

EXERCISES = (
    Exercise(
        name="temporal_mean",
        title="The mean over time of clips of different lengths",
        level=1,
        points=5,
        minutes=20,
        asked=(Asked(temporal_mean.forward, PADDED, ("y",), temporal_mean.backward),),
        hint="Divide by each clip's own length. Padding gets no gradient. h may have more than three axes.",
        like="temporal_mean",
    ),
    Exercise(
        name="gru_step",
        title="One step of a GRU",
        level=2,
        points=10,
        minutes=60,
        asked=(Asked(gru.step_forward, draw_gru_step, ("h",), gru.step_backward),),
        hint="Count the uses of h' in F1 to F5: dh_prev is a sum with one term for each.",
        like="gru/step",
    ),
    Exercise(
        name="bptt",
        title="Backpropagation through time",
        level=2,
        points=10,
        minutes=60,
        asked=(Asked(elman.forward, draw_elman, ("h",), elman.backward),),
        given=STEP,
        hint="The state after frame t is used twice: as an output, and by frame t + 1. W, U and b are used always.",
        like="elman",
    ),
    Exercise(
        name="lstm_step",
        title="One step of an LSTM",
        level=2,
        points=12,
        minutes=60,
        asked=(Asked(lstm.step_forward, draw_lstm_step, ("h", "c"), lstm.step_backward),),
        hint="The cell c is used twice: in h, and by the next frame (dc comes in). Begin with the sum.",
        like="lstm/step",
    ),
    Exercise(
        name="truncated_bptt",
        title="Truncated backpropagation through time",
        level=3,
        points=8,
        minutes=40,
        asked=(Asked(elman.forward, draw_truncated, ("h",), truncated_bptt.backward, given=True),),
        given=(*STEP, elman.forward),
        hint="Pieces are counted from frame 0. In which frames t does no gradient come from t + 1?",
    ),
    Exercise(
        name="attention",
        title="The backward of a unit that attends to its own past",
        level=3,
        points=15,
        minutes=120,
        asked=(Asked(attentive_rnn.forward, ATTENTION, ("h",), attentive_rnn.backward, given=True),),
        given=(attentive_rnn.Cache, attentive_rnn.forward, attentive_rnn.largest, attentive_rnn.weights),
        hint="h_t is used by later frames in F1, F2 and F4. List all uses of each name before you write a line.",
        like="attentive_rnn",
    ),
)
