"""What is fuzzed: the readers of files. Each target is a function of bytes, and some valid files to begin with.

The first byte of an index or a checkpoint is no part of the file. From 128 on, the rest is the file as it is. Below,
the target puts the rest where only a checksum would stand between it and the reader: that of the index, or that of an
entry of a zip file. A fuzzer would never come past it.
"""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minireid.base.trees import leaves
from minireid.data import prepared, splits
from minireid.experiments.folder import open_sweep
from minireid.recipes import recipe
from minireid.recipes.text import to_toml
from minireid.training import checkpoint, log, model
from tests import small_data

TINY = ("network.filters=[1, 1, 1]", "network.depth=0", "training.epochs=1")


class Target(NamedTuple):
    """read: gets bytes; it may raise InputError and nothing else. seeds: bytes that it accepts."""

    read: Callable[[bytes], Any]
    seeds: list[bytes]


def index(folder: Path) -> Target:
    """index.json of a prepared folder."""
    small_data.write_prepared(folder / "prepared", persons=(1, 2))
    file = folder / "prepared/index.json"
    valid = file.read_bytes()

    def read(content: bytes) -> None:
        replace(file, with_checksum(content[1:]) if fitted(content) else content[1:])
        prepared.open_prepared(folder / "prepared")

    with_role = valid.replace(b'"camera": "a"', b'"camera": "a", "role": "train", "group": 3, "name": "x/y"')
    return Target(read, [b"\0" + valid, b"\xff" + valid, b"\0" + with_role])


def with_checksum(content: bytes) -> bytes:
    """The same index with the checksum that it should have; as it is if it is no index."""
    try:
        entries = json.loads(content)
        return json.dumps({**entries, "index_sha256": prepared.index_sha256(entries)}).encode()
    except (ValueError, TypeError, RecursionError):
        return content


def of_recipe(folder: Path) -> Target:
    """A recipe, as `minireid recipe show FILE.toml` and `train` read it."""
    file = folder / "own.toml"

    def read(content: bytes) -> None:
        replace(file, content)
        recipe.load(str(file))

    own = b'base = "msp_src"  # another\n\n[training]\nepochs = 3\n\n[clips]\ncrop = [16, 8]\n'
    return Target(read, [own, *(text_of(name) for name in ("msp_src", "crf"))])


def text_of(name: str) -> bytes:
    return to_toml(recipe.load(name)).encode()


def of_checkpoint(folder: Path) -> Target:
    """A checkpoint of a tiny network."""
    small = small_data.recipe(*TINY)
    like = model.init(small, 2)
    file = folder / "checkpoint.npz"
    moments = {name: {"m": array, "v": array} for name, array in leaves(like)}
    checkpoint.save(file, checkpoint.Checkpoint(3, like, moments, checkpoint.Facts(loss=1.5, run={"recipe": "a"})))
    raw = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    names = sorted(entries, key=lambda name: len(entries[name]))

    def read(content: bytes) -> None:
        replace(
            file, zipped({**entries, names[content[1] % len(names)]: content[2:]}) if fitted(content) else content[1:]
        )
        checkpoint.load(file, like)

    return Target(read, [b"\xff" + raw, *(bytes([0, n]) + entries[name] for n, name in enumerate(names[:8]))])


def fitted(content: bytes) -> bool:
    return len(content) > 1 and content[0] < 128


def zipped(entries: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(zipfile.ZipInfo(name), entry)
    return content.getvalue()


def of_splits(folder: Path) -> Target:
    """A list of splits."""
    data = small_data.write_prepared(folder / "prepared")
    file = folder / "splits.json"

    def read(content: bytes) -> None:
        replace(file, content)
        for number in range(min(splits.count_in(file), 3)):
            splits.from_file(file, data, number)

    return Target(
        read,
        [
            b'[{"train": ["person_0001", 2, "3"], "test": [4, "person5"]}]',
            b'[{"train": [1, 2], "test": [3, 4]}, {"train": [5, 6], "test": [7, 8]}]',
        ],
    )


def of_log(folder: Path) -> Target:
    """log.jsonl of a run, as `evaluate` and `--resume` read it."""
    first = {"step": 1, "epoch": 1, "loss": 4.8, "low same": 2.7, "seconds": 0.02, "validation rank-1": 1.0}
    valid = (log.line(first) + log.line({**first, "step": 2})).encode()
    file = folder / "log.jsonl"
    saved = checkpoint.Checkpoint(2, {}, {}, checkpoint.Facts())

    def read(content: bytes) -> None:
        replace(file, content)
        log.trim(file, saved)
        replace(file, content)
        log.read(file, saved)

    return Target(read, [valid, valid + valid.splitlines()[0] + b"\n"])


def of_sweep(folder: Path) -> Target:
    """sweep.json."""
    (folder / "one").mkdir()
    (folder / "one/recipe.toml").write_bytes(text_of("msp_src"))
    row = {"name": "one", "folder": "one", "paper": {"walkers": [50, 60.5, 70, 80]}}
    head = {"format": "minireid-sweep", "version": 1, "title": "Rows", "splits": 1, "seeds": 2, "rows": [row]}
    where = {"prepared_path": "/p", "prepared_sha256": "0" * 64, "splits_file": None, "splits_sha256": None}

    def read(content: bytes) -> None:
        replace(folder / "sweep.json", content)
        open_sweep(folder).trials()

    return Target(read, [json.dumps(head | where).encode()])


def replace(file: Path, content: bytes) -> None:
    file.unlink(missing_ok=True)
    file.write_bytes(content)


TARGETS = {
    "index": index,
    "recipe": of_recipe,
    "checkpoint": of_checkpoint,
    "splits": of_splits,
    "log": of_log,
    "sweep": of_sweep,
}
