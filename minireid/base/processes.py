"""Worker processes end with the process that started them, however that ends."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait

from minireid.base.signals import waiting


def end_with_parent() -> None:
    """The initializer of a pool's processes: they end by themselves when their parent is gone, even if it was killed.

    Ctrl-C is left to the parent, which then shuts the pool down. SIGTERM ends a worker at once, whatever it means to
    the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None  # a worker has one

    def follow() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block has ended. While a process is started, Python could lose them."""
    with waiting(signal.SIGINT, signal.SIGTERM) as came:
        yield
    for late in came[:1]:
        signal.raise_signal(late)
