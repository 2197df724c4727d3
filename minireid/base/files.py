"""Writing files: completely or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from minireid.base.errors import InputError


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
        raise InputError(f"cannot write {path} ({fault.strerror or fault}): check the folder and the disk") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8. Line ends are not changed."""
    write_bytes(path, text.encode("utf-8"))


def check_target(path: Path, ending: str, *, option: str = "--out") -> None:
    """InputError unless `path` has this ending and its folder exists. Call it before long work, not after it."""
    if path.suffix != ending:
        raise InputError(f"expected {option} to end in {ending}, got {path}")
    if not path.parent.is_dir():
        raise InputError(f"expected a folder {path.parent} to write {path.name} into, found none: make it first")
