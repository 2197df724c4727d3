"""Files and folders of users: read only what is a file of a sane size; written completely or not at all."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from minireid.base.errors import InputError

LARGEST = 256 * 2**20  # bytes: more than any image, index, log or recipe has


def read_bytes(path: Path, what: str, *, largest: int = LARGEST) -> bytes:
    """The bytes of a file. what: names it in errors, as in "a recipe".

    InputError if it is missing, cannot be read, has more than `largest` bytes, or is no ordinary file: at a pipe the
    reader would wait for ever, and a device such as /dev/zero has no end.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, socket or device"
            raise InputError(f"expected {what} at {path}, found {kind}: check the path")
        if found.st_size > largest:
            size = f"{found.st_size / 1e6:,.0f} MB, more than {largest / 1e6:,.0f} MB"
            raise InputError(f"expected {what} at {path}, got {size}: check the path")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"expected {what} at {path}, found none: check the path") from None
    except (OSError, ValueError) as fault:  # ValueError: a null character in the path
        raise InputError(f"expected {what} at {path}, cannot read it ({reason(fault)}): check the path") from None


def read_text(path: Path, what: str) -> str:
    """The same as UTF-8 text, without the mark that Windows puts in front (BOM). Other bytes become "\ufffd"."""
    return read_bytes(path, what).decode("utf-8-sig", errors="replace")


def make_folder(path: Path) -> Path:
    """Make the folder, and those around it, unless it is there. InputError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as fault:
        raise InputError(f"cannot make the folder {path} ({reason(fault)}): choose another") from None
    return path


def check_folder(path: Path) -> None:
    """InputError unless there is a folder, or can be one, at `path`, for --out. Call it before long work."""
    there = next(place for place in (path.absolute(), *path.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise InputError(f"expected --out to be a folder, {there if there != path.absolute() else path} is a file")
    if not os.access(there, os.W_OK):
        raise InputError(f"cannot make the folder {path} (no permission to write into {there}): choose another --out")


def names_in(folder: Path) -> set[str]:
    """The names of a folder's entries; none if there is no such folder. InputError if it cannot be listed."""
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as fault:
        raise InputError(f"expected a folder at {folder}, cannot list it ({reason(fault)}): choose another") from None


def reason(fault: Exception) -> str:
    """The system's words for an error, without number and path."""
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault) or type(fault).__name__


def write_bytes(path: Path, content: bytes) -> None:
    """Write a temporary file beside `path`, then rename it. A crash leaves the old file or the new one, never a part.

    InputError if that fails: no such folder, no permission, a full disk. The old file is then unchanged.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # otherwise a power cut could leave an empty file under the new name
        os.replace(partial, path)
    except OSError as fault:
        raise InputError(f"cannot write {path} ({reason(fault)}): check the folder and the disk") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8. Line ends are not changed."""
    write_bytes(path, text.encode("utf-8"))


def check_target(path: Path, ending: str, *, option: str = "--out") -> None:
    """InputError unless a file of this ending can be written at `path`. Call it before long work, not after it."""
    if path.suffix != ending:
        raise InputError(f"expected {option} to end in {ending}, got {path}")
    if path.name in ("checkpoint.npz", "best.npz"):
        raise InputError(f"{path} would be taken for a checkpoint: choose another {option}")
    try:
        folder, taken = path.parent.is_dir(), path.is_dir()
    except (OSError, ValueError) as fault:
        raise InputError(f"cannot write {path} ({reason(fault)}): choose another {option}") from None
    if not folder:
        raise InputError(f"expected a folder {path.parent} to write {path.name} into, found none: make it first")
    if taken or not os.access(path.parent, os.W_OK):
        why = "it is a folder" if taken else f"no permission to write into {path.parent}"
        raise InputError(f"cannot write {path} ({why}): choose another {option}")
