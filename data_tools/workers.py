"""How many workers there are, and work in threads whose results come in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from data_tools.raw import RawTrack
from minireid.base.errors import InputError

MOST = 256


def workers_or_all(workers: int | None) -> int:
    """The number asked for, or one per processor. InputError if it is not from 1 to MOST."""
    workers = min(os.cpu_count() or 1, MOST) if workers is None else workers
    if not 1 <= workers <= MOST:
        raise InputError(f"expected 1 to {MOST} workers, got {workers}: choose another --workers")
    return workers


def in_order(work: Callable[[RawTrack], Any], tracks: list[RawTrack], workers: int) -> Iterator[Any]:
    """Yield work(track) for each track, in order. At most 2 * workers + 1 tracks are in work or waiting.

    Threads are enough: Pillow, hashlib and NumPy release Python's lock while they work.
    """
    ahead: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for track in tracks:
                ahead.append(pool.submit(work, track))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:  # after a fault or Ctrl-C, what has not begun is not begun
                future.cancel()
