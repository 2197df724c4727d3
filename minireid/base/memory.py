"""Freed memory is kept, not given back to the system.

A step allocates and frees the same arrays of some MB again and again. By default glibc hands large ones back, and gets
fresh pages, zeroed one by one, for the next step: a tenth to a fifth of the time at 128 x 64. Nothing changes but that
the process stays as large as its largest step.
"""

import ctypes


def keep_freed_memory() -> str:
    """Sets M_MMAP_THRESHOLD (-3) and M_TRIM_THRESHOLD (-1) of mallopt(3) to 1 GiB if there is glibc.

    Returns a sentence that says so.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return "the system's allocator as it is"
    done = [mallopt(option, 1 << 30) for option in (-3, -1)]
    return "glibc keeps freed memory (mallopt)" if all(done) else "the system's allocator as it is"
