"""What lies in a folder: is every file whole, and are these the bits of an undisturbed run?"""

import io
import json
import re
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

UNFINISHED = re.compile(r"\.(partial|replaced)(/|$)")  # names that say themselves: this is not finished
SECONDS = {"trial.json", "table.md", "table.csv"}  # hold seconds: they are there, with other bytes each time
NOTE = ".checked"  # in a prepared folder: when its frames were last found right; may be there or not
Content = dict[str, Any]


def listing(folder: Path) -> list[str]:
    """Every file and folder below, as names from there; folders end in /."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.name != NOTE):
        found.append(path.relative_to(folder).as_posix() + ("/" if path.is_dir() else ""))
    return found


def content(folder: Path) -> Content:
    """{name: what can be compared}, of all files and folders: arrays without a checkpoint's header, a log without
    seconds, all other files byte for byte."""
    return {name: None if name.endswith("/") else comparable(folder / name) for name in listing(folder)}


def comparable(file: Path) -> Any:
    if file.name in SECONDS:
        return "there"
    if file.suffix == ".npz":
        return arrays(file)
    if file.name == "log.jsonl":
        return [without_seconds(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return file.read_bytes()


def arrays(file: Path) -> dict[str, bytes]:
    with np.load(file, allow_pickle=False) as found:
        return {
            name: f"{found[name].dtype} {found[name].shape} ".encode() + found[name].tobytes()
            for name in found.files
            if name != "header"
        }


def without_seconds(line: str) -> Any:
    """A line of a log as a dict; as it is, if it was cut."""
    try:
        return {key: value for key, value in json.loads(line).items() if key != "seconds"}
    except ValueError:
        return line


def other(expected: Content, found: Content) -> list[str]:
    """What differs, each as "litter: …", "missing: …" or "other bits: …"."""
    return [
        *(f"litter: {name}" for name in found if name not in expected),
        *(f"missing: {name}" for name in expected if name not in found),
        *(f"other bits: {name}" for name, value in expected.items() if name in found and found[name] != value),
    ]


def broken(folder: Path) -> list[str]:
    """Files under a final name that cannot be read to their end."""
    names = (name for name in listing(folder) if not UNFINISHED.search(name) and not name.endswith("/"))
    return [fault for name in names if (fault := fault_of(folder / name, name))]


def fault_of(file: Path, name: str) -> str:
    try:
        READERS.get(file.suffix, text)(file.read_bytes())
    except Exception as fault:
        return f"half-written: {name} ({type(fault).__name__}: {fault})"
    return ""


def archive(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None and file.namelist()
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        for name in file.files:
            file[name]


def image(content: bytes) -> None:
    Image.open(io.BytesIO(content)).load()


def log(content: bytes) -> None:
    """Whole lines. The last one may be cut: a log grows line by line, and is mended when the run goes on."""
    for line in content.splitlines()[:-1]:
        json.loads(line)


def page(content: bytes) -> None:
    assert content.rstrip().endswith(b"</html>"), "no </html> at its end"


def text(content: bytes) -> None:
    assert content.endswith(b"\n"), "no end of line at its end"


READERS: dict[str, Callable[[bytes], Any]] = {
    ".npz": archive,
    ".npy": lambda content: np.load(io.BytesIO(content), allow_pickle=False),
    ".json": json.loads,
    ".jsonl": log,
    ".toml": lambda content: tomllib.loads(content.decode()),
    ".png": image,
    ".jpg": image,
    ".html": page,
}
