"""Settings in the environment that would fail later, inside of other people's code, in many lines."""

import os

from minireid.base.errors import InputError


def check_environment() -> None:
    """InputError where numba could not be imported. Called before anything is."""
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not threads.isdecimal() or int(threads[:6]) < 1:
        raise InputError(f"expected NUMBA_NUM_THREADS as a whole number of 1 or more, got {threads!r}: unset it")
