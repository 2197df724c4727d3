"""Pictures of looking back: each weight and each norm stands where it belongs."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from minireid.plots import style
from minireid.plots.looking_back import attention, by_frame, reach


def images(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def test_each_panel_holds_its_weights_below_the_diagonal_and_nothing_else(rng, tmp_path):
    weights = {"softmax": rng.random((6, 6)), "raw": rng.normal(size=(6, 6))}
    figure = attention(weights)
    for image, (name, expected) in zip(images(figure), weights.items(), strict=True):
        assert image.axes.get_title(loc="left") == name
        drawn = image.get_array()
        np.testing.assert_array_equal(~np.ma.getmaskarray(drawn), np.tri(6, k=-1, dtype=bool))
        np.testing.assert_array_equal(drawn.compressed(), expected[np.tri(6, k=-1, dtype=bool)])
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < style.LARGEST and not plt.get_fignums()


def test_colours_start_at_zero_and_white_is_zero_where_weights_are_negative(rng):
    positive, signed = np.tri(4, k=-1) * 0.5, np.tri(4, k=-1) * np.array([1, -3, 1, 1])
    above = np.triu(np.full((4, 4), 99.0))  # no frame looks at itself or ahead: must not set the scale
    assert [image.get_clim() for image in images(attention({"a": positive + above, "b": signed + above}))] == [
        (0, 0.5),
        (-3, 3),
    ]


def test_frames_are_counted_from_one_from_the_upper_left_and_marked_ones_lie_under_a_bar():
    (image,) = images(attention({"a": np.tri(5, k=-1)}, marked=(1, 2)))
    assert tuple(image.get_extent()) == (0.5, 5.5, 5.5, 0.5)
    bars = [line.get_xdata().tolist() for line in image.axes.lines if to_hex(line.get_color()) == style.ORANGE.lower()]
    assert bars == [[1.5, 2.5], [2.5, 3.5]]
    assert image.axes.get_ylim() == (5.5, 0.5), "frame 1 on top"
    assert not any(line.get_clip_on() for line in image.axes.lines), "the bars lie outside"


@pytest.mark.parametrize("T", [1, 2])
def test_clips_of_one_frame_and_weights_of_zero_are_drawn_all_the_same(T, tmp_path):
    figure = attention({"a": np.zeros((T, T))})
    figure.savefig(tmp_path / "a.png")
    assert [image.get_array().shape for image in images(figure)] == [(T, T)]


@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 4), (4,)])
def test_weights_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"expected \(T, T\) weights of one clip"):
        attention({"a": np.zeros(shape)})


def test_no_weights():
    with pytest.raises(ValueError, match="at least one matrix"):
        attention({})


def test_norms_by_hand():
    dx = np.array([[[3.0, 4.0], [0.0, 1.0]], [[0.0, 0.0], [6.0, 8.0]]])
    np.testing.assert_allclose(by_frame(dx), [2.5, 5.5])


def test_curves_are_shares_of_the_last_frame_on_a_logarithmic_scale(tmp_path):
    curves = {"Elman": np.array([1e-9, 1e-4, 2.0]), "cut": np.array([0.0, 8.0, 4.0])}
    figure = reach(curves, title="reach", marked=(0,))
    (axes,) = figure.axes
    assert axes.get_yscale() == "log" and axes.get_title(loc="left") == "reach"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Elman", "cut"]
    for line, expected in zip(axes.lines, ([5e-10, 5e-5, 1], [np.nan, 2, 1]), strict=True):
        assert line.get_xdata().tolist() == [1, 2, 3]
        np.testing.assert_allclose(line.get_ydata(), expected)
    ground = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (round(ground.x0, 6), round(ground.x1, 6)) == (0.5, 1.5)
    figure.savefig(tmp_path / "a.png")


def test_more_lines_than_colours_can_be_told_apart():
    (axes,) = reach({str(k): np.ones(3) for k in range(9)}, title="").axes
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 9


@pytest.mark.parametrize("norms", [np.array([1.0, 0.0]), np.array([1.0, np.nan]), np.ones((2, 2))])
def test_nothing_at_the_last_frame_to_compare_with(norms):
    with pytest.raises(ValueError, match="above 0 at the last frame"):
        reach({"a": norms}, title="")
