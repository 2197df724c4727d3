"""Mistakes that people have reported in public, each written anew: what the checker has to say about them."""

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cases.like import reports_on
from minireid.gradcheck.forward import compare_forwards
from minireid.gradcheck.report import Report
from minireid.losses import contrastive_squared
from tests.gradcheck.planting import fixed, line_of, module, source

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def lines(report):
    return [finding.line.number for finding in report.findings if finding.line]


def comes_right(page, report, *arrays, **config):
    """Whether the program is right with the fixes of the report in it."""
    better = fixed(page, report)
    return check(better.forward, better.backward, *arrays, **config).ok


RECURRENT = """
    import numpy as np

    def cell(x, h, W, U):
        new = np.tanh(x @ W + h @ U)
        return new, (x, h, new)

    def cell_back(dnew, kept, W, U):
        x, h, new = kept
        da = dnew * (1 - new * new)
        return da @ W.T, da @ U.T, x.T @ da, h.T @ da

    def forward(xs, W, U):
        h = np.zeros((len(xs), len(U)))
        out, kept = [], []
        for t in range(xs.shape[1]):
            h, k = cell(xs[:, t], h, W, U)
            out.append(h)
            kept.append(k)
        return np.stack(out, axis=1), (kept, W, U)
"""
SEQUENCE = (normal(2, 5, 3), normal(3, 4) / 2, normal(4, 4) / 2)


@pytest.fixture(scope="module")
def truncated():
    page = module(
        RECURRENT
        + """
    def backward(dhs, cache, steps=2):
        kept, W, U = cache
        dxs, dW, dU = np.zeros((len(dhs), len(kept), len(W))), np.zeros_like(W), np.zeros_like(U)
        for t in range(len(kept)):
            dh = dhs[:, t]
            for s in range(t, max(-1, t - steps), -1):
                dx, dh, gW, gU = cell_back(dh, kept[s], W, U)
                dxs[:, s] += dx
                dW += gW
                dU += gU
        return dxs, dW, dU
"""
    )
    return page, check(page.forward, page.backward, *SEQUENCE)


def test_truncated_backpropagation_through_time_is_told_at_the_loop_that_ends_early(truncated):
    page, report = truncated
    assert lines(report) == [line_of(page, "max(-1, t - steps)")]


def test_truncated_backpropagation_through_time_has_its_cause(truncated):
    _, report = truncated
    assert report.causes[0].cause == "nothing carried back"


@pytest.fixture(scope="module")
def uncarried():
    page = module(
        RECURRENT
        + """
    def backward(dhs, cache):
        kept, W, U = cache
        dxs, dW, dU = np.zeros((len(dhs), len(kept), len(W))), np.zeros_like(W), np.zeros_like(U)
        for t in reversed(range(len(kept))):
            dh = dhs[:, t]
            x, h, new = kept[t]
            da = dh * (1 - new * new)
            dW += x.T @ da
            dU += h.T @ da
            dxs[:, t] = da @ W.T
        return dxs, dW, dU
"""
    )
    return page, check(page.forward, page.backward, *SEQUENCE)


def test_a_recurrence_without_a_carry_is_told_where_it_belongs(uncarried):
    page, report = uncarried
    assert len(report.findings) == 1
    assert report.line.number in (line_of(page, "dh = dhs[:, t]"), line_of(page, "da = dh * (1 - new * new)"))


def test_a_recurrence_without_a_carry_has_its_cause(uncarried):
    _, report = uncarried
    assert report.causes[0].cause == "nothing carried back"


CONTRASTIVE = """
    import numpy as np

    def forward(x, *, pairs, same, weights=None, margin=2.0):
        first, second = pairs.T
        w = np.ones(len(pairs)) / len(pairs) if weights is None else weights
        v = x[first] - x[second]
        d = np.sqrt((v * v).sum(axis=1))
        lack = np.maximum(margin - d, 0)
        loss = 0.5 * (w * np.where(same, d * d, lack * lack)).sum()
        return loss, (x, first, second, v, d, lack, w, same)

    def backward(dloss, cache):
        x, first, second, v, d, lack, w, same = cache
        pull = dloss * w * np.where(same, 2.0, -2.0 * lack / d)
        dv = pull[:, None] * v
        dx = np.zeros_like(x)
        np.add.at(dx, first, dv)
        np.add.at(dx, second, -dv)
        return dx
"""
PAIRS = {"pairs": np.array([[0, 1], [2, 3], [0, 3], [1, 4], [2, 4]]), "same": np.arange(5) % 2 == 0}


WEIGHTS = [None, np.array([0.1, 0.4, 0.2, 0.3, 0.6])]


@pytest.mark.parametrize("weights", WEIGHTS, ids=["without weights", "weights"])
def test_a_contrastive_loss_without_its_half(weights):
    page, x = module(CONTRASTIVE), normal(5, 3) / 2
    report = check(page.forward, page.backward, x, weights=weights, **PAIRS)
    assert len(report.findings) == 1 and report.line.function == "backward"
    assert line_of(page, "pull = ") <= report.line.number <= line_of(page, "dv = pull")
    assert report.causes[0].cause in ("constant factor", "factor too many", "factor missing")
    assert comes_right(page, report, x, weights=weights, **PAIRS)


WHOLE = CONTRASTIVE.replace("loss = 0.5 * (w", "return (w").replace(".sum()\n        return loss,", ".sum(),")
WHOLE = WHOLE.replace("else weights", "else np.asarray(weights)")


def right_for_both(page):
    """Whether the forward is that of the page of minireid, with weights and without."""
    x = normal(5, 3) / 2
    pairs = [{**PAIRS, "weights": weights} for weights in WEIGHTS]
    return all(np.allclose(page.forward(x, **p)[0], contrastive_squared.forward(x, **p)[0]) for p in pairs)


def test_a_forward_without_the_half_is_mended_for_both():
    """Its backward is right for it."""
    page = module(WHOLE)
    draws = [((normal(5, 3) / 2,), {**PAIRS, "weights": weights}) for weights in WEIGHTS]
    said, finding = compare_forwards(page.forward, contrastive_squared.forward, draws, [])
    assert "differs" in said and finding.causes[0].cause == "constant factor"
    assert right_for_both(fixed(page, Report("", [], [], 0, "", [finding])))


def test_a_forward_without_the_half_in_a_file_is_mended_for_both(tmp_path):
    page, path = module(WHOLE), tmp_path / "mine.py"
    path.write_text(source(page))
    (report,) = reports_on(path, "contrastive_squared", 0)
    assert not report.ok and right_for_both(fixed(page, report))


def test_a_forward_that_differs_only_without_its_weights_is_wrong(tmp_path):
    """The page takes the mean then, this one the sum."""
    path = tmp_path / "mine.py"
    path.write_text(source(module(WHOLE.replace("return (w", "return (0.5 * w").replace(" / len(pairs)", ""))))
    (report,) = reports_on(path, "contrastive_squared", 0)
    assert not report.ok and "the forward differs only without weights" in report.notes
    assert "y is " in report.forward and "expected" in report.forward


def test_a_forward_that_needs_its_weights_is_right(tmp_path):
    path = tmp_path / "mine.py"
    right = WHOLE.replace("return (w", "return (0.5 * weights").replace("2.0, -2.0", "1.0, -1.0")
    path.write_text(source(module(right)))
    (report,) = reports_on(path, "contrastive_squared", 0)
    assert report.ok and not report.notes


def test_a_helper_with_a_flag_is_right_and_its_call_is_wrong():
    page = module("""
        import numpy as np

        def logistic(a, slope=False):
            s = 1 / (1 + np.exp(-a))
            if slope:
                return s * (1 - s)
            return s

        def forward(x):
            return logistic(x), x

        def backward(dy, x):
            dx = dy * logistic(x)
            return dx
    """)
    x = normal(3, 4)
    report = check(page.forward, page.backward, x)
    assert lines(report) == [line_of(page, "dx = dy * logistic(x)")]
    assert "slope=True" in report.causes[0].fix and comes_right(page, report, x)


CLIPPED = """
    import numpy as np

    def forward(x, W, b):
        return x @ W + b, (x, W)

    def backward(dy, cache):
        x, W = cache
        dW = x.T @ dy
        db = dy.sum(axis=0)
        for grad in (dW, db):
            np.clip(grad, -1, 1, out=grad)
        return dy @ W.T, dW, db
"""
WITH_A_DICT = """
    import numpy as np

    def forward(x, p):
        return x @ p["W"] + p["b"], (x, p)

    def backward(dy, cache):
        x, p = cache
        dW = x.T @ dy
        db = dy.sum(axis=0)
        for grad in (dW, db):
            np.clip(grad, -5, 5, out=grad)  # no entry of W is so large
        return dy @ p["W"].T, {"W": dW, "b": db}
"""


@pytest.mark.parametrize("text", [CLIPPED, WITH_A_DICT])
def test_clipping_is_named_as_the_mistake(text):
    page, W, b = module(text), normal(4, 5), normal(5)
    arrays = (3 * normal(6, 4), W, b) if text is CLIPPED else (3 * normal(6, 4), {"W": W, "b": b})
    report = check(page.forward, page.backward, *arrays)
    assert set(lines(report)) == {line_of(page, "np.clip(grad")}
    assert "clip" in report.causes[0].text
    assert not any("out=" in cause.fix for cause in report.causes), "to write into another array is no mend"


def test_two_factors_in_two_lines_are_both_told():
    page = module("""
        import numpy as np

        def forward(x, W, b):
            return np.dot(x, W) + b, (x, W)

        def backward(dy, cache):
            x, W = cache
            db = 4.0 * np.sum(dy, axis=0)
            dW = np.dot(x.T, dy) * 2
            return np.dot(dy, W.T), dW, db
    """)
    arrays = normal(6, 4), normal(4, 5), normal(5)
    report = check(page.forward, page.backward, *arrays)
    assert lines(report) == [line_of(page, "db = 4.0"), line_of(page, "dW = np.dot")]
    assert comes_right(page, report, *arrays)


def test_max_pooling_that_replaces_where_windows_overlap():
    page = module("""
        import numpy as np

        def forward(x, *, size=3, stride=2):
            rows, columns = ((n - size) // stride + 1 for n in x.shape[1:])
            y = np.zeros((len(x), rows, columns))
            for n in range(len(x)):
                for i in range(rows):
                    for j in range(columns):
                        y[n, i, j] = x[n, i * stride : i * stride + size, j * stride : j * stride + size].max()
            return y, (x, size, stride)

        def backward(dy, cache):
            x, size, stride = cache
            dx = np.zeros_like(x)
            for n, i, j in np.ndindex(dy.shape):
                part = x[n, i * stride : i * stride + size, j * stride : j * stride + size]
                a, b = np.unravel_index(part.argmax(), part.shape)
                dx[n, i * stride + a, j * stride + b] = dy[n, i, j]
            return dx
    """)
    x = normal(2, 7, 7)
    x[:, 2, 2] = 9  # the largest of four windows
    report = check(page.forward, page.backward, x)
    assert lines(report) == [line_of(page, "= dy[n, i, j]")]
    assert report.causes[0].cause == "= for +=" and comes_right(page, report, x)


@pytest.mark.parametrize("seed", range(4))
def test_a_missing_division_is_wrong_whatever_the_seed(seed):
    page = module("""
        import numpy as np

        def forward(x):
            r = np.sqrt((x * x).sum(axis=1, keepdims=True))
            u = x / r
            return u, (u, r)

        def backward(du, cache):
            u, r = cache
            dx = du - u * (du * u).sum(axis=1, keepdims=True)
            return dx
    """)
    x = np.random.default_rng(seed).normal(size=(4, 3))
    report = check(page.forward, page.backward, x, seed=seed)
    assert not report.ok and lines(report) == [line_of(page, "dx = du - u")] and comes_right(page, report, x)


def test_what_is_right_stays_right():
    """The same array twice, a broadcast view, a sum of both outputs."""
    product = lambda a, b: (a * b, (a, b))  # noqa: E731
    a = normal(2, 3)
    assert check(product, lambda dy, cache: (dy * cache[1], dy * cache[0]), a, a).ok
    b = np.broadcast_to(normal(5), (3, 5))
    assert check(product, lambda dy, cache: (dy * cache[1], dy * cache[0]), normal(3, 5), b).ok
