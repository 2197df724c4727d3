"""With NumPy alone the checker works: what else minireid needs is hidden in these processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HIDDEN = ("numba", "llvmlite", "matplotlib", "PIL", "tqdm", "threadpoolctl", "scipy", "distributed", "pytest")
BLOCK = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HIDDEN}:
            raise ModuleNotFoundError(name + " is hidden", name=name)  # as where it is not installed

sys.meta_path.insert(0, Hidden())
"""
WRONG = """
import numpy as np

def forward(x):
    y = np.tanh(x)
    return y, y

def backward(dy, y):
    return dy * (1 + y * y)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    (tmp_path / "mine.py").write_text(WRONG)
    return tmp_path


def run(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *words], cwd=place, capture_output=True, text=True, timeout=300, env=environment
    )


def test_the_packages_are_hidden(place):
    assert "numba is hidden" in run(place, "-c", "import numba").stderr


COMMANDS = {
    "--like": (["gradcheck", "mine.py", "--like", "tanh"], 1, "probably sign"),
    "a file alone": (["gradcheck", "mine.py"], 1, "probably sign"),
    "a page": (["gradcheck", "gru"], 0, "all right"),
    "a convolution": (["gradcheck", "conv2d/im2col"], 0, "all right"),
    "a network": (["gradcheck", "msp_src_low"], 0, "all right"),
    "names": (["gradcheck", "--names"], 0, "gru/step"),
    "the zoo": (["zoo"], 0, "117"),
    "a bug": (["zoo", "show", "3"], 0, "def "),
    "a hint": (["zoo", "hint", "3"], 0, ""),
    "its solution": (["zoo", "solve", "3"], 0, ""),
    "its file": (["zoo", "show", "3", "--out", "bug.py"], 0, "bug.py"),
    "paper": (["paper", "contrastive", "--seed", "3", "--solve"], 0, ""),
    "help": (["--help"], 0, "gradcheck"),
}


@pytest.mark.parametrize(("words", "code", "says"), COMMANDS.values(), ids=COMMANDS)
def test_commands_need_numpy_alone(words, code, says, place):
    done = run(place, "-m", "minireid", *words)
    assert done.returncode == code and says in done.stdout and "Traceback" not in done.stderr, done.stderr


def test_a_picture_without_matplotlib_is_one_line(place):
    done = run(place, "-m", "minireid", "gradcheck", "mine.py", "--plot", "p.png")
    assert done.returncode == 2 and "matplotlib" in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("words", [["trace"], ["train", "prepared", "--out", "run"]], ids=["trace", "train"])
def test_a_command_that_needs_more_says_so_in_one_line(words, place):
    done = run(place, "-m", "minireid", *words)
    assert done.returncode == 2 and "pip install" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_from_python_with_a_report_in_text_and_html(place):
    program = (
        "import sys, numpy as np, mine\nfrom minireid.gradcheck import check\n"
        "report = check(mine.forward, mine.backward, np.ones((2, 3)) / 3)\n"
        "print(report, len(report.to_html()) > 1000, report.to_json()['ok'])\n"
    )
    done = run(place, "-c", program)
    assert "line 9 in backward" in done.stdout and done.stdout.rstrip().endswith("True False"), done.stderr


def test_the_import_loads_numpy_and_the_standard_library_alone():
    program = (
        "import sys\nimport minireid.gradcheck\nfirst = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(n for n in first - set(sys.stdlib_module_names) if not n.startswith('_')))"
    )
    found = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=60,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *site()])})  # fmt: skip
    assert found.stdout.replace("'cython_runtime', ", "").strip() == "['minireid', 'numpy']", (
        found.stdout + found.stderr
    )


def site() -> list[str]:
    import numpy

    return [str(Path(numpy.__file__).parents[1])]
