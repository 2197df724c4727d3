"""Checkpoints: everything that is needed to resume a run, in one .npz file that is written atomically."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.files import read_bytes, write_bytes
from minireid.base.npz import arrays_in
from minireid.base.records import Count, Head, parse_ours
from minireid.base.trees import Tree, from_leaves, leaves

FORMAT = "minireid-checkpoint"
VERSION = 4  # 1: other names for some parameters, see `old_names`; 2: without the run it belongs to; 3: without sha256
REMEDY = "use another one, or train again"
PART_OF_FILE = 16  # a checkpoint is not larger than this many times its parameters


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What else the loop keeps. best: validation mAP so far, -1 before any. loss: of the first step, None before it.

    log: checksum of the log up to this step. run: {"recipe": checksum, "persons": checksum} of the run that it belongs
    to. recipe: the same of older checkpoints.
    """

    best: Annotated[float, Meta(ge=-1, le=1)] = -1.0
    loss: Annotated[float, Meta(ge=0)] | None = None
    log: str | None = None
    run: dict[str, str] | None = None
    recipe: str | None = None


class Header(Head, forbid_unknown_fields=True, kw_only=True):
    """The JSON in a checkpoint. step: steps done. sha256: of all that the file holds; older ones have none."""

    step: Count
    facts: Facts
    sha256: str | None = None


class Checkpoint(NamedTuple):
    """step: steps done; optimiser: {parameter's name: {array's name: array}}; facts: other values."""

    step: int
    params: Tree
    optimiser: dict[str, dict[str, np.ndarray]]
    facts: Facts


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file atomically. Raises InputError if it cannot be written."""
    arrays: dict[str, Any] = {f"params/{name}": array for name, array in leaves(checkpoint.params)}
    for name, state in checkpoint.optimiser.items():
        arrays |= {f"optimiser/{name}/{key}": array for key, array in state.items()}
    sha256 = checksum(path.name, checkpoint.step, checkpoint.facts, arrays)
    header = Header(format=FORMAT, version=VERSION, step=checkpoint.step, facts=checkpoint.facts, sha256=sha256)
    content = io.BytesIO()
    np.savez(content, header=np.array(json.dumps(msgspec.to_builtins(header))), **arrays)
    write_bytes(path, content.getvalue())


def load(path: Path, like: Tree, old_names: Mapping[str, str] | None = None) -> Checkpoint:
    """Read a checkpoint whose parameters have the names, shapes and dtypes of `like`.

    old_names: {old end of an array's name, in version 1: new end}.

    Raises InputError for a file that is missing, damaged, of unknown version or of another network, and for numbers
    that are not finite.
    """
    largest = PART_OF_FILE * sum(array.nbytes for _, array in leaves(like)) + 2**20
    arrays = arrays_in(read_bytes(path, "a checkpoint", largest=largest), path, REMEDY)
    header = header_in(arrays.pop("header", np.array("")), path)
    sha256 = checksum(path.name, header.step, header.facts, arrays) if header.version == VERSION else None
    if header.version == 1:
        arrays = {renamed(key, old_names or {}): array for key, array in arrays.items()}
    params = {key.removeprefix("params/"): value for key, value in arrays.items() if key.startswith("params/")}
    check_params(path, params, like)
    optimiser: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        if key.startswith("optimiser/"):
            name, _, part = key.removeprefix("optimiser/").partition("/")
            if name not in params or array.shape not in ((), params[name].shape):
                raise InputError(f"{path} does not fit this recipe: {key} has the shape {array.shape}: {REMEDY}")
            check_finite(path, key, array)
            optimiser.setdefault(name, {})[part] = array
    if header.sha256 != sha256:
        raise InputError(f"{path} was changed, or renamed, after it was written: {REMEDY}")
    return Checkpoint(header.step, from_leaves(params), optimiser, header.facts)


def checksum(name: str, step: int, facts: Facts, arrays: dict[str, Any]) -> str:
    """Of all that a checkpoint holds, and its file's name: the best one and the last one are not exchanged."""
    found = hashlib.sha256(json.dumps([name, step, msgspec.to_builtins(facts)]).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape} ".encode())
        found.update(array.data)
    return found.hexdigest()


def header_in(text: np.ndarray, path: Path) -> Header:
    """The header, checked. InputError if it is damaged, or of another format or version."""
    if text.dtype.kind != "U" or text.shape != ():
        raise InputError(f"{path} is damaged (no header): {REMEDY}")
    header = parse_ours(str(text), Header, FORMAT, (1, 2, 3, VERSION), where=str(path), remedy=REMEDY)
    if header.version == VERSION and header.step and header.facts.loss is None:
        raise InputError(f"{path} is damaged (no loss of the first step): {REMEDY}")
    return header


def check_params(path: Path, params: dict[str, np.ndarray], like: Tree) -> None:
    """InputError unless the parameters have the names, shapes and dtypes of `like`, and finite values."""
    expected = {name: (array.shape, array.dtype) for name, array in leaves(like)}
    found = {name: (array.shape, array.dtype) for name, array in params.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{path} does not fit this recipe: {name} should be {show(expected.get(name))}, "
                f"is {show(found.get(name))}: {REMEDY}"
            )
    for name, array in params.items():
        check_finite(path, name, array)


def check_finite(path: Path, name: str, array: np.ndarray) -> None:
    """InputError for NaN or infinity: whatever such a network computes is worthless."""
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InputError(f"expected finite numbers in {path}, but {name} has others: {REMEDY}")


def renamed(key: str, old_names: Mapping[str, str]) -> str:
    """params/network.recurrence.Wi -> params/network.recurrence.W, and so for optimiser/network.recurrence.Wi/m."""
    kind, slash, rest = key.partition("/")
    name, part_slash, part = rest.partition("/")
    for old, new in old_names.items():
        if name.endswith(old):
            return f"{kind}{slash}{name.removesuffix(old)}{new}{part_slash}{part}"
    return key


def show(shape_and_dtype: tuple[tuple[int, ...], np.dtype] | None) -> str:
    return "absent" if shape_and_dtype is None else f"{shape_and_dtype[1]} {shape_and_dtype[0]}"
