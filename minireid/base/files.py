"""Writing files: whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from minireid.base.errors import InputError


def write_bytes(path: Path, content: bytes) -> None:
    """Write beside `path`, then put in its place: a crash leaves the old file or the new one, never a piece.

    InputError where that cannot be: no such folder, no right to write, a full disk. The old file is then as it was.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # or a power cut could leave the new name on an empty file
        os.replace(partial, path)
    except OSError as fault:
        raise InputError(f"cannot write {path} ({fault.strerror or fault}): check the folder and the disk") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8, its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def check_target(path: Path, ending: str) -> None:
    """InputError unless `path` ends like this and its folder is there: to be asked before long work, not after it."""
    if path.suffix != ending:
        raise InputError(f"expected --out to end in {ending}, got {path}")
    if not path.parent.is_dir():
        raise InputError(f"expected a folder {path.parent} to write {path.name} into, found none: make it first")
