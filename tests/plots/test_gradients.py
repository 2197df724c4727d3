"""Pictures of a gradient check: three panels that show what they say, and the valley of the step size."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from minireid.plots import style
from minireid.plots.gradients import laid_out, three_gradients, u_curve


@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (3, 4, 5), (2, 3, 3, 4)])
def test_the_panels_hold_the_gradients_and_their_difference(shape, rng, tmp_path):
    true = rng.normal(size=shape)
    computed = true + 0.1
    figure = three_gradients(computed, true, title="gru: x")
    panels = figure.axes[:3]
    assert [panel.get_title(loc="left") for panel in panels] == ["backward says", "true", "difference"]
    for panel, values in zip(panels, (computed, true, computed - true)):
        np.testing.assert_allclose(np.asarray(panel.images[0].get_array()), laid_out(values))
        low, high = panel.images[0].get_clim()
        assert low == -high, "zero is white"
    assert panels[0].images[0].get_clim() == panels[1].images[0].get_clim(), "one scale for both gradients"
    np.testing.assert_allclose(panels[2].images[0].get_clim()[1], 0.1, rtol=1e-6)
    figure.savefig(tmp_path / "g.png")
    assert (tmp_path / "g.png").stat().st_size < style.LARGEST and not plt.get_fignums()


def test_time_steps_stand_beside_each_other(rng):
    values = rng.normal(size=(2, 3, 4))
    assert np.array_equal(laid_out(values)[1, 4:8], values[1, 1])
    panel = three_gradients(values, values, title="").axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "1", "2"]
    np.testing.assert_allclose(panel.get_xticks(), [1.5, 5.5, 9.5])


def test_a_difference_of_nothing_is_drawn_all_the_same():
    assert three_gradients(np.zeros((2, 2)), np.zeros((2, 2)), title="").axes[2].images[0].get_clim() == (-1, 1)


def test_the_valley_is_on_logarithmic_axes_and_zero_errors_are_kept():
    steps, errors = 10.0 ** np.arange(0, -12, -1), np.array([0.0, *10.0 ** -np.arange(1, 12)])
    axes = u_curve(steps, errors, title="step").axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log" and axes.get_title(loc="left") == "step"
    assert len(axes.lines[0].get_xdata()) == 12 and np.min(axes.lines[0].get_ydata()) == 1e-18
    assert u_curve(steps, errors).axes[0].get_title(loc="left")
