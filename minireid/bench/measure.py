"""How `minireid bench` measures: interleaved runs, paired ratios, and this machine's own peaks."""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from minireid.kernels.compiling import jit
from minireid.kernels.vectors import LANES, REGISTERS, load_row, repeat, slide, store


def interleaved(functions: dict[str, Callable[[], Any]], rounds: int, *, warm_up: int = 2) -> dict[str, np.ndarray]:
    """Seconds (rounds,) of each function, in turns: A B C A B C ... The machine's moods then hit all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(warm_up + rounds):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - began)
    return {name: np.array(measured[warm_up:]) for name, measured in seconds.items()}


def paired_ratio(mine: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Median and quartiles of mine / other, round by round."""
    low, median, high = np.percentile(mine / other, (25, 50, 75))
    return {"median": float(median), "quartile 1": float(low), "quartile 3": float(high)}


def peak(threads: int, *, rounds: int = 9) -> float:
    """The most float32 GFLOP/s that `threads` threads of this machine reach: multiply-adds on numbers in registers."""
    sums, weights, repeats = (0,) * (REGISTERS // 2), (0,) * (REGISTERS // 4), 20_000
    a, out = np.linspace(-1, 1, 1024, dtype=np.float32), np.zeros(threads * len(sums) * LANES, np.float32)
    seconds = interleaved({"peak": lambda: multiply_adds(a, out, threads, repeats, sums, weights)}, rounds)["peak"]
    return 2 * LANES * len(sums) * len(weights) * repeats * threads / float(seconds.min()) / 1e9


@jit
def multiply_adds(a, out, threads, repeats, sums, weights):
    for thread in numba.prange(threads):
        row = repeat(load_row(a, 0, (0,)), sums)
        w = load_row(a, 64, weights)
        for k in range(repeats):
            row = slide(row, w, a, k & 127, 1)
        for q in range(len(row)):  # what is stored has to be computed
            store(row[q], out, (thread * len(row) + q) * LANES)


def bandwidth(*, rounds: int = 9) -> float:
    """GB/s that copying a large array reads and writes."""
    source, target = np.ones(1 << 25, np.float32), np.ones(1 << 25, np.float32)
    seconds = interleaved({"copy": lambda: np.copyto(target, source)}, rounds)["copy"]
    return 2 * source.nbytes / float(seconds.min()) / 1e9


def machine() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
