"""The fixture, as a person's own test file uses it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minireid.gradcheck.front.fixture import gradients  # noqa: F401 a fixture

X = np.random.default_rng(0).normal(size=(3, 5))
square, square_backward = (lambda x: (x * x, x)), (lambda dy, x: 2 * x * dy)


def test_what_is_right_passes_and_the_report_comes_back(gradients):  # noqa: F811
    assert gradients(square, square_backward, X).ok
    assert gradients.loss(lambda x: ((x * x).sum(), 2 * x), X).ok


def test_what_is_wrong_fails_with_the_report(gradients):  # noqa: F811
    with pytest.raises(AssertionError, match=r"(?s)^wrong gradient\n.*wrong +x "):
        gradients(square, lambda dy, x: 3 * x * dy, X)
    with pytest.raises(AssertionError, match="wrong gradient"):
        gradients.loss(lambda x: ((x * x).sum(), 3 * x), X)


MINE = """
import numpy as np
from minireid.gradcheck.front.fixture import gradients

def forward(x):
    return x * x, x

def backward(dy, x):
    return 3 * x * dy

def test_mine(gradients):
    gradients(forward, backward, np.ones((2, 3)) / 3)
"""


def test_a_file_needs_one_import_and_no_plugin(tmp_path: Path):
    (tmp_path / "test_mine.py").write_text(MINE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and "line 9 in backward" in done.stdout and "fixture.py" not in done.stdout, done.stdout
