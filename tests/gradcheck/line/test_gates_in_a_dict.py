"""An LSTM step as students write it: the gradients of all gates in one dict, sums that a loop makes with =."""

import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cases.page_case import cases_of
from minireid.gradcheck.cases.pages import USUAL
from tests.gradcheck.planting import module

LSTM = """
import numpy as np

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def step_forward(x, h_prev, c_prev, p):
    i = sigmoid(x @ p["Wi"] + h_prev @ p["Ui"] + p["bi"])
    f = sigmoid(x @ p["Wf"] + h_prev @ p["Uf"] + p["bf"])
    k = np.tanh(x @ p["Wc"] + h_prev @ p["Uc"] + p["bc"])
    o = sigmoid(x @ p["Wo"] + h_prev @ p["Uo"] + p["bo"])
    c = f * c_prev + i * k
    s = np.tanh(c)
    return o * s, c, (x, h_prev, c_prev, i, f, k, o, c, s, p)

def step_backward(dh, dc, cache):
    x, h_prev, c_prev, i, f, k, o, c, s, p = cache
    do = dh * s
    dc = dc + dh * o * (1 - s**2)
    df = dc * c_prev
    di = dc * k
    dk = dc * i
    dc_prev = dc * f
    da = {"i": di * i * (1 - i), "f": df * f * (1 - f), "c": dk * (1 - k**2), "o": do * o * (1 - o)}
    dx = np.zeros_like(x)
    dh_prev = np.zeros_like(h_prev)
    grads = {}
    for n in "ifco":
        dx = dx + da[n] @ p["W" + n].T
        dh_prev = dh_prev + da[n] @ p["U" + n].T
        grads["W" + n] = x.T @ da[n]
        grads["U" + n] = h_prev.T @ da[n]
        grads["b" + n] = da[n].sum(axis=0)
    return dx, dh_prev, dc_prev, grads
"""
MISTAKES = [
    ("df = dc * c_prev", "df = dc * c", "wrong variable"),
    ("dx = dx + da[n]", "dx = dx - da[n]", "sign"),
    ('da[n] @ p["U" + n].T', 'da[n] @ p["U" + n]', "transposed"),
    ('"c": dk * (1 - k**2)', '"c": dk', "activation left out"),
    ("dk = dc * i", "dk = dc * o", "wrong variable"),
]


def report_on(text: str):
    page = module(text)
    (case,) = cases_of("lstm/step", 0, USUAL)
    return check(page.step_forward, page.step_backward, *case.arrays)


def test_it_is_right() -> None:
    assert report_on(LSTM).ok


@pytest.mark.parametrize(("right", "wrong", "cause"), MISTAKES, ids=[wrong for _, wrong, _ in MISTAKES])
def test_the_wrong_line_is_named_and_no_other(right: str, wrong: str, cause: str) -> None:
    assert LSTM.count(right) == 1
    report = report_on(LSTM.replace(right, wrong))
    (finding,) = report.findings
    mends = (wrong, "dk = dc * i") if wrong == '"c": dk' else (wrong,)  # the factor may be put in at either line
    assert finding.line is not None and any(text in finding.line.text for text in mends), str(report)
    assert cause in str(finding.causes[0].cause), str(report)


def test_the_gates_may_be_taken_out_by_items() -> None:
    """da.i is claimed twice, where it is put in and as an entry: both claims are false together."""
    taken = LSTM.replace('for n in "ifco":', "for n, dan in da.items():").replace("da[n]", "dan")
    report = report_on(taken.replace("dx = dx + dan", "dx = dx - dan"))
    (finding,) = report.findings
    assert finding.line is not None and "dx = dx - dan" in finding.line.text, str(report)
