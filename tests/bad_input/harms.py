"""What is done to a file: every function `in_...` gives {name of the harm: what does it}, for one kind of file.

A harm takes the path of a valid file and leaves something else there. All are drawn from fixed seeds. A new format
needs a line in FORMATS of cases.py, and a function here only if it is of a new kind.
"""

import copy
import io
import json
import os
import shutil
import struct
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Harm = Callable[[Path], None]
Harms = dict[str, tuple[Harm, bool]]  # the bool: whether the harmed file may be a valid one that says something else
Change = tuple[Callable[[Any], str], bool]  # tree -> text; whether it is a value of the old kind
HOLE = "@hole@"  # a value in JSON or TOML that `written` replaces by raw text
DIGITS, DEEP = "9" * 5000, "[" * 100_000 + "]" * 100_000
NUMBERS = {"-1", "0", "10^30", "-0.5", "1e308", "5,000 digits", "NaN", "Infinity", "1e999", "nan", "inf"}
TEXTS = {"text", "no text", "300 letters", "zero byte", "way out", "half"}
BOTH = {"true": "true", "-1": "-1", "0": "0", "10^30": "1" + "0" * 30, "-0.5": "-0.5", "1e308": "1e308"}
BOTH |= {"text": '"text"', "no text": '""', "300 letters": f'"{"x" * 300}"', "list": "[]", "list of list": "[[1]]"}
BOTH |= {"5,000 digits": DIGITS, "100,000 deep": DEEP, "zero byte": '"a\\u0000b"', "way out": '"../../../etc/passwd"'}
IN_JSON = {
    **BOTH,
    "null": "null",
    "dict": "{}",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "1e999": "1e999",
    "half": '"\\ud800"',
}
IN_TOML = {**BOTH, "date": "1979-05-27", "dict": "{}", "nan": "nan", "inf": "-inf", "1e999": "1e999"}


def all_of(harms: dict[str, Harm], *, valid: bool) -> Harms:
    return {name: (harm, valid) for name, harm in harms.items()}


def replace(path: Path, content: bytes) -> None:
    """A new file in place of the old one."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


# Any file.


def in_place_of(path: Path) -> Harms:
    """Something else under its name."""

    def put(make: Callable[[Path], Any]) -> Harm:
        def harm(path: Path) -> None:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            make(path)

        return harm

    found = {
        "missing": put(lambda path: None),
        "a pipe": put(os.mkfifo),
        "a device without end": put(lambda path: path.symlink_to("/dev/zero")),
        "a broken link": put(lambda path: path.symlink_to("nowhere")),
        "a link to itself": put(lambda path: path.symlink_to(path.name)),
        "may not be read": lambda path: path.chmod(0),
    }
    if path.is_dir():
        found["a file"] = put(lambda path: path.write_text("text"))
        return all_of(found | {"may be listed, not entered": lambda path: path.chmod(0o400)}, valid=False)
    return all_of(found | {"a folder": put(Path.mkdir), "a socket": put(socket_at)}, valid=False)


def socket_at(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


def in_bytes(path: Path, changes: int = 5) -> Harms:
    """The same file with other bytes."""

    def to(change: Callable[[bytes], bytes]) -> Harm:
        return lambda path: replace(path, change(path.read_bytes()))

    def cut(share: float) -> Harm:
        return to(lambda old: old[: int(share * len(old))])

    def flipped(seed: int) -> Harm:
        def change(old: bytes) -> bytes:
            rng = np.random.default_rng(seed)
            new = bytearray(old)
            for place in rng.integers(len(old), size=1 + 4 * (seed % 2)):
                new[place] ^= int(rng.integers(1, 256))
            return bytes(new)

        return to(change)

    found = {
        "empty": cut(0),
        **{f"cut at {share:.1%}": cut(share) for share in (0.001, 0.1, 0.5, 0.9, 0.999)},
        **{f"bytes changed, seed {seed}": flipped(seed) for seed in range(changes)},
        "text in front": to(lambda old: b"\xef\xbb\xbf" + old),
        "UTF-16": to(lambda old: old.decode("latin-1").encode("utf-16")),
        "a zero byte in the middle": to(lambda old: old[: len(old) // 2] + b"\0" + old[len(old) // 2 :]),
        "zeros alone": to(lambda old: bytes(len(old))),
        "twice": to(lambda old: old + old),
        "noise": to(lambda old: np.random.default_rng(1).bytes(len(old))),
    }
    return all_of(found, valid=True)


# JSON, lines of JSON, TOML.


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values are: the whole, every key, and the first entry of every list."""
    yield at
    if isinstance(tree, dict):
        for key in tree:
            yield from places(tree[key], (*at, key))
    elif isinstance(tree, list) and tree:
        yield from places(tree[0], (*at, 0))


def called(at: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in at).lstrip(".") or "the whole"


def changed(tree: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The tree with another value at a place."""
    if not at:
        return new
    tree = copy.deepcopy(tree)
    inner = tree
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return tree


def removed(tree: Any, at: tuple[Any, ...]) -> Any:
    tree = copy.deepcopy(tree)
    inner = tree
    for key in at[:-1]:
        inner = inner[key]
    del inner[at[-1]]
    return tree


def at_place(tree: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        tree = tree[key]
    return tree


def of_the_old_kind(old: Any, name: str) -> bool:
    """Whether this raw value may be a valid one, where `old` stands: a number for a number, a text for a text."""
    if isinstance(old, bool):
        return name == "true"
    return name in (NUMBERS if isinstance(old, int | float) else TEXTS if isinstance(old, str) else ("list", "dict"))


def in_values(tree: Any, raws: dict[str, str], write: Callable[[Any], str]) -> dict[str, Change]:
    """Every place with every raw value, and without it."""
    found: dict[str, Change] = {}
    for at in places(tree):
        for name, raw in raws.items():
            to = lambda t, a=at, r=raw: write(changed(t, a, HOLE)).replace(f'"{HOLE}"', r)  # noqa: E731
            found[f"{called(at)} = {name}"] = to, of_the_old_kind(at_place(tree, at), name)
        if at:
            found[f"no {called(at)}"] = (lambda t, a=at: write(removed(t, a))), True
    return found


def of_file(change: Callable[[Any], str], read: Callable[[str], Any]) -> Harm:
    return lambda path: replace(path, change(read(path.read_text())).encode())


def in_json(path: Path) -> Harms:
    """Every value of a JSON file."""
    tree = json.loads(path.read_text())
    more: dict[str, Change] = {}
    if isinstance(tree, dict):
        more["another key"] = (lambda tree: json.dumps(tree | {"stranger": [1, {"a": None}]})), False
        more["a key twice"] = (lambda tree: json.dumps(tree)[:-1] + f', "{next(iter(tree))}": 3}}'), True
    if "version" in tree:
        more["a newer version"] = (lambda tree: json.dumps(tree | {"version": 99})), False
    changes = in_values(tree, IN_JSON, json.dumps) | more
    return {name: (of_file(change, json.loads), valid) for name, (change, valid) in changes.items()}


def in_old_index(path: Path) -> Harms:
    """Every value of an index of version 1, which has no checksum of its own: its reader has to see every fault."""

    def old(harm: Harm) -> Harm:
        def both(path: Path) -> None:
            tree = json.loads(path.read_text())
            replace(path, json.dumps({k: v for k, v in tree.items() if k != "index_sha256"} | {"version": 1}).encode())
            harm(path)

        return both

    return {f"old, {name}": (old(harm), v) for name, (harm, v) in in_json(path).items() if "index_sha256" not in name}


def in_lines(path: Path) -> Harms:
    """Every value of the first line of JSON lines; other lines between them."""

    def harm(change: Callable[[list[str]], list[str]]) -> Harm:
        return of_file(lambda lines: "\n".join([*change(lines), ""]), str.splitlines)

    first = json.loads(path.read_text().splitlines()[0])
    found: Harms = {
        name: (harm(lambda lines, change=change: [change(json.loads(lines[0])), *lines[1:]]), valid)
        for name, (change, valid) in in_values(first, IN_JSON, json.dumps).items()
    }
    for name, line in {"{}": "{}", "[2]": "[2]", "no JSON": "oops", "half a line": '{"step": 2'}.items():
        found[f"a line {name}"] = harm(lambda lines, line=line: [*lines, line]), False
    found["its lines twice"] = harm(lambda lines: lines + lines), False
    return found | {"backwards": (harm(lambda lines: lines[::-1]), False)}


def in_toml(path: Path) -> Harms:
    """Every value of a TOML file."""
    tree = tomllib.loads(path.read_text())
    changes = in_values(tree, IN_TOML, as_toml)
    changes = {name: change for name, change in changes.items() if not name.startswith("the whole")}
    changes["another key"] = (lambda tree: as_toml(tree | {"stranger": 1})), False
    changes["another table"] = (lambda tree: as_toml(tree | {"strangers": {"a": 1}})), False
    return {name: (of_file(change, tomllib.loads), valid) for name, (change, valid) in changes.items()}


def as_toml(tree: Any) -> str:
    return "".join(f"{json.dumps(key)} = {in_a_line(value)}\n" for key, value in tree.items())


def in_a_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {in_a_line(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(in_a_line, value)) + "]" if isinstance(value, list) else json.dumps(value)


# Arrays.


def in_npy(path: Path) -> Harms:
    """An .npy file with another array."""

    def to(change: Callable[[np.ndarray], Any]) -> Harm:
        def harm(path: Path) -> None:
            new = change(np.load(path))
            path.unlink()
            path.write_bytes(new if isinstance(new, bytes) else npy(new))

        return harm

    found = {
        "one value changed": to(one_changed),
        "floats": to(lambda a: a.astype(float)),
        "objects": to(lambda a: np.array([None, {}], object)),
        "text": to(lambda a: np.array(["a", "b"])),
        "no axes": to(lambda a: a.ravel()[0]),
        "flat": to(lambda a: a.ravel()),
        "nothing": to(lambda a: a[:0]),
        "one less": to(lambda a: a[1:]),
        "Fortran's order": to(np.asfortranarray),
        "373 GiB claimed": to(lambda a: claim(a, (10**11, *a.shape[1:]))),
        "a negative length claimed": to(lambda a: claim(a, (-1, *a.shape[1:]))),
        "5,000 digits claimed": to(lambda a: claim(a, (10**300, *a.shape[1:]))),
        "code for a shape": to(lambda a: npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': exit()}")),
        "deep nesting for a shape": to(lambda a: npy_of("(" * 9000 + ")" * 9000)),
        "another version": to(lambda a: npy(a)[:6] + b"\x09" + npy(a)[7:]),
    }
    return all_of(found, valid=False)


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def claim(array: np.ndarray, shape: tuple[int, ...]) -> bytes:
    """The array's bytes below a head that says another shape."""
    return npy_of(f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {shape}, }}") + array.tobytes()


def npy_of(head: str) -> bytes:
    padded = head + " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()


def one_changed(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[array.size // 2] += 1
    return array


def in_npz(path: Path) -> Harms:
    """A checkpoint with other arrays, or another header."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(str(arrays["header"]))
    params = [name for name in arrays if name.startswith("params/")]
    states = [name for name in arrays if name.startswith("optimiser/")]
    first, state = params[0], states[0]

    def to(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Harm:
        def harm(path: Path) -> None:
            with np.load(path) as file:
                new = change({name: file[name] for name in file.files})
            path.unlink()
            with zipfile.ZipFile(path, "w") as out:
                for name, array in new.items():
                    out.writestr(f"{name}.npy", array if isinstance(array, bytes) else npy(np.asanyarray(array)))

        return harm

    def put(name: str, change: Callable[[np.ndarray], Any]) -> Harm:
        return to(lambda arrays: arrays | {name: change(arrays[name])})

    def without(*names: str) -> Harm:
        return to(lambda arrays: {name: array for name, array in arrays.items() if name not in names})

    found: dict[str, Harm] = {"no header": without("header"), "no optimiser at all": without(*states)}
    for name in (*params[:3], *states[:3], *params[-1:], *states[-1:]):
        found[f"no {name}"] = without(name)
    for name in (first, params[-1], state, states[-1]):
        for word, value in (("NaN", np.nan), ("inf", np.inf), ("1e38", 1e38)):
            found[f"{name} all {word}"] = put(name, lambda a, v=value: np.full_like(a, v))
        found |= {
            f"{name} is empty": put(name, lambda a: a[..., :0] if a.ndim else np.zeros(0, a.dtype)),
            f"{name} has an axis more": put(name, lambda a: a[None]),
            f"{name} is a number": put(name, lambda a: np.zeros((), a.dtype)),
            f"{name} of float64": put(name, lambda a: a.astype(float)),
            f"{name} of complex numbers": put(name, lambda a: a.astype(complex)),
            f"{name} of objects": put(name, lambda a: np.array([{}, None], object)),
            f"{name} of text": put(name, lambda a: np.array("text")),
            f"{name} claims 373 GiB": put(name, lambda a: claim(a, (10**11,))),
            f"{name} claims less than nothing": put(name, lambda a: claim(a, (-1,))),
            f"{name} is no array": put(name, lambda a: b"text"),
        }
    strangers = (
        "params/network.stranger",
        "optimiser/stranger/m",
        "stranger",
        "params/../../x",
        "optimiser/x",
        "params/",
    )
    for name in strangers:
        found[f"a stranger {name}"] = to(lambda arrays, name=name: arrays | {name: np.zeros(3, np.float32)})
    in_header = {
        f"header: {name}": (put("header", lambda a, change=change: np.array(change(json.loads(str(a))))), valid)
        for name, (change, valid) in in_values(header, IN_JSON, json.dumps).items()
    }
    for word, value in (("a number", 3), ("two texts", ["{}", "{}"]), ("bytes", b"{}"), ("no JSON", "oops")):
        found[f"header is {word}"] = put("header", lambda a, value=value: np.array(value))
    found |= {"no arrays": to(lambda arrays: {}), "a bomb of zeros": bomb, "a locked entry": locked}
    forged = {name: (harm, True) for name, harm in found.items() if name.endswith("all 1e38")}  # numbers like others
    return all_of(found, valid=False) | in_header | forged


def bomb(path: Path) -> None:
    """An .npz of a few MB that becomes 4 GB."""
    path.unlink()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out, out.open("params/a.npy", "w", force_zip64=True) as to:
        to.write(claim(np.zeros(0, np.float32), (10**9,)))
        for _ in range(400):
            to.write(bytes(10**7))


def locked(path: Path) -> None:
    """The flag says that its first entry needs a password."""
    content = bytearray(path.read_bytes())
    for sign, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(sign) + flag] |= 1
    replace(path, bytes(content))


# Images.


def in_images(path: Path) -> Harms:
    def to(save: Callable[[Path, Image.Image], Any]) -> Harm:
        def harm(path: Path) -> None:
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
            path.unlink()
            save(path, picture)

        return harm

    def as_format(name: str, mode: str = "RGB") -> Harm:
        return to(lambda path, picture: picture.convert(mode).save(path, format=name))

    found = {
        "GIF inside": as_format("GIF", "P"),
        "WebP inside": as_format("WEBP"),
        "TIFF inside": as_format("TIFF"),
        "BMP inside": as_format("BMP"),
        "CMYK": as_format("JPEG", "CMYK"),
        "grey": as_format("PNG", "L"),
        "two colours": as_format("PNG", "1"),
        "sixteen bits": to(sixteen_bits),
        "see-through": as_format("PNG", "RGBA"),
        "turned by EXIF": to(turned),
        "one pixel": to(lambda path, picture: picture.resize((1, 1)).save(path)),
        "5,000 pixels wide": to(lambda path, picture: picture.resize((5000, 1)).save(path)),
        "60,000 x 60,000 claimed": to(lambda path, picture: path.write_bytes(huge_png())),
        "a video's first bytes": to(
            lambda path, picture: path.write_bytes(b"\0\0\0 ftypisom\0\0\2\0isomiso2avc1mp41" * 9)
        ),
    }
    return all_of(found, valid=True)


def sixteen_bits(path: Path, picture: Image.Image) -> None:
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(path, format="PNG")


def turned(path: Path, picture: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)


def huge_png() -> bytes:
    """A head of 60,000 x 60,000 pixels, and no more."""
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# MARS: lists of names, matrices.


def in_names(path: Path) -> Harms:
    def line(new: str) -> Harm:
        return lambda path: replace(path, "\n".join([new, *path.read_text().splitlines()[1:], ""]).encode())

    news = (
        "",
        "0001",
        "../../etc/passwd.jpg",
        "9999C1T0001F001.jpg",
        "0001C9T0001F001.jpg",
        "a\0b.jpg",
        "x" * 300,
        "/0001C1T0001F001.jpg",
    )
    return all_of({f"first line {new[:20]!r}": line(new) for new in news}, valid=True)


def in_mat(path: Path) -> Harms:
    from scipy.io import loadmat, savemat

    (name,) = (key for key in loadmat(path) if not key.startswith("__"))

    def to(change: Callable[[np.ndarray], Any], key: str = name) -> Harm:
        def harm(path: Path) -> None:
            new = change(loadmat(path)[name])
            path.unlink()
            savemat(path, {key: new})

        return harm

    def first(value: float) -> Callable[[np.ndarray], np.ndarray]:
        return lambda a: np.concatenate([[value], a.ravel().astype(float)[1:]]).reshape(a.shape)

    found = {
        **{f"first = {value:g}": to(first(value)) for value in (np.nan, np.inf, -1, 0, 0.5, 1e6, 1e30)},
        "another name": to(lambda a: a, "stranger"),
        "text": to(lambda a: "text"),
        "cells": to(lambda a: np.array([1, "a"], object)),
        "nothing": to(lambda a: a[:0]),
        "flat": to(lambda a: a.ravel()),
        "a column less": to(lambda a: a[:, :-1]),
        "a column more": to(lambda a: np.concatenate([a, a[:, :1]], axis=1)),
        "three axes": to(lambda a: a[None]),
        "complex": to(lambda a: a + 1j),
        "a struct": to(lambda a: {"a": a}),
    }
    return all_of(found, valid=True)
