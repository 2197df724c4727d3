"""The log of a run: one line of JSON per step.

    {"step": 1, "epoch": 1, "loss": 7.2, ..., "seconds": 0.05}      every value is a finite number

Steps are counted from 1. A run that was killed may have logged steps that its checkpoint does not have, and a last line
that is cut off. `trim` removes both when the run is resumed: those steps are done again. A checkpoint keeps a checksum
of the log up to its step, without the seconds. So a log that was changed, or is another run's, is noticed.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import read_bytes, write_bytes
from minireid.networks.euclidean import to_unit_length
from minireid.recipes.schema import Recipe
from minireid.training.checkpoint import Checkpoint
from minireid.training.step import Computed

NEEDED = ("step", "epoch", "loss", "seconds")
LARGEST = 2**32  # bytes; ten million steps
RECORDS = msgspec.json.Decoder(dict[str, float])


def record_of(recipe: Recipe, computed: Computed) -> dict[str, Any]:
    """What the log says of a step: the loss, its parts, and mean distances of the pairs."""
    embeddings, losses = computed.embeddings, recipe.losses
    if losses.together == "joint_on_sphere":  # embeddings of the length that the loss sees
        embeddings = {level: losses.verification_length * u for level, u in to_unit_length(embeddings).items()}
    pairs, same = computed.batch.pairs, computed.batch.same
    return {"loss": computed.loss, **computed.parts, **mean_distances(embeddings, pairs, same)}


def mean_distances(embeddings: dict[str, np.ndarray], pairs: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """Mean Euclidean distance of the positive pairs and of the negative pairs, at each level.

    If both are equal, the network does not distinguish persons yet. If both are equal and near 0, the embeddings have
    collapsed into one point.
    """
    record: dict[str, float] = {}
    for level, e in embeddings.items():
        d = np.linalg.norm(e[pairs[:, 0]] - e[pairs[:, 1]], axis=1)
        for kind, those in (("same", d[same]), ("different", d[~same])):
            if len(those):  # a batch may have no pairs of one kind
                record[f"{level} {kind}"] = float(those.mean())
    return record


def short(record: dict[str, Any]) -> str:
    """The bar's text: the loss, its parts by initials (lv: low verification), and same/different distances by level."""
    kinds = ("verification", "identification")
    parts = [f"{''.join(w[0] for w in name.split())} {v:.2f}" for name, v in record.items() if name.endswith(kinds)]
    levels = [name.removesuffix(" same") for name in record if name.endswith(" same")]
    gaps = [f"{level} {record[level + ' same']:.1f}|{record.get(level + ' different', np.nan):.1f}" for level in levels]
    return f"loss {record['loss']:.3f} ({', '.join(parts)}) same|different {', '.join(gaps)}"


def line(record: dict[str, float]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def add(so_far: "hashlib._Hash", record: dict[str, float]) -> None:
    """One more record into the checksum of a log."""
    told = {key: float(value) for key, value in record.items() if key != "seconds"}
    so_far.update(json.dumps(told).encode())


def read(path: Path, saved: Checkpoint) -> list[dict[str, float]]:
    """All records, in order. saved: the run's last checkpoint.

    InputError where the log is missing, empty or damaged, or is not the one that belongs to the checkpoint.
    """
    records = whole(read_bytes(path, "the log of a training run", largest=LARGEST))
    check(path, records[: saved.step], saved)
    if not records:
        raise InputError(f"expected the log of a training run at {path}, found no step in it: train first")
    return records


def trim(path: Path, saved: Checkpoint) -> "hashlib._Hash":
    """Leave the steps that the checkpoint has, and return their checksum. InputError if the log is not that run's."""
    records: list[dict[str, float]] = []
    if os.path.lexists(path):
        content = read_bytes(path, "the log of a training run", largest=LARGEST)
        records = whole(content)[: saved.step]
    so_far = check(path, records, saved)
    if os.path.lexists(path):
        kept = b"".join(content.splitlines(keepends=True)[: len(records)])
        if kept != content:
            write_bytes(path, kept)
    return so_far


def check(path: Path, records: list[dict[str, float]], saved: Checkpoint) -> "hashlib._Hash":
    """The checksum of these records. InputError unless they are the checkpoint's steps, as they were then.

    Older checkpoints know only how many there are.
    """
    so_far = hashlib.sha256()
    for record in records:
        add(so_far, record)
    if len(records) < saved.step or saved.facts.log not in (None, so_far.hexdigest()):
        raise InputError(
            f"{path} does not hold steps 1 to {saved.step} of this run as they were: put the original file back, or "
            "train again"
        )
    return so_far


def whole(content: bytes) -> list[dict[str, float]]:
    """The records of steps 1, 2, 3, ... up to the first line that is not the next one."""
    records: list[dict[str, float]] = []
    for text in content.splitlines(keepends=True):
        record = parsed(text)
        if record is None or record["step"] != len(records) + 1 or not text.endswith(b"\n"):
            break
        records.append(record)
    return records


def parsed(text: bytes) -> dict[str, float] | None:
    """One line as a record; None if it is broken."""
    try:
        record = RECORDS.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return record if all(key in record for key in NEEDED) else None
