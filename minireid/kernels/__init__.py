"""Convolution three ways, one signature (loops, im2col, direct), and a fourth, fused with the pool that follows it.

The first three offer

    forward(x, W, b, *, stride, padding)                -> y    (N, HO, WO, C_out)
    backward_input(dy, W, *, x_shape, stride, padding)  -> dx   (N, H, W, C_in)
    backward_weights(dy, x, *, W_shape, stride, padding) -> dW  (KH, KW, C_in, C_out)

with x (N, H, W, C_in), W (KH, KW, C_in, C_out), b (C_out,), zero padding on all four sides, and
HO = (H + 2 padding - KH) // stride + 1. The tests hold all three equal; `fastest()` is the best of them. `fused` does
convolution, bias and 2x2 max-pool at once, and is what the networks' block runs (layers/conv_block.py).
"""

import functools
import sys
from types import ModuleType

import numpy as np


@functools.cache
def fastest() -> ModuleType:
    """The quickest kernel module that this Python can run: `direct` with numba, else `im2col`, said once on stderr."""
    try:
        from minireid.kernels import direct
    except ImportError:
        from minireid.kernels import im2col

        print("minireid: numba is not installed, convolutions run on im2col (several times slower)", file=sys.stderr)
        return im2col
    return direct


def fused_for(dtype: np.dtype) -> ModuleType | None:
    """The module `fused` where it can be had: with numba, for float32 and float64."""
    if fastest().__name__.endswith("im2col") or dtype not in (np.float32, np.float64):
        return None
    from minireid.kernels import fused

    return fused
