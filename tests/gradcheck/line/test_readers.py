"""A value without a name in the forward: what it should be follows from what is made of it."""

import ast

import numpy as np
import pytest

from minireid.gradcheck import check, check_loss
from minireid.gradcheck.line.taps import drawn_by_zip
from tests.gradcheck.planting import changed, line_of, module

RNG = np.random.default_rng(0)

LEAKY = """
    import numpy as np

    def forward(x, W, U, a):
        s, states, acts, out = np.zeros((len(x), len(a))), [], [], []
        for t in range(x.shape[1]):
            states.append(s)
            act = np.tanh(x[:, t] @ W + s @ U)
            acts.append(act)
            s = (1 - a) * s + a * act
            out.append(s)
        return np.stack(out, axis=1), (x, W, U, a, states, acts)

    def backward(dy, cache):
        x, W, U, a, states, acts = cache
        dx, dW, dU, da = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros_like(a)
        back = np.zeros_like(dy[:, 0])
        for t in reversed(range(x.shape[1])):
            ds = dy[:, t] + back
            da += (ds * (acts[t] - states[t])).sum(axis=0)
            drive = ds * a * (1 - acts[t] ** 2)
            dW += x[:, t].T @ drive
            dU += states[t].T @ drive
            dx[:, t] = drive @ W.T
            back = drive @ U.T + ds * (1 - a)
        return dx, dW, dU, da
"""


def arrays():
    return [RNG.normal(size=s) for s in ((2, 5, 3), (3, 4), (4, 4))] + [RNG.uniform(0.2, 0.8, size=4)]


def test_the_loop_is_right_as_it_is():
    page = module(LEAKY)
    assert check(page.forward, page.backward, *arrays()).ok


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U + ds * (1 - a)"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T - ds * (1 - a)"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T + ds * a"),
        ("drive = ds * a * (1 - acts[t] ** 2)", "drive = ds * a * (1 - acts[t])"),
        ("ds = dy[:, t] + back", "ds = dy[:, t]"),
        ("dU += states[t].T @ drive", "dU += states[t - 1].T @ drive"),
    ],
)
def test_the_line_of_a_carried_gradient_is_named_and_mended(old, new):
    page = changed(module(LEAKY), (old, new))
    report = check(page.forward, page.backward, *arrays())
    assert [finding.line.number for finding in report.findings] == [line_of(page, new)], str(report)
    assert report.causes[0].fix, str(report)


def test_a_wrong_sum_is_not_passed_on_to_its_terms():
    """With another d the sum would come out right too. But d is right as what it is: the product with r is missing."""
    page = module("""
        import numpy as np

        def forward(h, W, r):
            c = np.tanh((r * h) @ W)
            return c + h, (h, W, r, c)

        def backward(dy, cache):
            h, W, r, c = cache
            dpre = dy * (1 - c**2)
            d = dpre @ W.T
            dr = d * h
            dh = dy + d
            return dh, (r * h).T @ dpre, dr
    """)
    report = check(page.forward, page.backward, *(RNG.normal(size=s) for s in ((2, 3), (3, 3), (2, 3))))
    assert [finding.line.text for finding in report.findings] == ["dh = dy + d"], str(report)
    assert report.causes[0].fix in ("dh = dy + d * r", "dh = dy + r * d")


GRU = """
    import numpy as np

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def gru_loss(P, inputs, targets):
        x, z, r, g, h, p = {}, {}, {}, {}, {}, {}
        h[-1] = np.zeros((3, 1))
        loss = 0
        for t, (word, target) in enumerate(zip(inputs, targets)):
            x[t] = np.eye(4)[:, [word]]
            z[t] = sigmoid(P["Wz"] @ x[t] + P["Uz"] @ h[t - 1])
            r[t] = sigmoid(P["Wr"] @ x[t] + P["Ur"] @ h[t - 1])
            g[t] = np.tanh(P["Wg"] @ x[t] + P["Ug"] @ (r[t] * h[t - 1]))
            h[t] = z[t] * h[t - 1] + (1 - z[t]) * g[t]
            y = P["Wy"] @ h[t]
            p[t] = np.exp(y) / np.exp(y).sum()
            loss -= np.log(p[t][target, 0])
        G = {k: np.zeros_like(v) for k, v in P.items()}
        back = np.zeros((3, 1))
        for t in reversed(range(len(inputs))):
            e = p[t].copy()
            e[targets[t]] -= 1
            G["Wy"] += e @ h[t].T
            total = P["Wy"].T @ e + back
            ag = total * (1 - z[t]) * (1 - g[t] ** 2)
            reset = P["Ug"].T @ ag
            ar = reset * h[t - 1] * r[t] * (1 - r[t])
            az = total * (h[t - 1] - g[t]) * z[t] * (1 - z[t])
            for key, a, state in (("z", az, h[t - 1]), ("r", ar, h[t - 1]), ("g", ag, r[t] * h[t - 1])):
                G["W" + key] += a @ x[t].T
                G["U" + key] += a @ state.T
            back = total * z[t] + P["Uz"].T @ az + P["Ur"].T @ ar + reset * r[t]
        return loss, G
"""
SHAPES = {"Wz": (3, 4), "Uz": (3, 3), "Wr": (3, 4), "Ur": (3, 3), "Wg": (3, 4), "Ug": (3, 3), "Wy": (4, 3)}


@pytest.mark.parametrize(
    "mistakes",
    [
        [],
        [("ar = reset * h[t - 1] * r[t] * (1 - r[t])", "ar = -reset * h[t - 1] * r[t] * (1 - r[t])")],
        [("az = total * (h[t - 1] - g[t])", "az = total * (h[t - 1] + g[t])"),
         ("ar = reset * h[t - 1]", "ar = reset * h[t]")],
        [("e @ h[t].T", "e @ h[t - 1].T"), ("+ reset * r[t]", "+ reset")],
        [("(1 - z[t]) * (1 - g[t] ** 2)", "(1 - z[t]) / (1 - g[t] ** 2)"), ("@ e + back", "@ e - back")],
    ],
)  # fmt: skip
def test_lines_of_a_network_whose_gradients_have_names_of_their_own(mistakes):
    """No name of a gradient says what it is, the gates share two lines, and both passes are one function."""
    page = changed(module(GRU), *mistakes)
    report = check_loss(page.gru_loss, {k: RNG.normal(size=s) for k, s in SHAPES.items()}, [1, 0, 3], [0, 3, 2])
    lines = sorted(line_of(page, new) for _, new in mistakes)
    assert sorted(finding.line.number for finding in report.findings) == lines, str(report)
    assert all(finding.causes[0].fix for finding in report.findings), str(report)


def test_the_name_of_a_line_decides_between_two_readings():
    """With the derivative by the other product one line of two would be right as well."""
    page = module("""
        import numpy as np

        def forward(x, h, A, B, C, D):
            one, two = np.tanh(x @ A + h @ B), np.tanh(x @ C + h @ D)
            return one * two, (x, h, A, B, C, D, one, two)

        def backward(dy, cache):
            x, h, A, B, C, D, one, two = cache
            d1 = dy * two * (1 - one**2)
            d2 = dy * one * (1 - two**2)
            dA, dB = x.T @ d1, x.T @ d1
            dC, dD = x.T @ d2, h.T @ d2
            return d1 @ A.T + d2 @ C.T, d1 @ B.T + d2 @ D.T, dA, dB, dC, dD
    """)
    report = check(page.forward, page.backward, *(RNG.normal(size=s) for s in ((2, 3), (2, 3), *[(3, 4)] * 4)))
    assert [finding.line.text for finding in report.findings] == ["dA, dB = x.T @ d1, x.T @ d1"], str(report)


def test_numbers_of_a_zip_count_no_rounds():
    assert drawn_by_zip(*loop("for ix, y in zip(inputs, targets): pass")) == {"ix", "y"}
    assert drawn_by_zip(*loop("for t, (ix, y) in enumerate(zip(inputs, targets)): pass")) == {"ix", "y"}
    assert drawn_by_zip(*loop("for t, ix in zip(range(4), inputs): pass")) == {"ix"}
    assert drawn_by_zip(*loop("for t in reversed(range(4)): pass")) == set()


def loop(text):
    node = ast.parse(text).body[0]
    return node.target, node.iter
