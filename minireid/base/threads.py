"""How many threads compute, and why the result does not depend on it.

Each of these gives the same bits with any number of threads:

    what is drawn      in the main thread, from the seed and the step alone (minireid/training/batches.py)
    images             each is written to its own place (minireid/data/one_pass.py)
    kernels            the images are cut into a fixed number of parts; each part has its own sums, which are added in
                       a fixed order (minireid/kernels/fused.py, direct.py); the compiler may not reorder a sum
                       (minireid/base/compiling.py)

The tests: test_one_thread_or_two_same_bits in tests/base/test_threads.py (a whole training), and
test_every_number_of_threads_gives_the_same_bits in tests/kernels/test_fused.py.

BLAS does not promise the same bits for its matrix products, so it gets one thread. This costs little: matrix products
are a small part of a step, and BLAS threads would only wait for the kernels' threads.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from minireid.base.errors import InputError
from minireid.base.memory import keep_freed_memory


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Inside: `count` threads (None: one per core) for the kernels, one for BLAS. InputError if the count is wrong."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count is not None and not 1 <= count <= available:
        raise InputError(f"expected --threads from 1 to {available} (this machine's cores), got {count}")
    before = give_to_kernels(count or available)
    keep_freed_memory()
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        give_to_kernels(before)


def give_to_kernels(count: int) -> int:
    """`count` threads for numba, but no more than it started with. Returns how many it had before.

    Without numba there is nothing to do.
    """
    try:
        import numba
    except ImportError:
        return count
    started: int = vars(numba.config)["NUMBA_NUM_THREADS"]  # set when numba is imported; type checkers do not see it
    before: int = numba.get_num_threads()
    numba.set_num_threads(min(count, started))
    return before
