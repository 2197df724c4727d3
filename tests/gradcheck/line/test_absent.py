"""What a wrong value lacks is told by the forward's line that uses the variable."""

import numpy as np

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.line.absent import absent
from minireid.gradcheck.line.pieces import Pieces
from tests.gradcheck.line.following import judged, problem_of
from tests.gradcheck.planting import changed, line_of, module

X = np.random.default_rng(0).normal(size=(3, 4))


def lacks(page, *arrays):
    """What the first wrong value lacks."""
    with judged(problem_of(page, *arrays)) as judge:
        faults = judge.settle()
        run = judge.mended()
        fault = next(iter(faults.values()))
        return absent(judge, run, Pieces(judge, judge.tracer.program, run).of(fault)[0], "")


TWO_USES = """
    import numpy as np

    def forward(x):
        h = np.tanh(x)
        a = h * 3
        b = h * h
        y = a + b
        return y, h

    def backward(dy, h):
        dh = np.zeros_like(h)
        dh += dy * 3
        dh += dy * 2 * h
        dx = dh * (1 - h * h)
        return dx
"""


def test_the_use_whose_gradient_is_missing_is_named():
    page = changed(module(TWO_USES), ("    dh += dy * 3\n", ""))
    found = lacks(page, X)
    assert found.cause is Cause.TERM_MISSING and f"line {line_of(page, 'a = h * 3')} (forward)" in found.text


def test_a_gradient_that_counts_twice_is_named():
    page = changed(module(TWO_USES), ("    dh += dy * 3\n", "    dh += dy * 3\n    dh += dy * 3\n"))
    found = lacks(page, X)
    assert found.cause is Cause.TERM_EXTRA and f"line {line_of(page, 'a = h * 3')} (forward)" in found.text


def test_a_line_that_replaces_what_is_there_is_told():
    page = changed(module(TWO_USES), ("dh += dy * 2 * h", "dh = dy * 2 * h"))
    found = lacks(page, X)
    assert found.cause in (Cause.ASSIGNS, Cause.TERM_MISSING)
    assert f"line {line_of(page, 'a = h * 3')} (forward)" in found.text


def test_a_step_that_was_left_out_is_told():
    page = module("""
        import numpy as np

        def forward(x):
            a = 3 * x
            y = np.tanh(a)
            return y, y

        def backward(dy, y):
            da = dy
            dx = 3 * da
            return dx
    """)
    found = lacks(page, X)
    assert found.cause is Cause.ACTIVATION_MISSING and f"line {line_of(page, 'y = np.tanh(a)')} (forward)" in found.text


LOOP = """
    import numpy as np

    def forward(x, W):
        h = np.zeros((3, 4))
        hs = [h]
        for t in range(3):
            a = x + h @ W
            h = np.tanh(a)
            hs.append(h)
        return np.stack(hs[1:], axis=1), (hs, W)

    def backward(dhs, cache):
        hs, W = cache
        dx, dW = np.zeros((3, 4)), np.zeros_like(W)
        later = np.zeros((3, 4))
        for t in reversed(range(3)):
            dh = dhs[:, t] + later
            da = dh * (1 - hs[t + 1] ** 2)
            dx += da
            dW += hs[t].T @ da
            later = da @ W.T
        return dx, dW
"""
W = np.random.default_rng(1).normal(size=(4, 4)) / 2


def test_what_does_not_come_back_from_the_next_round_is_told():
    page = changed(module(LOOP), ("dh = dhs[:, t] + later", "dh = dhs[:, t]"))
    found = lacks(page, X, W)
    assert found.cause is Cause.NOT_CARRIED and f"line {line_of(page, 'a = x + h @ W')} (forward) at t = " in found.text


def test_where_something_comes_back_only_a_term_is_missing():
    page = changed(module(LOOP), ("h = np.tanh(a)", "h = np.tanh(a) + 0.5 * h"), ("1 - hs[t + 1] ** 2", "1 - up ** 2"))
    page = changed(page, ("da = dh *", "up = hs[t + 1] - 0.5 * hs[t]; da = dh *"))
    found = lacks(page, X, W)
    assert found.cause is Cause.TERM_MISSING and f"line {line_of(page, 'h = np.tanh(a)')} (forward)" in found.text


def test_a_sum_that_is_one_use_as_a_whole_lacks_the_other_use():
    page = module("""
        import numpy as np

        def forward(x):
            middle = x.mean(axis=0)
            d = x - middle
            return d * d * d, d

        def backward(dy, d):
            part = dy * d * d
            dx = part + 2 * part
            return dx
    """)
    found = lacks(page, X)
    assert found.cause is Cause.TERM_MISSING and f"line {line_of(page, 'middle = ')} (forward)" in found.text


def test_where_every_entry_differs_otherwise_nothing_is_told():
    page = changed(module(TWO_USES), ("dh * (1 - h * h)", "np.sin(dh) * h"))
    assert lacks(page, X) is None


ATTENTION = """
    import numpy as np

    def forward(x, s, W, V):
        q = s @ V
        kept = []
        for t in range(len(x)):
            kept.append(np.tanh(x[t] @ W + q))
        return sum(kept), (x, s, W, V, q, kept)

    def backward(dy, cache):
        x, s, W, V, q, kept = cache
        dx, dW = np.zeros_like(x), np.zeros_like(W)
        dq = np.zeros_like(q)
        for t in range(len(x)):
            da = dy * (1 - kept[t] ** 2)
            dW += x[t].T @ da
            dx[t] = da @ W.T
            dq += da
        return dx, dq @ V.T, dW, s.T @ dq
"""


def test_not_the_line_that_makes_the_zeros_is_blamed_for_what_never_arrives():
    page = changed(module(ATTENTION), ("\n        dq += da", ""))
    rng = np.random.default_rng(0)
    report = check(page.forward, page.backward, *(rng.normal(size=s) for s in ((3, 2, 4), (2, 3), (4, 5), (3, 5))))
    assert report.line.text in ("da = dy * (1 - kept[t] ** 2)", "dW += x[t].T @ da"), str(report)
    assert report.causes[0].cause is Cause.TERM_MISSING


def test_a_missing_term_is_told_where_the_other_terms_are_added():
    three = ("dh += dy * 2 * h", "dh += dy * h\n    dh += h * dy")
    page = changed(changed(module(TWO_USES), three), ("    dh += dy * 3\n", ""))
    found = lacks(page, X)
    assert found.near == line_of(page, "dh += h * dy") and "near line" in found.text
