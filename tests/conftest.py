"""What every test may ask for: seeded random numbers, and PyTorch as an independent judge where it is installed."""

import contextlib
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def judge() -> ModuleType:
    """tests/torch_layers.py: every layer and loss once more, written with PyTorch. Skips where there is no PyTorch."""
    pytest.importorskip("torch", reason="needs PyTorch: pip install -e '.[torch]'")
    from tests import torch_layers

    return torch_layers


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Numba's threads cost more than they bring on arrays as small as here: a hundred times more on a busy machine."""
    with contextlib.suppress(ImportError):
        import numba

        numba.set_num_threads(1)
