"""How the grader and the process of a student's file talk: values as bytes. Never pickle, which can run code.

A message is two lengths (8 bytes each), a header and data. The header is JSON: the tree of the value. The data are the
arrays of the tree, one after the other.

    in the tree             in the header
    an array                {"array": [dtype, shape]}
    a list, tuple, dict     {"list": [...]}, {"tuple": [...]}, {"dict": {...}}
    a Seed                  {"seed": 17}, which becomes a NumPy Generator on the other side
    a Code                  {"code": "lambda x: ..."}, which becomes a function on the other side
    None, bool, int, float, str     themselves

This file is copied beside child.py. It needs the standard library and NumPy alone.
"""

import io
import json
from typing import Any, BinaryIO, NamedTuple

import numpy as np

LARGEST = 32_000_000  # bytes of a message
DEEPEST = 6
DTYPES = "?bhilqBHILQefdFD"


class Seed(NamedTuple):
    """A NumPy Generator of the other side, default_rng(value)."""

    value: int


class Code(NamedTuple):
    """A function of the other side: the text of an expression, with np."""

    text: str

    def function(self) -> Any:
        return eval(self.text, {"np": np})  # the text is the grader's, never the student's


def send(stream: BinaryIO, value: Any) -> None:
    """Write one message. TypeError or ValueError if the value cannot be sent."""
    arrays: list[np.ndarray] = []
    header = json.dumps(packed(value, arrays, 0)).encode()
    size = sum(array.nbytes for array in arrays)
    if size + len(header) > LARGEST:
        raise ValueError(f"{size + len(header)} bytes are too many: at most {LARGEST}")
    data = b"".join(array.tobytes() for array in arrays)
    stream.write(len(header).to_bytes(8, "big") + size.to_bytes(8, "big") + header + data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message. EOFError if the stream ends; ValueError if it is no message."""
    sizes = [int.from_bytes(exactly(stream, 8), "big") for _ in range(2)]
    if sum(sizes) > LARGEST:
        raise ValueError("no message: too long")
    header, data = (exactly(stream, size) for size in sizes)
    try:
        return unpacked(json.loads(header), io.BytesIO(data), 0)
    except (KeyError, TypeError, IndexError, RecursionError, AttributeError) as fault:
        raise ValueError(f"no message: {fault}") from None


def exactly(stream: BinaryIO, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = stream.read(size - len(found))
        if not part:
            raise EOFError("the stream ended within a message")
        found += part
    return found


def packed(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    """The header's form of a value. Its arrays are appended to `arrays`."""
    if depth > DEEPEST:
        raise TypeError("lists in lists, too deep")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in (Seed, Code):
        return {type(value).__name__.lower(): value[0]}
    if isinstance(value, dict):
        return {"dict": {str(key): packed(part, arrays, depth + 1) for key, part in value.items()}}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [packed(part, arrays, depth + 1) for part in value]}
    return {"array": array_of(value, arrays)}


def array_of(value: Any, arrays: list[np.ndarray]) -> list[Any]:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"a value of type {type(value).__name__}")
    array = np.asarray(value)
    if array.dtype.char not in DTYPES:
        raise TypeError(f"an array of dtype {array.dtype}")
    if array.nbytes > LARGEST:
        raise ValueError(f"an array of {array.size} entries")
    arrays.append(array)
    return [array.dtype.newbyteorder("=").str, list(array.shape)]


def unpacked(tree: Any, data: io.BytesIO, depth: int) -> Any:
    if depth > DEEPEST + 1:
        raise ValueError("no message: too deep")
    if not isinstance(tree, dict):
        return tree
    ((kind, inside),) = tree.items()
    if kind == "array":
        return array_from(inside, data)
    if kind == "dict":
        return {key: unpacked(part, data, depth + 1) for key, part in inside.items()}
    if kind in ("list", "tuple"):
        parts = [unpacked(part, data, depth + 1) for part in inside]
        return parts if kind == "list" else tuple(parts)
    return {"seed": Seed, "code": Code}[kind](inside)


def array_from(inside: Any, data: io.BytesIO) -> np.ndarray:
    dtype, shape = np.dtype(inside[0]), tuple(inside[1])
    if dtype.char not in DTYPES or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"no message: an array {dtype} {shape}")
    content = data.read(dtype.itemsize * int(np.prod(shape, dtype=object)))
    return np.frombuffer(content, dtype).reshape(shape).copy()
