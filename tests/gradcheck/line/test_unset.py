"""A loop that never sets what it should carry back: the missing line is named, and shown."""

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from tests.gradcheck.planting import changed, line_of, module

RNG = np.random.default_rng(0)

LOOP = """
    import numpy as np

    def forward(x, W, U):
        h, states = np.zeros((len(x), len(U))), []
        for t in range(x.shape[1]):
            states.append(h)
            h = np.tanh(x[:, t] @ W + h @ U)
            states.append(h)
        return np.stack(states[1::2], axis=1), (x, W, U, states)

    def backward(dy, cache):
        x, W, U, states = cache
        dx, dW, dU = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U)
        back = np.zeros_like(dy[:, 0])
        for t in reversed(range(x.shape[1])):
            before, h = states[2 * t], states[2 * t + 1]
            da = (dy[:, t] + back) * (1 - h**2)
            dW += x[:, t].T @ da
            dU += before.T @ da
            dx[:, t] = da @ W.T
            back = da @ U.T
        return dx, dW, dU
"""
ARRAYS = [RNG.normal(size=s) for s in ((2, 4, 3), (3, 5), (5, 5))]


def test_a_line_that_is_missing_at_the_end_of_a_loop_is_named_and_shown():
    page = changed(module(LOOP), ("\n        back = da @ U.T", ""))
    report = check(page.forward, page.backward, *ARRAYS)
    assert report.line.number == line_of(page, "dx[:, t] = da @ W.T"), str(report)
    assert report.causes[0].cause is Cause.NOT_CARRIED
    assert report.causes[0].fix.startswith("back = da @ U.T")
    assert "no line of the loop sets back" in report.causes[0].text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("back = da @ U.T", "back = da @ U"),  # it is set
        ("dx[:, t] = da @ W.T", "dx[:, t] = dx[:, t] - da @ W.T"),  # 0 before, but filled here
        ("dW += x[:, t].T @ da", "dW += x[:, t - 1].T @ da"),
    ],
)
def test_a_name_that_the_loop_sets_is_not_told_as_missing(old, new):
    page = changed(module(LOOP), (old, new))
    report = check(page.forward, page.backward, *ARRAYS)
    assert report.line.number == line_of(page, new), str(report)
    assert report.causes[0].cause is not Cause.NOT_CARRIED
