"""Definition or fast: what is chosen, with and without numba."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from minireid.layers import elman, gru, gru_projected
from minireid.training import ways
from minireid.training.ways import DEFINITION, fast

ROOT = Path(__file__).parent.parent.parent


def test_the_fast_way_is_the_twins() -> None:
    pytest.importorskip("numba", reason="needs numba: pip install -e .")
    names = {field: getattr(value, "__module__", None) or value.__name__ for field, value in fast()._asdict().items()}
    assert names == {
        "block": "minireid.layers.conv_block_fused",
        "kernel": "minireid.kernels.direct",
        "gru": "minireid.layers.gru_projected",
        "windows": "minireid.data.one_pass",
    }


def test_units_with_a_twin_and_without() -> None:
    assert fast().unit(gru) is gru_projected and fast().unit(elman) is elman
    assert DEFINITION.unit(gru) is gru and DEFINITION.unit(elman) is elman


def test_without_numba_all_works_on_im2col_and_one_line_says_so() -> None:
    program = """
import sys
sys.modules["numba"] = None
import minireid
from minireid.layers import conv_block, gru_projected
from minireid.kernels import im2col
from minireid.networks import msp_src
from minireid.networks.embedding import embed
from minireid.training.ways import fast
import numpy as np
way = fast()
assert way is fast() and (way.block, way.kernel, way.gru) == (conv_block, im2col, gru_projected)
p = msp_src.init(np.random.default_rng(0), height=8, width=8, channels=3)
clips = np.zeros((1, 2, 8, 8, 3), np.float32)
print(embed(msp_src, clips, p, block=way.block, unit=way.gru).shape)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(1, 256)"
    assert len(done.stderr.splitlines()) == 1 and "numba is not installed" in done.stderr


def test_the_definitions_need_no_numba() -> None:
    program = """
import sys
import minireid.training.step, minireid.gradcheck
print([name for name in sys.modules if name.split(".")[0] == "numba"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_definition_names_its_twin() -> None:
    pairs = re.findall(r"^    (minireid/\S+\.py) +(minireid/\S+\.py)", ways.__doc__ or "", re.MULTILINE)
    assert len(pairs) == len(DEFINITION)
    for definition, twin in pairs:
        assert Path(twin).name in (ROOT / definition).read_text(encoding="utf-8"), definition
