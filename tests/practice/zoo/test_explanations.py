"""Where an explanation says that a bug is not to be seen, it is not: those are the very tests that students write."""

from typing import Any

import numpy as np
import pytest

from minireid.gradcheck.cases.pages import Case
from minireid.layers import (
    conv2d,
    conv_block,
    elman,
    elman_unsquashed,
    gru,
    gru_reset_after,
    linear,
    maxpool2d,
    relu,
    temporal_centre,
    temporal_last,
    temporal_max,
    temporal_mean,
    unit_length,
)
from minireid.losses import contrastive_linear, pair_distance
from minireid.practice.zoo import plant
from minireid.practice.zoo.bugs import BUGS
from tests.practice.zoo.test_bugs import results

rng = np.random.default_rng(9)
f64 = {"dtype": np.float64}
maps, even_maps, clips = rng.normal(size=(2, 7, 5, 3)), rng.normal(size=(2, 6, 4, 3)), rng.normal(size=(3, 5, 7))
directions = unit_length.forward(rng.normal(size=(3, 7)))[0]
one_frame, two_frames = clips[:, :1], clips[:, :2]
p_gru, p_elman = gru.init(rng, 7, 5, **f64), elman.init(rng, 7, 5, **f64)
p_unsquashed = elman_unsquashed.init(rng, 7, **f64)
p_conv, p_pixel, p_one_channel = (conv2d.init(rng, *size, **f64) for size in ((3, 2, 3, 2), (1, 1, 3, 2), (3, 2, 3, 1)))
p_square = conv2d.init(rng, 3, 3, 3, 2, **f64)
pairs = np.array([[0, 1], [3, 2]])

HIDDEN: list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]] = [
    ("What moves when the update gate moves", gru, (one_frame, p_gru), {}),
    ("A clip whose early frames hardly learn", gru, (one_frame, p_gru), {}),
    ("A cache for every frame", gru, (one_frame, p_gru), {}),
    ("Once through Uc and back", gru, (clips, gru.init(rng, 7, 1, **f64)), {}),
    ("Clips first, frames second", elman, (clips[:1], p_elman), {}),
    ("Clips first, frames second", elman, (one_frame, p_elman), {}),
    ("Gradients always add up", elman, (two_frames, p_elman), {}),
    ("Caches of a recurrence that starts at the second frame", elman_unsquashed, (two_frames, p_unsquashed), {}),
    ("A learned start", elman_unsquashed, (one_frame, p_unsquashed), {}),
    ("The recurrent matrix and its input", elman_unsquashed, (clips, p_unsquashed), {}),
    ("Noise on what is carried over", elman_unsquashed, (clips, p_unsquashed), {}),
    ("The kernel on its way back", conv2d, (maps, p_pixel), {"padding": 1}),
    ("Windows at the edge", conv2d, (maps, p_conv), {"stride": 2}),
    ("The size of the output map", conv2d, (even_maps, p_square), {"padding": 1, "stride": 2}),
    ("Rows put back where they came from", conv2d, (maps, p_conv), {"padding": 1}),
    ("Windows that share pixels", conv2d, (maps, p_conv), {"padding": 1, "stride": 3}),
    ("The padding around the map", conv2d, (maps, p_conv), {"stride": 2}),
    ("A matrix of kernels", conv2d, (maps, p_one_channel), {"stride": 2}),
    ("A value that wins twice", maxpool2d, (maps,), {}),
    ("What the block keeps", conv_block, (maps, p_conv), {"activation": relu}),
    ("The mean of clips of different lengths", temporal_mean, (clips,), {}),
    ("A state for the whole clip", temporal_last, (clips,), {}),
    ("Each clip has its own end", temporal_last, (clips,), {"lengths": np.array([4, 4, 4])}),
    ("Gradients behind the end of a clip", temporal_centre, (clips,), {}),
    ("Which frame wins", temporal_max, (np.abs(clips),), {"lengths": np.array([5, 1, 4])}),
    ("A bias for vectors in a clip", linear, (one_frame[:, 0], linear.init(rng, 7, 5, **f64)), {}),
    ("Long vectors and short ones", unit_length, (directions,), {}),
    ("Clips and their pairs", pair_distance, (maps[0, :4, 0],), {"pairs": pairs}),
    ("Pairs of different weight", contrastive_linear, (maps[0, :4, 0],), {"pairs": pairs, "same": pairs[:, 0] == 0}),
]  # fmt: skip


def compared(title: str, page: Any, step: str, arrays: tuple[Any, ...], config: dict[str, Any]) -> list[bool]:
    """Whether y and each gradient of the broken page are those of the right one."""
    broken = plant.load(next(bug for bug in BUGS if bug.title == title))
    case = Case("", getattr(page, step + "forward"), getattr(page, step + "backward"), arrays, config)
    right = results(case.forward, case.backward, case)
    wrong = results(getattr(broken, step + "forward"), getattr(broken, step + "backward"), case)
    return [a.shape == b.shape and np.allclose(a, b, rtol=1e-10, atol=1e-12) for a, b in zip(wrong, right, strict=True)]


@pytest.mark.parametrize("title, page, arrays, config", HIDDEN, ids=[row[0] for row in HIDDEN])
def test_it_hides_where_it_is_said_to(title: str, page: Any, arrays: tuple[Any, ...], config: dict[str, Any]) -> None:
    assert all(compared(title, page, "", arrays, config))


@pytest.mark.parametrize(
    "title, page",
    [
        ("Two matrices from the gates to the past", gru),
        ("Gates that look at the past", gru),
        ("The candidate's memory", gru_reset_after),
    ],
)
def test_of_a_single_step_h_prev_alone_is_wrong(title: str, page: Any, rng: np.random.Generator) -> None:
    step = (rng.normal(size=(3, 7)), rng.normal(size=(3, 5)), page.init(rng, 7, 5, **f64))
    assert [n for n, right in enumerate(compared(title, page, "step_", step, {})) if not right] == [2]  # y, x, h_prev


def test_what_is_wrong_names_the_way(rng: np.random.Generator) -> None:
    """x, h_prev and the reset gate's parameters, not the candidate's."""
    step = (rng.normal(size=(3, 7)), rng.normal(size=(3, 5)), gru_reset_after.init(rng, 7, 5, **f64))
    names = ["y", "x", "h_prev", *step[2]]
    right = compared("The gradient of the reset gate", gru_reset_after, "step_", step, {})
    assert [name for name, ok in zip(names, right, strict=True) if not ok] == ["x", "h_prev", "Wr", "Ur", "br"]
