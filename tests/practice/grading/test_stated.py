"""What a stub states is tried: versions that are right for easy numbers alone are not called right in silence."""

from pathlib import Path

import pytest

from minireid.layers import attentive_rnn
from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.grading.grade import Grade
from minireid.practice.grading.grader import grade_file
from tests.practice.grading.styles import STYLES

SOFTMAX = """
def forward(x, *, labels):
    shifted = x - x.max(axis=1, keepdims=True)
    y = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    loss = LOSS
    return loss, (y, labels)

def backward(dloss, cache):
    y, labels = cache
    y[np.arange(len(y)), labels] -= 1
    return y * dloss / len(y)
"""
DIFFERENCES = """
def central(f, x, h):
    D = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        x[k] += h
        up = f(x)
        x[k] -= 2 * h
        down = f(x)
        x[k] += h
        D[k] = (up - down) / (2 * h)
    return D

def richardson(f, x, h):
    return (4 * central(f, x.copy(), h) - central(f, x.copy(), 2 * h)) / 3
"""
SIGMOID = """
def tanh_forward(x):
    return np.tanh(x), np.tanh(x)

def tanh_backward(dy, y):
    return dy * (1 - y * y)

def sigmoid_forward(x):
    y = 1 / (1 + np.exp(-x))
    return y, y

def sigmoid_backward(dy, y):
    return dy * y * (1 - y)
"""
EDITS = {
    "kept": ("ds = np.where(kept[:, t, :t], dalpha, 0)", "ds = dalpha"),
    "raw": ('if attention == "softmax":', "if True:"),
}
ROWS = "np.arange(len(x)), labels"


def graded(name: str, source: str, folder: Path, seed: int) -> Grade:
    file = folder / f"{name}.py"
    file.write_text(f"import numpy as np\n{source}")
    return grade_file(file, EXERCISES[name], seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_probability_that_is_rounded_to_zero(seed: int, tmp_path: Path) -> None:
    grade = graded("softmax", SOFTMAX.replace("LOSS", f"-np.log(y[{ROWS}]).mean()"), tmp_path, seed)
    assert "loss is wrong (infinite" in grade.word and grade.rows[1].ok


@pytest.mark.parametrize("seed", range(5))
def test_equal_numbers_in_a_window(seed: int, tmp_path: Path) -> None:
    """The first of them wins; here all do."""
    all_of_them = STYLES["max-pooling, a mask of the first"][1].replace(
        "equal & (np.cumsum(equal, axis=1) == 1)", "equal"
    )
    assert "dx is wrong" in graded("maxpool2d", all_of_them, tmp_path, seed).word


@pytest.mark.parametrize("seed", range(5))
def test_an_argument_that_is_not_put_back_to_the_last_digit(seed: int, tmp_path: Path) -> None:
    grade = graded("finite_differences", DIFFERENCES, tmp_path, seed)
    assert "x is wrong (not as before to the last digit" in grade.word and "richardson is right" in grade.word


def test_a_cache_that_backward_changes_has_a_note(tmp_path: Path) -> None:
    loss = f"(np.log(np.exp(shifted).sum(axis=1)) - shifted[{ROWS}]).mean()"
    grade = graded("softmax", SOFTMAX.replace("LOSS", loss), tmp_path, 0)
    assert grade.ok and [row.note for row in grade.rows if "second call" in row.note]


def test_an_upstream_gradient_that_is_changed_has_a_note(tmp_path: Path) -> None:
    source = "def forward(x, p):\n    return x @ p['W'] + p['b'], (x, p)\n\ndef backward(dy, c):\n    x, p = c\n"
    source += "    rows, dr = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])\n"
    source += "    grads = {'W': rows.T @ dr, 'b': dr.sum(axis=0)}\n    dx = dy @ p['W'].T\n    dy *= 0\n"
    source += "    return dx, grads\n"
    grade = graded("linear", source, tmp_path, 0)
    assert grade.ok and [row.note for row in grade.rows if "upstream gradient in place" in row.note]


@pytest.mark.parametrize("old", ["kept", "raw"])
def test_every_kind_of_input_is_tried(old: str, tmp_path: Path) -> None:
    """A backward of attention that ignores what was kept, or takes raw weights for a softmax."""
    page = Path(attentive_rnn.__file__).read_text("utf-8").partition('"""')[2].partition('"""')[2]
    right, wrong = EDITS[old]
    assert page.count(right) == 1
    for seed in range(5):
        assert not graded("attention", page.replace(right, wrong), tmp_path, seed).ok
        assert graded("attention", page, tmp_path, seed).ok


def test_an_overflow_has_a_note(tmp_path: Path) -> None:
    grade = graded("tanh_sigmoid", SIGMOID, tmp_path, 0)
    assert grade.ok and [row.part for row in grade.rows if "overflow encountered in exp" in row.note] == [
        "sigmoid_forward"
    ]


def test_the_setting_that_is_wrong_is_told(tmp_path: Path) -> None:
    flat = "def forward(x, p):\n    return x @ p['W'] + p['b'], (x, p)\n\n"
    flat += "def backward(dy, c):\n    x, p = c\n    return dy @ p['W'].T, {'W': x.T @ dy, 'b': dy.sum(0)}\n"
    words = [graded("linear", flat, tmp_path, seed) for seed in range(6)]
    said = [row.said for grade in words for row in grade.rows if "right for" in row.said]
    assert said and all("draws, not for an array of the shape (" in one for one in said)
