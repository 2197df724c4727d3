"""One image: every kind of PNG and JPEG comes out upright in the right colours; what is none is named."""

import io
import os
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools import images
from data_tools.commands import prepare as prepare_command
from data_tools.find_faults import verify
from data_tools.formats import foreign
from data_tools.raw import Fault
from data_tools.write_prepared import prepare
from minireid.data.prepared import open_prepared

Capture = pytest.CaptureFixture[str]
GREY = np.linspace(0, 255, 32 * 16).astype(np.uint8).reshape(32, 16)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)


def saved(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def decoded(content: bytes) -> np.ndarray:
    image = images.decode(Path("0001.png"), content)
    assert isinstance(image, Image.Image), image
    return np.asarray(image)


def fault(name: str, content: bytes) -> Fault:
    found = images.decode(Path(name), content)
    assert isinstance(found, Fault)
    return found


def one_track(raw: Path, content: bytes, name: str = "1.png") -> Path:
    """A folder of your own with a single frame."""
    (raw / "anna/door/monday").mkdir(parents=True)
    (raw / "anna/door/monday" / name).write_bytes(content)
    return raw


def test_sixteen_bits_of_grey_are_scaled_to_eight() -> None:
    """v of 8 bits is 257 v of 16. Pillow's own conversion makes all above 255 white."""
    grey = np.repeat(GREY[..., None], 3, axis=2)
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(GREY.astype(np.uint16) * 257))), grey)
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(GREY))), grey)


def test_all_kinds_of_png_and_jpeg() -> None:
    """Transparency is dropped; palettes, inverted CMYK and two colours become what one sees."""
    alpha = np.dstack([COLOUR, np.full(GREY.shape, 7, np.uint8)])
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(alpha))), COLOUR)
    two = np.where(GREY > 127, 255, 0).astype(np.uint8)
    for mode in ("1", "L", "LA", "P"):
        content = saved(Image.fromarray(two).convert(mode))
        np.testing.assert_array_equal(decoded(content), np.repeat(two[..., None], 3, axis=2), err_msg=mode)
    red = Image.new("RGB", (16, 32), (220, 30, 40))
    for mode in ("RGB", "CMYK"):
        off = decoded(saved(red.convert(mode), "JPEG", quality=98)).astype(int) - (220, 30, 40)
        assert np.abs(off).max() < 6, mode


TURNED = {  # EXIF's orientation: what the camera stored of an upright picture
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: np.rot90(picture),
    7: lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
    8: lambda picture: np.rot90(picture, -1),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_a_turned_photo_is_upright(orientation: int, tmp_path: Path) -> None:
    """By the definition in EXIF, not by Pillow: 6 means that the first row of the file is the right side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(Image.fromarray(np.ascontiguousarray(TURNED[orientation](COLOUR))), exif=exif)
    np.testing.assert_array_equal(decoded(content), COLOUR)
    raw = one_track(tmp_path / "raw", content)
    facts = {what: here for what, here, _ in verify("own", raw, progress=False).facts}
    assert facts["height x width"] == "32 x 16"
    prepared = open_prepared(prepare("own", raw, tmp_path / "out", size=(32, 16), flow=False, progress=False))
    np.testing.assert_array_equal(prepared.frames[0], COLOUR)


def test_a_nonsense_orientation_is_upright_and_silent() -> None:
    for value in (0, 9, 65535):
        exif = Image.Exif()
        exif[0x0112] = value
        np.testing.assert_array_equal(decoded(saved(Image.fromarray(COLOUR), exif=exif)), COLOUR)


@pytest.mark.parametrize("format, what", [("WEBP", "a WebP"), ("BMP", "a BMP"), ("TIFF", "a TIFF"), ("GIF", "a GIF")])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_another_format_is_named_by_its_bytes(
    format: str, what: str, suffix: str, tmp_path: Path, capsys: Capture
) -> None:
    content = saved(Image.fromarray(COLOUR), format)
    says = f"is {what} image named .{suffix}: convert it to PNG or JPEG"
    assert fault(f"1.{suffix}", content)[::2] == ("another format", says)
    raw = one_track(tmp_path / "raw", content, f"1.{suffix}")
    (found,) = verify("own", raw, progress=False).faults
    assert found.text == says
    assert prepare_command.main(["own", str(raw), str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "head, what",
    [
        (b"\0\0\0\x20ftypisom", "an MP4 video"),
        (b"\0\0\0\x14ftypqt  ", "a QuickTime video"),
        (b"RIFF\0\1\2\3AVI LIST", "an AVI video"),
        (b"\x1a\x45\xdf\xa3\x01", "a Matroska or WebM video"),
        (b"\0\0\0\x18ftypheic", "a HEIC image"),
        (b"\0\0\0\x1cftypavif", "an AVIF image"),
        (b"PK\x03\x04", "an archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html><title>404", "a web page"),
    ],
)
def test_videos_archives_and_pages_are_named(head: bytes, what: str, tmp_path: Path) -> None:
    assert f"is {what} named .jpg: " in fault("a.jpg", head + bytes(600)).text
    (tmp_path / "file").write_bytes(head)
    assert f"is {what}: " in (foreign(tmp_path / "file") or "")
    if "video" in what:
        assert "ffmpeg -i file person/camera/track/%04d.png" in (foreign(tmp_path / "file") or "")


def test_text_that_begins_like_a_format_is_none(tmp_path: Path) -> None:
    for text in (b"BMW on the street", b"Get the dataset", b"P", b"RIFF raff", b""):
        (tmp_path / "notes").write_bytes(text)
        assert foreign(tmp_path / "notes") is None, text


def test_pipes_devices_and_huge_files_are_refused_at_once(tmp_path: Path, capsys: Capture) -> None:
    """Reading the first two would never end; the third claims 10 GB."""
    raw = one_track(tmp_path / "raw", saved(Image.fromarray(COLOUR)))
    folder = raw / "anna/door/monday"
    os.mkfifo(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/zero")
    with (folder / "huge.png").open("wb") as stream:
        stream.truncate(10 * 10**9)
    found = {(fault.kind, fault.path.name) for fault in verify("own", raw, progress=False).faults}
    assert found == {("unexpected", "pipe.png"), ("unexpected", "device.png"), ("unreadable", "huge.png")}
    for name in ("pipe.png", "device.png"):
        (folder / name).unlink()
    assert prepare_command.main(["own", str(raw), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "huge.png, got 10,000 MB" in line


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_file_where_a_frame_belongs(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "raw/multi_shot/cam_a/person_0001"
    folder.mkdir(parents=True)
    (tmp_path / "raw/multi_shot/cam_b").mkdir()
    os.mkfifo(folder / "0001.png") if kind == "fifo" else (folder / "0001.png").mkdir()
    faults = verify("prid2011", tmp_path / "raw", progress=False).faults
    assert ("unreadable", folder / "0001.png") in [found[:2] for found in faults]


@pytest.mark.filterwarnings("ignore")
def test_a_small_file_cannot_claim_a_large_picture() -> None:
    content = bytearray(saved(Image.fromarray(COLOUR)))
    for side, kind in ((10_000, "too large"), (60_000, "damaged image")):
        content[16:24] = side.to_bytes(4, "big") * 2
        content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
        assert fault("1.png", bytes(content)).kind == kind


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(["PNG", "JPEG"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0.1, 1.2),
)
def test_random_damage_is_a_fault_of_one_line(format: str, changes: list[tuple[float, int]], kept: float) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a camera"
    content = bytearray(saved(Image.fromarray(COLOUR), format, exif=exif))
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # pytest shows what a command does not
        found = images.decode(Path("0001.png"), bytes(content[: int(kept * len(content))]))
    if isinstance(found, Fault):
        assert "\n" not in found.text and len(found.text) < 250
    else:
        assert found.mode == "RGB" and min(found.size) >= 1  # a JPEG does not notice another size in its head
