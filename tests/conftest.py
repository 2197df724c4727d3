"""What every test may ask for: seeded random numbers, and PyTorch as an independent judge where it is installed."""

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
    pytest.importorskip("torch", reason="PyTorch judges the layers where it is installed: pip install minireid[torch]")
    from tests import torch_layers

    return torch_layers
