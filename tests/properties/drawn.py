"""What the property tests share: bounded, repeatable draws of Hypothesis, and random arrays of a drawn seed."""

from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

bounded = settings(deadline=None, derandomize=True, max_examples=15, database=None)
generators = st.integers(0, 10**6).map(np.random.default_rng)


class Convolution(NamedTuple):
    """x (N, H, W, C), W (KH, KW, C, O), and what every way of the convolution takes besides."""

    x: np.ndarray
    W: np.ndarray
    how: dict[str, int]


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """Every size from 1 to 4, maps up to 7, strides and padding up to 3; the kernel fits into the padded map."""
    N, C, O, KH, KW = (draw(st.integers(1, 4)) for _ in range(5))
    s, p = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    H, W = (draw(st.integers(max(1, K - 2 * p), 7)) for K in (KH, KW))
    rng = draw(generators)
    return Convolution(rng.normal(size=(N, H, W, C)), rng.normal(size=(KH, KW, C, O)), {"stride": s, "padding": p})


@st.composite
def blocks(draw: st.DrawFn) -> Convolution:
    """The networks' block: kernels of 5 x 5. (The compiled block is compiled once for each size of kernel.)"""
    N, C, O = (draw(st.integers(1, 4)) for _ in range(3))
    H, W, p = draw(st.integers(6, 9)), draw(st.integers(6, 9)), draw(st.integers(0, 4))
    rng = draw(generators)
    return Convolution(rng.normal(size=(N, H, W, C)), rng.normal(size=(5, 5, C, O)), {"padding": p})


@st.composite
def clips(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Padded clips h (N, T, D) with their lengths (N,), and a generator for what else is needed."""
    N, T, D = (draw(st.integers(1, 5)) for _ in range(3))
    lengths = np.array([draw(st.integers(1, T)) for _ in range(N)])
    rng = draw(generators)
    return rng.normal(size=(N, T, D)), lengths, rng


def inner(a: np.ndarray, b: np.ndarray) -> float:
    """<a, b>, the sum of all products."""
    assert a.shape == b.shape
    return float((a * b).sum())
