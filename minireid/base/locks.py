"""One process at a time: a lock on a folder, which ends with the process that holds it, however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.files import reason


@contextmanager
def alone_in(folder: Path, what: str) -> Iterator[None]:
    """Inside, no other process can enter `alone_in` for this folder, which must exist. what: as in "minireid train".

    InputError if another process is inside. The system itself holds the lock (flock) and drops it when the process
    ends, so a crash leaves nothing behind. Nothing is checked on Windows, nor on a file system without locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError as fault:
        raise InputError(f"expected a folder at {folder}, cannot open it ({reason(fault)}): choose another") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another {what} is at work in {folder}: wait until it ends, or stop it") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(held)  # releases the lock
