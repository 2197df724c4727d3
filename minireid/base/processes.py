"""Worker processes end with the process that started them, however that ends."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait

from minireid.base.signals import Stopped, waiting


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
    """For the start of other processes: Ctrl-C and SIGTERM wait until the block has ended. Python could lose them.

    What is started inside never hears Ctrl-C, which a terminal sends to all: only this process should answer it.
    """
    with waiting(signal.SIGINT, signal.SIGTERM) as came:
        try:
            with nobody_hears_ctrl_c():
                yield
        finally:
            for late in came[:1]:
                raise Stopped if late == signal.SIGTERM else KeyboardInterrupt


@contextmanager
def nobody_hears_ctrl_c() -> Iterator[None]:
    """Inside, and for processes and threads that are started inside. Nothing is done on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
