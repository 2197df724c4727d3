"""Checkpoints: everything that is needed to resume a run, in one .npz file that is written atomically."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import write_bytes
from minireid.base.trees import Tree, from_leaves, leaves

FORMAT = "minireid-checkpoint"
VERSION = 2  # version 1 had other names for some parameters, see `old_names`


class Checkpoint(NamedTuple):
    """step: steps done; optimiser: {parameter's name: {array's name: array}}; header: other values, as JSON."""

    step: int
    params: Tree
    optimiser: dict[str, dict[str, np.ndarray]]
    header: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file atomically. Raises InputError if it cannot be written."""
    arrays: dict[str, Any] = {f"params/{name}": array for name, array in leaves(checkpoint.params)}
    for name, state in checkpoint.optimiser.items():
        arrays |= {f"optimiser/{name}/{key}": array for key, array in state.items()}
    content_header = {"format": FORMAT, "version": VERSION, "step": checkpoint.step, "facts": checkpoint.header}
    content = io.BytesIO()
    np.savez(content, header=np.array(json.dumps(content_header)), **arrays)
    write_bytes(path, content.getvalue())


def load(path: Path, like: Tree, old_names: Mapping[str, str] | None = None) -> Checkpoint:
    """Read a checkpoint whose parameters have the names, shapes and dtypes of `like`.

    old_names: {old end of an array's name, in version 1: new end}.

    Raises InputError for a file that is missing, damaged, of unknown version or of another network.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
    except FileNotFoundError:
        raise InputError(f"expected a checkpoint at {path}, found none: train first") from None
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as fault:
        raise InputError(f"{path} is damaged or not a checkpoint ({fault}): use another one, or train again") from None
    if not isinstance(header, dict):
        raise InputError(f"{path} is damaged or not a checkpoint (invalid header): use another one, or train again")
    if header.get("format") != FORMAT or header.get("version") not in (1, VERSION):
        raise InputError(
            f"expected {FORMAT} version {VERSION} in {path}, got {header.get('format')} version {header.get('version')}"
        )
    if type(header.get("step")) is not int or type(header.get("facts")) is not dict:
        raise InputError(f"{path} is damaged (no step or facts in its header): use another one, or train again")
    if header["version"] == 1:
        arrays = {renamed(key, old_names or {}): array for key, array in arrays.items()}
    params = {key.removeprefix("params/"): value for key, value in arrays.items() if key.startswith("params/")}
    expected = {name: (array.shape, array.dtype) for name, array in leaves(like)}
    found = {name: (array.shape, array.dtype) for name, array in params.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{path} does not fit this recipe: {name} should be {show(expected.get(name))}, "
                f"is {show(found.get(name))}"
            )
    optimiser: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        if key.startswith("optimiser/"):
            name, _, part = key.removeprefix("optimiser/").partition("/")
            if array.shape not in ((), expected.get(name, ((),))[0]):
                raise InputError(f"{path} does not fit this recipe: {key} has the shape {array.shape}")
            optimiser.setdefault(name, {})[part] = array
    return Checkpoint(header["step"], from_leaves(params), optimiser, header["facts"])


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
