"""Definition or fast: the list of both.

Some pages have a fast twin: the same results, up to rounding.

    definition                            fast                                   what the twin does
    minireid/layers/conv_block.py         minireid/layers/conv_block_fused.py    convolution and pool in one kernel
    minireid/layers/gru.py                minireid/layers/gru_projected.py       x of all frames at once
    minireid/kernels/im2col.py            minireid/kernels/direct.py             compiled loops, no copies
    minireid/data/images.py               minireid/data/one_pass.py              one compiled pass over each image

The left column is every page's default (im2col, as loops.py is too slow). Training and evaluation run `fast()`.
`minireid train --definition` runs `DEFINITION`. (`minireid trace` shows the definition of the GRU.)
"""

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np

from minireid.data import images
from minireid.kernels import im2col
from minireid.layers import conv_block, gru, gru_projected


class Way(NamedTuple):
    """The modules for a network's blocks, other convolutions and GRUs; and `windows`, the function for its images."""

    block: ModuleType
    kernel: ModuleType
    gru: ModuleType
    windows: Callable[..., np.ndarray]

    def unit(self, layer: ModuleType) -> ModuleType:
        """The recurrent layer, or its fast twin."""
        return self.gru if layer is gru else layer


DEFINITION = Way(conv_block, im2col, gru, images.normalised_windows)


@functools.cache
def fast() -> Way:
    """The fast twins. Without numba, or with NUMBA_DISABLE_JIT: those that are NumPy, and one line on stderr."""
    try:
        from minireid.data import one_pass
        from minireid.kernels import direct
        from minireid.layers import conv_block_fused
    except ImportError as fault:
        why = "numba is not installed" if isinstance(fault, ModuleNotFoundError) else fault
        print(f"minireid: {why}, convolutions run on im2col (several times slower)", file=sys.stderr)
        return DEFINITION._replace(gru=gru_projected)
    return Way(conv_block_fused, direct, gru_projected, one_pass.normalised_windows)
