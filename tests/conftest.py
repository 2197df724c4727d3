"""What every test may ask for: seeded random numbers, and PyTorch as an independent judge where it is installed."""

import contextlib
import os
import signal
from types import ModuleType
from typing import Any

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
def ctrl_c_is_heard() -> None:
    """Here and in the processes that tests start: what a shell starts in the background would ignore it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Numba's threads cost more than they bring on arrays as small as here: a hundred times more on a busy machine."""
    with contextlib.suppress(ImportError):
        import numba

        numba.set_num_threads(1)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """MINIREID_SKIPPED=FILE: adds the names of skipped tests. With more installed, `pytest @FILE` runs just these."""
    if file := os.environ.get("MINIREID_SKIPPED"):
        names = {report.nodeid: None for report in terminalreporter.stats.get("skipped", [])}
        with open(file, "a", encoding="utf-8") as listed:
            listed.writelines(f"{name}\n" for name in names)
