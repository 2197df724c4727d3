"""What a file is that cannot be a frame, told by how it begins, and what to do with it."""

import re
import shlex
import stat
from pathlib import Path

HEAD = 512  # bytes that tell a format
CONVERT = "convert it to PNG or JPEG"
FRAMES = "make frames of it, as with ffmpeg -i {name} person/camera/track/%04d.png"
UNPACK = "unpack it"
FORMATS = (  # how a file begins, what it is, what to do
    (rb"RIFF....WEBP", "a WebP image", CONVERT),
    (rb"GIF8", "a GIF image", CONVERT),
    (rb"BM....\0\0\0\0", "a BMP image", CONVERT),
    (rb"II\*\0|MM\0\*", "a TIFF image", CONVERT),
    (rb"....ftyp(?:heic|heix|heif|mif1|msf1)", "a HEIC image", CONVERT),
    (rb"....ftyp(?:avif|avis)", "an AVIF image", CONVERT),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 image", CONVERT),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image", CONVERT),
    (rb"P[1-6]\s", "a PNM image", CONVERT),
    (rb"8BPS", "a Photoshop image", CONVERT),
    (rb"....ftypqt", "a QuickTime video", FRAMES),
    (rb"....ftyp", "an MP4 video", FRAMES),
    (rb"....(?:moov|mdat|wide)", "a QuickTime video", FRAMES),
    (rb"RIFF....AVI ", "an AVI video", FRAMES),
    (rb"\x1a\x45\xdf\xa3", "a Matroska or WebM video", FRAMES),
    (rb"\0\0\x01[\xb0-\xbf]|G.{187}G.{187}G", "an MPEG video", FRAMES),
    (rb"0&\xb2u\x8ef\xcf\x11", "a Windows Media video", FRAMES),
    (rb"FLV\x01", "a Flash video", FRAMES),
    (rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf|BZh|\xfd7zXZ", "an archive", UNPACK),
    (rb"%PDF", "a PDF document", "take its pictures out, as PNG or JPEG"),
    (rb"\s*<(?i:!doctype html|html)", "a web page", "download the image itself again"),
)
VIDEO = re.compile(r".+\.(?:mp4|m4v|avi|mov|mkv|webm|mpg|mpeg|mts|m2ts|wmv|flv|3gp)", re.IGNORECASE)


def foreign(path: Path) -> str | None:
    """What a file is that cannot be a frame, and what to do with it: "is a WebP image: convert it to PNG or JPEG".

    None for folders, for PNG and JPEG, and for what is not known.
    """
    head = b""
    try:
        if stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            with path.open("rb") as stream:
                head = stream.read(HEAD)
    except OSError:
        pass
    named = named_by(path, head)
    if named is None and VIDEO.fullmatch(path.name) and not path.is_dir():
        return f"is a video: {FRAMES.format(name=shlex.quote(path.name))}"
    return named


def named_by(path: Path, head: bytes) -> str | None:
    """The same for a file that begins with `head`. None for PNG, JPEG, and what is not known."""
    for begins, what, do in FORMATS:
        if re.match(begins, head, re.DOTALL):
            suffix = path.suffix.lower()
            otherwise = f" named {suffix}" if suffix in (".png", ".jpg", ".jpeg") else ""
            return f"is {what}{otherwise}: {do.format(name=shlex.quote(path.name))}"
    return None
