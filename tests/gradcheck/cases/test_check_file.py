"""Somebody's own file: what is right, what is wrong and where, and whatever else a file can do to a command."""

import inspect
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from minireid.base.errors import InputError
from minireid.cli import main
from minireid.gradcheck.cases import check_file as student
from minireid.gradcheck.cases import like as process
from minireid.gradcheck.cases.pages import Sizes
from minireid.layers import conv2d, elman, gru, lstm, tanh
from minireid.losses import softmax

Capture = pytest.CaptureFixture[str]
GRU = inspect.getsource(gru)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the file, and nowhere else to write to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "mine.py"


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def run(mine: Path, text: str, like: str, capsys: Capture, *options: str) -> tuple[int, str, str]:
    mine.write_text(text)
    code = main(["gradcheck", str(mine), "--like", like, *options])
    said = capsys.readouterr()
    return code, said.out, said.err


def data(mine: Path, text: str, like: str) -> list[dict[str, Any]]:
    """What the JSON of every check says, without a process of its own."""
    mine.write_text(text)
    return [report.to_json() for report in process.reports_on(mine, like, 0)]


# A file is code, and code can do anything: one line each, and exit 2.

BROKEN = {
    "a syntax error": ("import numpy\ndef forward(x:\n    pass\n", "line 2: '(' was never closed"),
    "a crash at import": (
        "import numpy\nx = 1 / 0\n",
        "cannot be imported: ZeroDivisionError: division by zero at line 2: x = 1 / 0",
    ),
    "a module that is not there": (
        "import no_such_module\n",
        "ModuleNotFoundError: No module named 'no_such_module' at line 1",
    ),
    "sys.exit at import": ("import sys\nsys.exit(0)\n", "cannot be imported: SystemExit: 0 at line 2: sys.exit(0)"),
    "no functions": ("x = 1\n", "has no functions to check; for --like tanh it needs forward and backward"),
    "half of them": ("def forward(x):\n    return x, x\n", "has no functions to check"),
    "functions that are none": ("forward = 1\nbackward = 2\n", "has no functions to check"),
    "not UTF-8": ("x = '\xff'\n", "mine.py"),
    "a null byte": ("x = 1\0\n", "mine.py"),
}


@pytest.mark.parametrize(("text", "says"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_run_is_one_line(text, says, mine):
    mine.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as fault:
        process.reports_on(mine, "tanh", 0)
    assert says in str(fault.value) and "\n" not in str(fault.value)


DEADLY = {
    "a syntax error": BROKEN["a syntax error"],
    "sys.exit at import": BROKEN["sys.exit at import"],
    "os.abort at import": ("import os\nos.abort()\n", "aborted the interpreter (os.abort?) at line 2: os.abort()"),
    "os._exit at import": ("import os\nos._exit(0)\n", "ended the check itself, with exit code 0 (os._exit?)"),
    "a null pointer": (
        "import ctypes\nctypes.string_at(0)\n",
        "crashed the interpreter (segmentation fault) at line 2: ctypes.string_at",
    ),
}


@pytest.mark.parametrize(("text", "says"), DEADLY.values(), ids=DEADLY)
def test_a_file_that_cannot_be_run_does_not_take_the_command_with_it(text, says, mine, capsys):
    code, out, err = run(mine, text, "tanh", capsys)
    assert code == 2 and out == "" and err.startswith("minireid: error: ") and err.count("\n") == 1
    assert says in err and "Traceback" not in err


INSIDE = {
    "sys.exit": (
        "import sys\n    sys.exit(3)",
        "ends the check itself: SystemExit: 3 at line 3: sys.exit(3); take that",
    ),
    "os.abort": ("import os\n    os.abort()", "aborted the interpreter (os.abort?) at line 3: os.abort()"),
    "a signal": ("import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)", "(segmentation fault) at line 3"),
}


@pytest.mark.parametrize(("body", "says"), INSIDE.values(), ids=INSIDE)
def test_a_function_that_ends_the_process_is_one_line_and_exit_2(body, says, mine, capsys):
    code, out, err = run(mine, f"def forward(x):\n    {body}\n\ndef backward(dy, y):\n    return dy\n", "tanh", capsys)
    assert code == 2 and out == "" and err.startswith("minireid: error: ") and err.count("\n") == 1, err
    assert says in err, err


LOUD = """
import os, sys
import numpy as np
sys.stdout.buffer.write(b"\\xff\\xfe no text")
os.write(1, b"\\xff" * 10**6)
os.write(2, b"\\xff" * 10**6)
print("x" * 10**8)

def forward(x):
    try:
        input("what? ")
    except EOFError:
        pass
    return np.tanh(x), x

def backward(dy, x):
    return dy * (1 - np.tanh(x)**2)
"""


def test_a_file_that_prints_and_asks_is_judged_all_the_same(mine, capsys):
    code, out, err = run(mine, LOUD.replace("\\\\", "\\"), "tanh", capsys)
    assert (code, err) == (0, "") and "right" in out and len(out) < 1000


def test_a_file_of_another_name(mine, capsys):
    other = mine.with_suffix("")
    other.write_text(inspect.getsource(tanh))
    assert main(["gradcheck", str(other), "--like", "tanh"]) == 0
    capsys.readouterr()
    assert main(["gradcheck", str(other)]) == 2
    assert "expected a file whose name ends in .py" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_a_loop_without_an_end_is_stopped(where, mine, capsys):
    text = inspect.getsource(tanh)
    text = changed(text, ("    y = np.tanh(x)" if where == "forward" else "    y = cache\n", "    while True: pass\n"))
    start = time.monotonic()
    code, out, err = run(mine, text, "tanh", capsys, "--time-limit", "0.7")
    assert time.monotonic() - start < 5
    assert (
        code == 2
        and out == ""
        and err == f"minireid: error: {mine}: not finished after 0.7 seconds; is there an endless loop?\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.py", "--like", "gru"], "there is no file nowhere.py"),
        (["mine.py", "--like", "lsmt"], "there is nothing called lsmt to compare with; did you mean lstm"),
        (["mine.py", "--like", "gru", "--shapes", "x:3,5"], "expected --like or --shapes, not both"),
        (["mine.py", "--shapes", "x=3,(5"], "expected a Python value after ="),
        (["mine.py", "--shapes", "x:3,five"], "expected NAME:SIZES or NAME=VALUE"),
        (["gru", "--shapes", "x:3,5"], "expected a file for --plot and --shapes"),
        (["--like", "gru"], "expected one file"),
        (["mine.py", "mine.py", "--like", "gru"], "expected one file"),
        (["mine.py", "--like", "gru", "--plot", "picture.gif"], "end in .png"),
        (["--plot", "picture.png"], "expected a file for --plot and --shapes"),
        (["gru", "--junit", "out.txt"], "expected --junit to end in .xml"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(words, says, mine, capsys):
    mine.write_text(GRU)
    assert main(["gradcheck", *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and says in said.err and said.err.count("\n") == 1


# What is right.


def test_our_own_page_is_right_and_exit_0_whatever_it_prints(mine, capsys):
    text = (
        changed(inspect.getsource(tanh), ("    y = cache\n", "    y = cache\n    print('noise')\n"))
        + "print('hello')\nimport sys\nprint('more', file=sys.stderr)\n"
    )
    code, out, err = run(mine, text, "tanh", capsys)
    assert code == 0 and err == "" and out.startswith("tanh  right") and "noise" not in out and "hello" not in out


PAGES = process.pages()


@pytest.mark.parametrize("like", PAGES)
def test_every_page_of_ours_passes_its_own_check(like, mine):
    """None of ours is accused, and every page can be named."""
    import minireid.layers as layers
    import minireid.losses as losses

    folder = next(
        Path(package.__file__).parent
        for package in (layers, losses)
        if (Path(package.__file__).parent / f"{like}.py").is_file()
    )
    reports = process.reports_on(folder / f"{like}.py", like, 0)
    assert reports and all(report.ok for report in reports), str(reports[0])
    assert all(report.name.partition("/")[0] == like for report in reports)


def test_functions_may_carry_the_name_of_the_page(mine):
    text = (
        inspect.getsource(tanh).replace("def forward", "def tanh_forward").replace("def backward", "def tanh_backward")
    )
    assert [check["ok"] for check in data(mine, text, "tanh")] == [True]


def test_one_part_of_a_page_may_be_asked_for(mine):
    assert [check["name"] for check in data(mine, GRU, "gru/step")] == ["gru/step"]
    assert [check["name"] for check in data(mine, GRU, "gru")] == ["gru/step", "gru"]


def test_the_file_may_import_what_stands_beside_it(mine):
    (mine.parent / "beside_it.py").write_text("import numpy as np\n\ndef squash(x):\n    return np.tanh(x)\n")
    text = changed(
        inspect.getsource(tanh), ("import numpy as np\n", "from beside_it import squash\n"), ("np.tanh(x)", "squash(x)")
    )
    assert [check["ok"] for check in data(mine, text, "tanh")] == [True]


def test_a_wrong_backward_is_exit_1_with_its_line_and_cause_as_data(mine, capsys):
    text = changed(GRU, ("dr = dq * h_prev", "dr = dq * z"))
    code, out, err = run(mine, text, "gru", capsys, "--json")
    found = json.loads(out)
    assert code == 1 and err == "" and found.keys() == {"ok", "file", "like", "checks"}
    assert found["ok"] is False and found["like"] == "gru"
    (check,) = found["checks"]  # after the first that is wrong, no more
    assert {"name", "ok", "forward", "line", "causes", "tensors", "faults"} <= check.keys()
    assert check["name"] == "gru/step" and check["ok"] is False and check["forward"] == "" and check["faults"] == []
    number = text.splitlines().index(next(line for line in text.splitlines() if "dr = dq * z" in line)) + 1
    assert check["line"]["function"] == "step_backward" and check["line"]["number"] == number
    assert check["line"]["text"].startswith("dr = dq * z") and check["line"]["variable"] == "dr"
    assert 1 <= len(check["causes"]) <= 3 and all({"cause", "text"} <= cause.keys() for cause in check["causes"])
    assert {t["name"] for t in check["tensors"] if not t["ok"]} >= {"h_prev", "p.Wr"}


def test_the_picture_is_written_where_something_is_wrong(mine, capsys):
    text = changed(inspect.getsource(tanh), ("dy * (1 - y * y)", "dy * (1 + y * y)"))
    code, out, _ = run(mine, text, "tanh", capsys, "--plot", "wrong.png")
    assert code == 1 and "probably sign" in out
    with Image.open(mine.parent / "wrong.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 200


def test_the_file_is_left_alone(mine, capsys):
    text = changed(inspect.getsource(tanh), ("dy * (1 - y * y)", "dy * (1 + y * y)"))
    run(mine, text, "tanh", capsys)
    assert mine.read_text() == text
    assert {file.name for file in mine.parent.iterdir()} <= {"mine.py", "__pycache__"}


# What is not written, or not as it should be.


@pytest.mark.parametrize("name", ["random.py", "numpy.py"])
def test_a_file_may_have_any_name(name, mine, capsys):
    text = changed(
        inspect.getsource(tanh),
        ("def backward", "import dataclasses, tempfile  # they import random\n\n\ndef backward"),
    )
    code, out, err = run(
        mine.parent / name,
        text if name != "numpy.py" else text.replace("import numpy as np\n", "from minireid.layers.tanh import np\n"),
        "tanh",
        capsys,
    )
    assert (code, err) == (0, "") and "right" in out


@pytest.mark.parametrize("function", ["forward", "backward"])
def test_what_is_not_written_yet_is_said_with_its_line_and_exit_1(function, mine, capsys):
    old = (
        "    y = np.tanh(x)  # F1\n    return y, y"
        if function == "forward"
        else "    y = cache\n    return dy * (1 - y * y)"
    )
    text = changed(inspect.getsource(tanh), (old, '    raise NotImplementedError("your turn")'))
    code, out, err = run(mine, text, "tanh", capsys)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "NotImplementedError" in line)
    assert code == 1 and err == "" and "WRONG" in out and "Traceback" not in out
    assert "not written yet" in out and f"line {number}" in out


def test_what_a_function_raises_is_its_authors_error_with_its_line(mine):
    (check,) = data(mine, changed(inspect.getsource(tanh), ("np.tanh(x)", "np.tanhh(x)")), "tanh")
    assert check["ok"] is False and "AttributeError" in check["faults"][0] and "np.tanhh(x)" in check["faults"][0]
    assert check["line"]["function"] == "forward" and "np.tanhh" in check["line"]["text"]


def test_a_keyword_that_is_needed_is_named_with_the_signature(mine, capsys):
    text = changed(inspect.getsource(softmax), ("def forward(x, *, labels):", "def forward(x):"))
    code, _, err = run(mine, text, "softmax", capsys)
    assert code == 2 and "softmax: forward takes no argument labels; expected (x, *, labels)" in err


def test_a_keyword_that_is_not_needed_is_left_out_and_it_is_said(mine):
    plain = (
        "import numpy as np\n\ndef forward(h):\n    return h.mean(axis=1), h.shape\n\n"
        "def backward(dy, shape):\n    return np.broadcast_to(dy[:, None] / shape[1], shape) * 1.0\n"
    )
    (check,) = data(mine, plain, "temporal_mean")
    assert check["ok"] and "forward takes no argument lengths: checked without it" in check["notes"]


def test_of_the_convolution_no_kernel_is_asked_for(mine):
    assert [c.name for c in process.cases_of("conv2d", 0, Sizes())] == ["conv2d/im2col"]
    reports = process.reports_on(Path(conv2d.__file__), "conv2d", 0)
    assert [report.ok for report in reports] == [True]


# A forward that is another function.


def test_the_other_gru_variants_are_recognised_by_name(mine):
    after = changed(
        GRU,
        (
            'q = r * h_prev  # F3 (N, S)\n    ac = x @ p["Wc"] + q @ p["Uc"] + p["bc"]',
            'q = h_prev @ p["Uc"]\n    ac = x @ p["Wc"] + r * q + p["bc"]',
        ),
    )
    swapped = changed(GRU, ("h = (1 - z) * h_prev + z * c", "h = z * h_prev + (1 - z) * c"))
    for text, says in ((after, "reset gate after the product"), (swapped, "z and 1 - z swapped")):
        (check,) = data(mine, text, "gru")
        assert check["ok"] is False and says in check["forward"] and check["causes"][0]["cause"] == "forward differs"


def test_a_variant_whose_backward_is_its_own_is_told_that_it_is(mine):
    text = changed(
        GRU,
        ("h = (1 - z) * h_prev + z * c", "h = z * h_prev + (1 - z) * c"),
        ("dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)"),
        ("dc = dh * z", "dc = dh * (1 - z)"),
        ("dh_prev = dh * (1 - z)", "dh_prev = dh * z"),
    )
    (check,) = data(mine, text, "gru/step")
    assert check["ok"] is False and "the backward is right for this forward" in check["notes"]
    assert all(tensor["ok"] for tensor in check["tensors"])


def test_a_wrong_forward_is_told_with_its_line(mine):
    text = changed(inspect.getsource(elman), ('+ h_prev @ p["U"] + p["b"]', '- h_prev @ p["U"] + p["b"]'))
    (check,) = data(mine, text, "elman/step")
    assert "the forward differs from the reference" in check["forward"]
    assert "ah = x" in check["line"]["text"] and check["causes"][0]["cause"] == "sign"


def test_a_forward_of_another_shape_is_told(mine):
    (check,) = data(mine, changed(inspect.getsource(tanh), ("    return y, y", "    return y.T, y")), "tanh")
    assert "forward's y has the shape (5, 3); expected (3, 5)" in check["forward"]


def test_the_seed_decides_the_numbers(mine):
    mine.write_text(changed(inspect.getsource(tanh), ("dy * (1 - y * y)", "dy * (1 + y * y)")))
    one, two, other = (process.reports_on(mine, "tanh", seed)[0].to_json() for seed in (3, 3, 4))
    assert one == two and one["tensors"] != other["tensors"]


def test_input_errors_are_raised_as_such(mine):
    with pytest.raises(InputError, match="there is no file"):
        student.check_file(mine, "gru")
    with pytest.raises(InputError, match="nothing called nothing"):
        mine.write_text("")
        student.check_file(mine, "nothing")


# Other forms than the page's.

FLAT = """
def forward(x, p):
    N, D = x.shape
    return x @ p["W"] + p["b"], (x, p)

def backward(dy, cache):
    x, p = cache
    return dy @ p["W"].T, {"W": x.T @ dy, "b": dy.sum(axis=0)}
"""


def test_a_right_layer_for_two_axes_is_not_called_wrong(mine):
    (check,) = data(mine, FLAT, "linear")
    assert check["ok"] and "forward takes x of two axes only: checked with x (3, 7)" in check["notes"]
    (check,) = data(mine, changed(FLAT, ("dy.sum(axis=0)", "dy.mean(axis=0)")), "linear")
    assert not check["ok"] and check["line"]["number"] == 8
    (check,) = data(mine, changed(FLAT, ('+ p["b"]', '- p["b"]')), "linear")
    assert not check["ok"]  # another function stays another function


OWN_STEP = (
    ("def step_forward(x, h_prev, p):", "def step_forward(x, state, p):\n    (h_prev,) = state"),
    ("h_t, step = step_forward(x[:, t], h_t, p)", "h_t, step = step_forward(x[:, t], (h_t,), p)"),
)


def test_a_step_of_another_form_is_its_authors_own(mine):
    text = changed(GRU, *OWN_STEP)
    (check,) = data(mine, text, "gru")
    assert (
        check["ok"] and check["name"] == "gru" and "step_forward has another form than that of gru" in check["notes"][0]
    )
    wrong = changed(text, ("dr = dq * h_prev", "dr = dq * z"))
    (check,) = data(mine, wrong, "gru")
    assert not check["ok"] and check["name"] == "gru" and check["line"]["text"].startswith("dr = dq * z")


def test_a_step_with_two_results_is_checked_with_the_page(mine):
    text = inspect.getsource(lstm)
    assert [check["name"] for check in data(mine, text, "lstm")] == ["lstm/step", "lstm"]
    (check,) = data(mine, changed(text, ("dc_prev = dc * f  # F4", "dc_prev = dc * i  # F4")), "lstm")
    assert check["name"] == "lstm/step" and check["line"]["text"].startswith("dc_prev = dc * i")


def test_a_step_alone_of_another_form_is_one_line(mine):
    with pytest.raises(InputError, match=r"step_forward takes \(x, w\), the page gru/step \(x, h_prev, p\)"):
        data(mine, "def step_forward(x, w):\n    return x, x\n\ndef step_backward(dy, x):\n    return dy\n", "gru")


def test_an_initial_state_may_be_given(mine):
    text = changed(
        inspect.getsource(elman),
        ("def forward(x, p):", "def forward(x, p, h0=None):"),
        ("    return dx, grads\n", "    return dx, grads, dh_next\n"),
    )
    assert [check["ok"] for check in data(mine, text, "elman")] == [True, True]


def test_the_report_in_a_notebook_says_how_to_see_the_file_run(mine: Path) -> None:
    """Only where that command works: with the functions of the page itself, which run to their end."""
    wrong = changed(GRU, ("dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)"))
    steps = wrong.partition("def forward(")[0]
    ends = changed(wrong, ("    N, T, _ = x.shape", "    raise ValueError"))
    back = changed(wrong, ("    dx = np.empty((*dh", "    raise ValueError\n    dx = np.empty((*dh"))
    for text, told in ((wrong, True), (steps, False), (ends, False), (back, False), (GRU, False)):
        mine.write_text(text)
        report = process.reports_on(mine, "gru/step", 0)[-1]
        assert (f"minireid read {mine} --like gru" in report.to_html()) is told
