"""Reading .npz files: what a file claims is compared with what it holds, before anything is allocated.

NumPy believes the header of an array: one that claims 373 GiB is allocated before the first byte is read. Here an array
must have exactly the bytes that its header promises. So nothing larger than the file itself is ever made.
"""

import io
import math
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import reason

DAMAGED = (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def arrays_in(content: bytes, where: Path, remedy: str) -> dict[str, np.ndarray]:
    """{name: array} of an .npz file as np.savez writes it. where, remedy: for errors.

    InputError for a file that is damaged or compressed, and for arrays of Python objects: they would be unpickled.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("it is compressed")
            return {member.filename.removesuffix(".npy"): array_in(archive.read(member)) for member in members}
    except DAMAGED as fault:
        raise InputError(f"{where} is damaged ({reason(fault)[:120]}): {remedy}") from None


def array_in(content: bytes) -> np.ndarray:
    """The array of a .npy file. ValueError if header and content do not fit together."""
    stream = io.BytesIO(content)
    shape, fortran, dtype = header_of(stream)
    data = memoryview(content)[stream.tell() :]
    if dtype.hasobject or dtype.itemsize * math.prod(shape) != len(data):
        raise ValueError(f"an array of {dtype} {shape} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").copy(order="K")


def header_of(stream: io.BufferedIOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, dtype; the stream then stands at the first element. ValueError if damaged."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in read:
        raise ValueError(f"version {version} of .npy")
    try:
        shape, fortran, dtype = read[version](stream)
    except (TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError) as fault:  # it is parsed as text
        raise ValueError(f"no header of an array: {fault}") from None
    if any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array of the shape {shape}")
    return shape, fortran, dtype
