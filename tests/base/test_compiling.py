"""Compiling says so once, is kept, and works where nothing can be kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minireid.base import compiling
from minireid.cli import main

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy as np
from minireid.layers import conv_block_fused as conv_block
p = conv_block.init(np.random.default_rng(0), 3, 3, 2, 4)
y, cache = conv_block.forward(np.ones((2, 6, 6, 2), np.float32), p, padding=1)
conv_block.backward(y, cache)
"""


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_one_line_the_first_time_and_none_after(tmp_path: Path) -> None:
    first, again = (run(PROGRAM, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.stderr.splitlines() == [
        "minireid: compiling the kernels, once for this machine and dtype (about a minute)"
    ]
    assert again.stderr == ""


def test_without_a_folder_to_keep_it_in_everything_works_with_one_line(monkeypatch, capsys) -> None:
    """numba raises RuntimeError where it finds no folder that it can write to."""
    njit = compiling.numba.njit

    def without_cache(*functions, cache: bool = False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available for file 'x.py'")
        return njit(*functions, **options)

    monkeypatch.setattr(compiling.numba, "njit", without_cache)
    monkeypatch.setattr(compiling, "announcer", compiling.Announcer())
    doubles = [compiling.helper(lambda x: 2 * x), compiling.jit(lambda x: 2 * x)]
    assert [double(np.ones(3))[0] for double in doubles] == [2, 2]
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "NUMBA_CACHE_DIR" in line] == said[:1]


@pytest.mark.parametrize("module", ["minireid", "minireid.networks.msp_src", "minireid.training.loop", "minireid.cli"])
def test_importing_does_not_load_the_compiler(module: str) -> None:
    assert run(f"import sys, {module}; print('numba' in sys.modules)").stdout == "False\n"


OWN_KERNEL = "from minireid.base.compiling import helper\n\n\n@helper\ndef double(x):\n    return 2 * x\n"
USE = "import kernel; print(kernel.double(3.0))"


def test_damaged_files_of_the_cache_are_compiled_again(tmp_path: Path) -> None:
    """Cut off, empty and replaced: the same result, one line; the next start finds whole ones."""
    (tmp_path / "kernel.py").write_text(OWN_KERNEL)
    places = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    assert run(USE, **places).stdout == "6.0\n"
    for ending, damage in (("nbi", b""), ("nbc", b"\x80\x04")):
        for file in tmp_path.glob(f"cache/**/*.{ending}"):
            file.write_bytes(damage)
        found = run(USE, **places)
        assert found.stdout == "6.0\n" and "are damaged: compiling them again" in found.stderr, found.stderr
        assert "Traceback" not in found.stderr
    assert run(USE, **places).stderr == ""


def test_a_full_disk_behind_the_cache_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(OWN_KERNEL)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    full += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    places = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    found = run(full + USE, **places)
    lines = found.stderr.splitlines()
    assert found.stdout == "6.0\n" and len(lines) == 2 and "cannot be kept in" in lines[1], found.stderr


def test_nothing_is_compiled_where_the_environment_says_so() -> None:
    program = "from minireid.cli import main; print(main(['gradcheck', 'conv2d', 'conv_block', '--json']) == 0)"
    found = run(program, NUMBA_DISABLE_JIT="1")
    assert found.stdout.splitlines()[-1] == "True" and "direct" not in found.stdout
    assert found.stderr.splitlines() == [
        "minireid: NUMBA_DISABLE_JIT is set, so the compiled conv2d/direct, conv_block_fused are left out"
    ]


def test_a_wrong_number_of_threads_is_one_line(capsys, monkeypatch) -> None:
    for wrong in ("x", "0", "-1", "", "9" * 5000):
        monkeypatch.setenv("NUMBA_NUM_THREADS", wrong)
        code = main(["recipe"])
        said = capsys.readouterr().err
        assert (code, said.count("\n")) == ((0, 0) if wrong.startswith("9") else (2, 1)), (wrong, said)
