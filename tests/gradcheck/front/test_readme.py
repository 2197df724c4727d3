"""What the checker's page shows of a file alone, and of the styles of courses, is what comes."""

import re
from pathlib import Path

import numpy as np
import pytest

from minireid.cli import main
from minireid.gradcheck import check, check_loss
from tests.gradcheck.front import test_losses, test_objects

PAGE = (Path(__file__).parents[3] / "minireid" / "gradcheck" / "README.md").read_text(encoding="utf-8")
FILE = """import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1) @ w + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T @ dout
    db = dout.mean(axis=0)
    return dx, dw, db


def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


def relu_forward(x):
    return np.maximum(0, x), x
"""


def test_the_report_on_a_file_alone(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cs231n.py").write_text(FILE)
    shown = re.search(r"^\$ minireid gradcheck cs231n.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown and main(["gradcheck", "cs231n.py"]) == 1
    told = [re.sub(r"agrees to .*", "agrees", text) for text in (capfd.readouterr().out, shown[1])]  # rounding differs
    assert told[0] == told[1]


def test_the_first_words_of_the_page_are_commands_and_functions_that_exist():
    assert "`check_loss(net, X, y)`" in PAGE and "`check(Linear(5, 7), x)`" in PAGE


X, Y = np.random.default_rng(0).normal(size=(3, 5)), np.array([1, 0, 4])
ROWS = {
    "CMU": (lambda: check(test_objects.Linear(5, 7), X), ["A", "self.W", "self.b"]),
    "minitorch": (lambda: check(test_objects.Mul, 1.5, 2.5), ["a", "b"]),
    "CS231n's network": (
        lambda: check_loss(test_losses.Net(), X, Y),
        ["self.params.W1", "self.params.b1", "self.params.W2", "self.params.b2"],
    ),
}


@pytest.mark.parametrize(("run", "names"), ROWS.values(), ids=ROWS)
def test_the_table_of_styles(run, names):
    report = run()
    assert report.ok and [tensor.name for tensor in report.tensors] == names
    assert all(f"`{name}`" in PAGE for name in names[:2])
