"""A folder that is written whole or not at all, by one process at a time, however the process ends.

Everything is written to OUT.partial, beside OUT, under a lock. When it is complete and on the disk, it gets the name
OUT. If there was a folder OUT, the two are swapped in one call of the system: there is always a whole folder OUT. Where
the system cannot swap, the old folder is OUT.replaced for a moment. If the process is killed in that moment, the next
one puts it back.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.files import make_folder, names_in, reason
from minireid.base.locks import alone_in

HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)


def target_of(out: Path) -> Path:
    """Where `out` leads, through links. InputError for a link to nothing, and for a path that no system takes."""
    try:
        target = Path(os.path.realpath(out))
    except (OSError, ValueError) as fault:
        raise InputError(f"expected a folder to write, got {out} ({reason(fault)}): choose another") from None
    if os.path.islink(out) and not os.path.exists(out):
        raise InputError(f"{out} is a link to {target}, which is not there: remove the link, or choose another folder")
    return target


def refuse_others(target: Path, ours: set[str], what: str) -> None:
    """InputError if `target`, or what a killed process left beside it, holds something else than names of `ours`.

    NAME.partial is a file that was just being written when the process was killed (base/files.py).
    """
    for folder in (target, beside(target, ".partial"), beside(target, ".replaced")):
        names = names_in(folder) if os.path.isdir(folder) else set()
        if os.path.lexists(folder) and not (
            os.path.isdir(folder) and {name.removesuffix(".partial") for name in names} <= ours
        ):
            raise InputError(
                f"expected a folder that is new or written by {what}, got {folder}, which holds something else: "
                "choose another"
            )


def tidy(target: Path, what: str) -> None:
    """Put back or delete what a killed process left beside `target`. InputError if another `what` is at work there."""
    partial, replaced = beside(target, ".partial"), beside(target, ".replaced")
    if os.path.isdir(partial) or os.path.isdir(replaced):
        with _alone(partial, what):
            if os.path.isdir(replaced) and not os.path.exists(target):
                os.rename(replaced, target)
            for leftover in (replaced, partial):
                shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def whole_or_nothing(target: Path, what: str) -> Iterator[Path]:
    """A new, empty folder beside `target`. After the block it gets that name. If the block fails, it is deleted.

    what: the program, for the error if another process is at work there.
    """
    partial = beside(target, ".partial")
    try:
        with _alone(partial, what):
            try:
                for leftover in names_in(partial):  # of a process that was killed
                    _delete(partial / leftover)
                yield partial
                _sync(partial)
                _put(partial, target, what)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            _sync(target.parent)
    except OSError as fault:
        raise InputError(f"{target} cannot be written ({reason(fault)}): check the folder and the disk") from None


def beside(target: Path, suffix: str) -> Path:
    return target.parent / (target.name + suffix)


@contextmanager
def _alone(partial: Path, what: str) -> Iterator[None]:
    """Make the folder and lock it. InputError if another process is at work in it, or has just ended its work."""
    make_folder(partial)
    before = _identity(partial)
    with alone_in(partial, what):
        if before is None or _identity(partial) != before:  # the other one renamed it before it was locked here
            raise InputError(f"another {what} has just ended in {partial}: run it again")
        yield


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _put(partial: Path, target: Path, what: str) -> None:
    """Give the complete folder its name. A folder that has the name is deleted."""
    if not os.path.exists(target):
        os.rename(partial, target)
        return
    with alone_in(target, what):  # after the swap it is called partial: nobody may write into it before it is deleted
        if not _swap(partial, target):
            os.rename(target, beside(target, ".replaced"))
            try:
                os.rename(partial, target)
            except BaseException:
                os.rename(beside(target, ".replaced"), target)
                raise
        for old in (partial, beside(target, ".replaced")):
            shutil.rmtree(old, ignore_errors=True)


def _swap(one: Path, other: Path) -> bool:
    """Swap two folders in one call of the system. False where it cannot: not Linux, or an old file system."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):  # an old C library
        return False
    return rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Names in a folder are on the disk. Where a folder cannot be opened (Windows), nothing is done."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
