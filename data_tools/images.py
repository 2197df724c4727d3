"""One image of a raw dataset: from its file to upright red, green, blue, or what is wrong with it."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.formats import HEAD, named_by
from data_tools.raw import Fault
from minireid.base.files import read_bytes

LARGEST = 64 * 2**20  # bytes of a file
MOST_PIXELS = 64 * 2**20  # a small file can claim a picture that fills the memory
ORIENTATION = 0x0112  # EXIF: how the camera was held
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
warnings.filterwarnings(
    "ignore", module="PIL"
)  # of EXIF that is cut short, of large pictures: not one line, and no fault


def read(path: Path) -> bytes:
    """The bytes of an image. InputError for what is no ordinary file, is too large, or cannot be read."""
    return read_bytes(path, "an image", largest=LARGEST)


def decode(path: Path, content: bytes) -> Image.Image | Fault:
    """The whole picture, decoded now, upright, as 8 bits of red, green, blue; or what is wrong with it."""
    if not content:
        return Fault("zero bytes", path, "the file is empty")
    try:
        with _opened(content) as image:
            if image.width * image.height > MOST_PIXELS:
                return Fault("too large", path, f"{image.height} x {image.width} pixels: make it smaller")
            image.verify()  # all checksums of a PNG; decoding would stop after the last pixel
        with _opened(content) as image:
            return _upright(image)
    except Image.UnidentifiedImageError:
        named = named_by(path, content[:HEAD])
        if named:
            return Fault("another format", path, named)
        ours = content.startswith((b"\x89PNG", b"\xff\xd8"))
        return Fault("damaged image", path, "is damaged (its head)" if ours else "is neither a PNG nor a JPEG image")
    except MemoryError:
        raise
    except Exception as fault:  # Pillow raises errors of many types for a damaged file
        words = " ".join(str(fault).split())[:160] or type(fault).__name__
        return Fault("damaged image", path, f"is damaged ({words})")


def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    except Image.DecompressionBombError:
        raise ValueError("it claims more pixels than any picture has") from None


def _upright(image: Image.Image) -> Image.Image:
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow's own conversion would turn all above 255 white
        image = Image.fromarray(
            (np.asarray(image) >> 8).astype(np.uint8)
        )  # the high byte, as it does for 16-bit colours
    colours = image.convert("RGB")
    return colours if turn is None else colours.transpose(turn)
