"""The log of a run: one line of JSON per step.

    {"step": 1, "epoch": 1, "loss": 7.2, ..., "seconds": 0.05}      every value is a finite number

Steps are counted from 1. A run that was killed may have logged steps that its checkpoint does not have, and a last line
that is cut off. `trim` removes both when the run is resumed: those steps are done again.
"""

import json
from pathlib import Path

import msgspec

from minireid.base.errors import InputError
from minireid.base.files import read_bytes, write_bytes

NEEDED = ("step", "epoch", "loss", "seconds")
LARGEST = 2**32  # bytes; ten million steps
RECORDS = msgspec.json.Decoder(dict[str, float])


def line(record: dict[str, float]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def read(path: Path) -> list[dict[str, float]]:
    """All records, in order. InputError where the log is missing, empty or damaged."""
    content = read_bytes(path, "the log of a training run", largest=LARGEST)
    records: list[dict[str, float]] = []
    for number, text in enumerate(content.splitlines(), 1):
        record = parsed(text)
        if record is None or (records and record["step"] <= records[-1]["step"]):
            raise InputError(f"{path} is damaged in line {number}: minireid train --resume {path.parent} removes it")
        records.append(record)
    if not records:
        raise InputError(f"expected the log of a training run at {path}, found no step in it: train first")
    return records


def trim(path: Path, steps: int) -> None:
    """Leave the steps up to `steps`, each once and in order, and no broken lines."""
    if not path.exists():
        return
    content = read_bytes(path, "the log of a training run", largest=LARGEST)
    last, kept = 0.0, []
    for text in content.splitlines():
        record = parsed(text)
        if record is not None and last < record["step"] <= steps:
            last = record["step"]
            kept.append(text + b"\n")
    if b"".join(kept) != content:
        write_bytes(path, b"".join(kept))


def parsed(text: bytes) -> dict[str, float] | None:
    """One line as a record; None if it is broken."""
    try:
        record = RECORDS.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return record if all(key in record for key in NEEDED) else None
