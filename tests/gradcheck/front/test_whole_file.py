"""A file alone: what is found in it, what is drawn for it, and what is said of the rest."""

import inspect
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from minireid.cli import main
from minireid.gradcheck.front.whole_file import check_module
from minireid.gradcheck.report import Report
from tests.gradcheck.front import course
from tests.gradcheck.planting import module

COURSE = inspect.getsource(course)


def found_in(text: str, wishes=None) -> list[Report | str]:
    """The last report on each thing, and the lines on what was not checked."""
    found = {}
    for one in check_module(module(text), text, wishes or {}, 0, lambda found: []):
        found[one if isinstance(one, str) else one.name] = one
    return list(found.values())


def test_everything_in_a_file_of_a_course_is_found_and_right_but_what_is_not():
    found = {r if isinstance(r, str) else r.name: r if isinstance(r, str) else r.ok for r in found_in(COURSE)}
    assert found.pop("alone_forward: there is no alone_backward")
    assert found.pop("linear") is False  # it divides by m: the mean over the examples belongs to the loss
    assert list(found) == [
        "affine", "relu", "conv_naive", "batchnorm", "softmax_loss", "svm_loss", "rnn_step", "rnn", "lstm_step",
        "word_embedding", "temporal_softmax_loss", "dropout", "max_pool_naive", "Linear", "Conv2D", "TwoLayerNet",
    ]  # fmt: skip
    assert all(found.values())


WRONG = {
    "affine": ("db = dout.sum(axis=0)\n    return dx", "db = dout.mean(axis=0)\n    return dx", "b"),
    "softmax_loss": ("return loss, dx / N\n\n\ndef svm", "return loss, dx\n\n\ndef svm", "x"),
    "lstm_step": ("dc = dnext_c + dnext_h", "dc = dnext_h", "x"),
    "Linear": ("self.dW = dy.T @ self.x\n", "self.dW = 2 * dy.T @ self.x\n", "self.W"),
    "TwoLayerNet": ('"W2": h.T @ d,', '"W2": X.T @ d @ d.T @ d,', "self.params.W2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_it_is_found(name):
    old, new, guilty = WRONG[name]
    assert COURSE.count(old) == 1
    text = COURSE.replace(old, new)
    (report,) = [r for r in found_in(text) if isinstance(r, Report) and r.name == name]
    assert not report.ok and guilty in [tensor.name for tensor in report.tensors if not tensor.ok]


FORMS = {
    "forward and backward": "def forward(x):\n    return x * x, x\n\ndef backward(dy, x):\n    return 2 * x * dy\n",
    "fwd and bwd": "def sq_fwd(x):\n    return x * x, x\n\ndef sq_bwd(dy, x):\n    return 2 * x * dy\n",
    "fprop and bprop": "def fprop(x):\n    return x * x, x\n\ndef bprop(dy, x):\n    return 2 * x * dy\n",
    "capitals": "def sqForward(x):\n    return x * x, x\n\ndef sqBackward(dy, x):\n    return 2 * x * dy\n",
    "the word in front": "def forward_sq(x):\n    return x * x, x\n\ndef backward_sq(dy, x):\n    return 2 * x * dy\n",
    "one number": "def forward(x):\n    return float(x) ** 2, x\n\ndef backward(dy, x):\n    return 2 * x * dy\n",
    "a dict of parameters": (
        'def forward(x, p):\n    return x @ p["W"] + p["b"], (x, p)\n\ndef backward(dy, c):\n    x, p = c\n'
        '    return dy @ p["W"].T, {"W": x.T @ dy, "b": dy.sum(0)}\n'
    ),
    "columns": (
        "def forward(A_prev, W, b):\n    return W @ A_prev + b, (A_prev, W)\n\ndef backward(dZ, c):\n    A, W = c\n"
        "    return W.T @ dZ, dZ @ A.T, dZ.sum(1, keepdims=True)\n"
    ),
    "a default": "def forward(x, by=3.0):\n    return by * x, by\n\ndef backward(dy, by):\n    return by * dy\n",
    "a known setting": "def forward(x, *, stride):\n    return stride * x, stride\n\n"
    "def backward(dy, s):\n    return s * dy\n",
    "shapes in the file": (
        'shapes = {"x": (2, 9), "k": "=4"}\n\ndef forward(x, *, k):\n    assert x.shape == (2, 9) and k == 4\n'
        "    return k * x, k\n\ndef backward(dy, k):\n    return k * dy\n"
    ),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms_and_names(text):
    (report,) = found_in(text)
    assert isinstance(report, Report) and report.ok, str(report)
    assert report.notes[0].startswith("checked with ")


SAID = {
    "half": ("def a_forward(x):\n    return x, x\n", "a_forward: there is no a_backward"),
    "the other half": ("def a_backward(dy, x):\n    return dy\n", "a_backward: there is no a_forward"),
    "a keyword": (
        "def forward(x, *, magic):\n    return x, x\n\ndef backward(dy, x):\n    return dy\n",
        "forward, backward: no value is known for magic: say it with --shapes magic=VALUE",
    ),
    "no shapes": (
        "def forward(x):\n    assert x.shape == (13, 17)\n    return x, x\n\ndef backward(dy, x):\n    return dy\n",
        "forward, backward: no shapes were found with which it runs; with the usual ones, AssertionError",
    ),
    "a class": (
        "class A:\n    def __init__(self, q):\n        raise ValueError('no')\n    def forward(self, x): return x\n"
        "    def backward(self, dy): return dy\n",
        "A: A(5,) raises ValueError: no",
    ),
    "a loss alone": (
        "def my_loss(x, y):\n    return (x * x).sum()\n",
        "my_loss: check_loss needs a function that returns",
    ),
}


@pytest.mark.parametrize(("text", "says"), SAID.values(), ids=SAID)
def test_what_could_not_be_checked_is_one_line(text, says):
    (line,) = found_in(text)
    assert isinstance(line, str) and line.startswith(says) and "\n" not in line


def test_what_is_not_written_yet_is_said():
    text = "def forward(x):\n    raise NotImplementedError\n\ndef backward(dy, x):\n    return dy\n"
    (report,) = found_in(text)
    assert not report.ok and "not written yet" in report.faults[0] and "line 2" in report.faults[0]
    text = "def forward(x):\n    return x, x\n\ndef backward(dy, x):\n    raise NotImplementedError\n"
    (report,) = found_in(text)
    assert not report.ok and "not written yet" in report.faults[0]


def test_what_is_drawn_is_not_the_upstream_gradient():
    """A backward that forgets / r is right wherever dy = x; with the same seed for both it would pass."""
    text = (
        "import numpy as np\n\ndef forward(x):\n    r = np.sqrt((x * x).sum(axis=1, keepdims=True))\n"
        "    return x / r, (x / r, r)\n\ndef backward(dy, c):\n    y, r = c\n"
        "    return dy - y * (dy * y).sum(axis=1, keepdims=True)\n"
    )
    (report,) = found_in(text)
    assert not report.ok


# The command.

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.py"


def run(mine: Path, text: str, capsys: Capture, *options: str) -> tuple[int, str, str]:
    mine.write_text(text, encoding="utf-8")
    code = main(["gradcheck", str(mine), *options])
    said = capsys.readouterr()
    return code, said.out, said.err


AFFINE = COURSE.partition("def relu_forward")[0]
LINE = f"line {AFFINE[: AFFINE.index('db = dout')].count(chr(10)) + 1}"
BROKEN = AFFINE.replace("db = dout.sum(axis=0)", "db = 3 * dout.sum(axis=0)")


def test_a_file_alone_right_and_wrong(mine, capsys):
    code, out, err = run(mine, AFFINE, capsys)
    assert (code, err) == (0, "") and out.startswith("affine  right") and "1 checked, 0 wrong, 0 not checked" in out
    code, out, err = run(mine, BROKEN + "\ndef other_forward(x):\n    return x, x\n", capsys)
    assert code == 1 and "affine  WRONG" in out and f"{LINE} in affine_backward" in out
    assert "not checked   other_forward: there is no other_backward\n1 checked, 1 wrong, 1 not checked" in out


SOFTMAX = """
import numpy as np

def forward(x, *, labels):
    e = np.exp(x)
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(x)), labels]).mean(), (p, labels)

def backward(d, c):
    p, labels = c
    return d * (p - np.eye(p.shape[1])[labels])
"""
POOL = """
import numpy as np

def forward(x, *, window=(2, 2), stride=2):
    (h, w), (N, H, W, C) = window, x.shape
    y = np.zeros((N, 1 + (H - h) // stride, 1 + (W - w) // stride, C))
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            y[:, i, j] = x[:, i * stride:i * stride + h, j * stride:j * stride + w].max(axis=(1, 2))
    return y, (x, y, window, stride)

def backward(dy, c):
    x, y, (h, w), s = c
    dx = np.zeros_like(x)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            part = (slice(None), slice(i * s, i * s + h), slice(j * s, j * s + w))
            here = x[part] == y[:, i, j][:, None, None]
            dx[part] = np.where(here, dy[:, i, j][:, None, None], dx[part])
    return dx
"""
LIKE_A_PAGE = {"labels by keyword": (SOFTMAX, "x (5, 7)"), "windows that overlap": (POOL, "stride = 1")}


@pytest.mark.parametrize(("text", "says"), LIKE_A_PAGE.values(), ids=LIKE_A_PAGE)
def test_the_arrays_of_a_page_are_taken_where_all_names_are_its_own(text, says, mine, capsys):
    code, out, err = run(mine, text, capsys, "--hints", "1")
    assert (code, err) == (1, "") and "forward  WRONG" in out and says in out


def test_the_shapes_that_are_told_are_used(mine, capsys):
    code, out, _ = run(mine, AFFINE, capsys, "--shapes", "x:2,3,2 w:6,4 b:4")
    assert code == 0 and "checked with x (2, 3, 2), w (6, 4), b (4,)" in out
    code, _, err = run(mine, AFFINE, capsys, "--shapes", "x:2,3 w:6,4 b:4")
    assert code == 2 and "no shapes were found with which it runs" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("hints", "has", "lacks"),
    [
        (0, ["WRONG"], ["wrong   b", LINE, "probably", "comes out right"]),
        (1, ["wrong   b"], [LINE, "probably", "comes out right"]),
        (2, ["wrong   b", LINE], ["probably", "comes out right"]),
        (3, ["wrong   b", LINE, "probably"], ["comes out right"]),
        (4, ["wrong   b", LINE, "probably", "comes out right"], []),
    ],
)
def test_as_much_is_told_as_was_asked_for(hints, has, lacks, mine, capsys):
    _, out, _ = run(mine, BROKEN, capsys, "--hints", str(hints))
    assert all(word in out for word in has) and not any(word in out for word in lacks)


def test_data_and_xml(mine, capsys):
    code, out, _ = run(
        mine, BROKEN + "\ndef other_forward(x):\n    return x, x\n", capsys, "--json", "--junit", "o.xml"
    )
    found = json.loads(out)
    assert code == 1 and found.keys() == {"ok", "file", "like", "checks", "unchecked"} and found["like"] is None
    suite = ET.parse("o.xml").getroot()
    assert suite.attrib["tests"] == "2" and suite.attrib["failures"] == "1" and suite.attrib["skipped"] == "1"
    wrong, skipped = suite.findall("testcase")
    failure = wrong.find("failure")
    assert failure is not None and LINE in failure.attrib["message"] and "affine  WRONG" in (failure.text or "")
    assert skipped.attrib["name"] == "other_forward" and skipped.find("skipped") is not None


def test_the_worst_of_all_wrong_tensors_is_drawn(mine, capsys):
    code, _, _ = run(mine, BROKEN, capsys, "--plot", "worst.png")
    assert code == 1 and (mine.parent / "worst.png").stat().st_size > 1000


def test_a_file_without_anything_to_check(mine, capsys):
    code, out, err = run(mine, "x = 1\n", capsys)
    assert code == 2 and out == "" and "mine.py has nothing to check; expected NAME_forward" in err
    code, out, err = run(mine, "def a_forward(x):\n    return x, x\n", capsys)
    assert code == 2 and "nothing could be checked: a_forward: there is no a_backward" in err


def test_signs_that_a_terminal_cannot_show_do_no_harm(mine, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    text = BROKEN.replace("db = 3 * dout.sum(axis=0)", "db = 3 * dout.sum(axis=0)  # 错误 größe")
    code, out, err = run(mine, text, capsys)
    assert code == 1 and err == "" and "错误 größe" in out


SLOW = """
import time
def sq_forward(x):
    return x * x, x

def sq_backward(dy, x):
    return 3 * x * dy

def late_forward(x):
    return x + 1, x

def late_backward(dy, x):
    while True:
        time.sleep(0.01)
"""


def test_past_the_time_what_is_known_is_reported(mine, capsys):
    code, out, err = run(mine, SLOW, capsys, "--time-limit", "9")
    assert code == 1 and err == "" and "sq  WRONG" in out and "the time was over after 9 seconds" in out
    code, out, err = run(mine, SLOW.replace("3 * x", "2 * x"), capsys, "--time-limit", "5")
    assert code == 2 and "sq  right" in out and "the time was over after 5 seconds" in out
