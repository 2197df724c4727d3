"""Compiling says so once, is kept, and works where nothing can be kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minireid.base import compiling

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
