"""Derivatives from function values alone.

    F1  D(h) = (L(v + h) - L(v - h)) / (2 h)        central difference, error c h^2 + ...
    F2  R(h) = (4 D(h) - D(2 h)) / 3                 Richardson: the h^2 terms cancel, the error is of order h^4

In float64 every L is off by about 1e-16 |L|, so that F1 is off by 1e-16 |L| / h on top: with h too small the rounding
is larger than what the formula leaves out. F2 at h = 1e-3 leaves 1e-12 of one and 1e-13 of the other: good to about
ten digits, where F1 has at most seven or so.
"""

from collections.abc import Callable

import numpy as np


def derivative(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], h: float) -> float:
    """R(h) of F2: d loss / d array[index]. `loss` reads `array`, which is moved in place and put back."""
    return (4 * central(loss, array, index, h) - central(loss, array, index, 2 * h)) / 3


def central(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], h: float) -> float:
    """D(h) of F1."""
    return (moved(loss, array, index, h) - moved(loss, array, index, -h)) / (2 * h)


def is_kink(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], scale: float) -> bool:
    """Whether loss has a corner within 1e-6 of array[index]: the slopes to the left and to the right disagree.

    scale: a disagreement smaller than this is put down to curvature and rounding.
    """
    here, h = loss(), 1e-6
    right = (moved(loss, array, index, h) - here) / h
    left = (here - moved(loss, array, index, -h)) / h
    return abs(right - left) > scale + 4e-16 * abs(here) / h


def moved(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], by: float) -> float:
    """The loss with array[index] moved by `by`."""
    original = array[index]
    array[index] = original + by
    try:
        return loss()
    finally:
        array[index] = original
