"""How `minireid bench` measures: bursts in turns, paired ratios, and the peaks of this machine."""

import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from minireid.base.compiling import jit
from minireid.kernels.vectors import LANES, REGISTERS, load_row, repeat, slide, store

SETTLE, COUNTED = 0.1, 0.15  # seconds of a burst


def burst(function: Callable[[], Any]) -> float:
    """Median seconds of calls one after another. The calls of the first SETTLE seconds do not count.

    Meanwhile the threads of the function measured before fall asleep, and the threads of this one wake up.
    """
    settled = time.perf_counter() + SETTLE
    function()
    while time.perf_counter() < settled:
        function()
    seconds: list[float] = []
    while sum(seconds) < COUNTED or len(seconds) < 3:
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def in_turns(functions: dict[str, Callable[[], float]], rounds: int) -> dict[str, np.ndarray]:
    """{name: seconds (rounds,)} that the functions return, called in turns: A B C A B C ... The first round is dropped.

    A machine may be slower for some seconds. In turns this affects all functions alike, so ratios within a round are
    meaningful.
    """
    measured: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(1 + rounds):
        for name, function in functions.items():
            measured[name].append(function())
    return {name: np.array(seconds[1:]) for name, seconds in measured.items()}


def bursts(functions: dict[str, Callable[[], Any]]) -> dict[str, Callable[[], float]]:
    """For each function, a function that measures it."""
    return {name: partial(burst, function) for name, function in functions.items()}


def paired_ratio(mine: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Median and quartiles of mine / other, round by round."""
    low, median, high = np.percentile(mine / other, (25, 50, 75))
    return {"median": float(median), "quartile 1": float(low), "quartile 3": float(high)}


def peak(threads: int, *, rounds: int = 5) -> float:
    """The most float32 GFLOP/s that `threads` threads of this machine reach: multiply-adds on numbers in registers."""
    sums, weights, repeats = (0,) * (REGISTERS // 2), (0,) * (REGISTERS // 4), 20_000
    a, out = np.linspace(-1, 1, 1024, dtype=np.float32), np.zeros(threads * len(sums) * LANES, np.float32)
    seconds = min(burst(lambda: multiply_adds(a, out, threads, repeats, sums, weights)) for _ in range(rounds))
    return 2 * LANES * len(sums) * len(weights) * repeats * threads / seconds / 1e9


@jit
def multiply_adds(a, out, threads, repeats, sums, weights):
    for thread in numba.prange(threads):
        row = repeat(load_row(a, 0, (0,)), sums)
        w = load_row(a, 64, weights)
        for k in range(repeats):
            row = slide(row, w, a, k & 127, 1)
        for q in range(len(row)):  # the compiler cannot skip what is stored
            store(row[q], out, (thread * len(row) + q) * LANES)


def bandwidth(*, rounds: int = 5) -> float:
    """GB/s that copying a large array reads and writes."""
    source, target = np.ones(1 << 25, np.float32), np.ones(1 << 25, np.float32)
    return 2 * source.nbytes / min(burst(lambda: np.copyto(target, source)) for _ in range(rounds)) / 1e9


def machine() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
