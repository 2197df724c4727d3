"""Results of a network as small PNG pictures inside the page: blue below 0, white 0, orange above 0.

Blue and orange are Okabe and Ito's: people with any common colour blindness can tell them apart.
"""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import Image

from minireid.data.images import FLOW_X, RGB_TO_YUV

BLUE, WHITE, ORANGE = (0, 114, 178), (255, 255, 255), (213, 94, 0)
CLEAR = 255  # the palette's last colour: nothing, between the maps
FRAMES, CHANNELS = 4, 8  # shown, at most
CELL, STRIP, GAP = 48, 384, 4  # pixels: about the width of one map; of a row of features; between maps
INPUTS = ("Y (brightness)", "U (blue)", "V (red)", "flow sideways", "flow downwards")


class Scale(NamedTuple):
    """limit: the value of the full colours. signed: there are values below 0. beyond: some are larger than limit."""

    limit: float
    signed: bool
    beyond: bool


class Picture(NamedTuple):
    """pixels: numbers of the palette, (rows, columns). caption: what rows and columns are."""

    pixels: np.ndarray
    caption: str
    scale: Scale


def some_frames(T: int) -> list[int]:
    """At most 4 frames, from the first to the last."""
    return sorted({round(t) for t in np.linspace(0, T - 1, min(FRAMES, T)).tolist()})


def picture_of(result: np.ndarray) -> Picture:
    """result: of one clip, (1, T, H, W, C), (1, H, W, C), (1, T, D) or (1, D)."""
    y = result[0]
    if y.ndim >= 3:
        more = f" of {y.shape[-1]}" if y.shape[-1] > CHANNELS else ""
        return maps(y, f"channels 1 to {min(CHANNELS, y.shape[-1])}{more}")
    rows = f"Rows: frames 1 to {len(y)}. Columns" if y.ndim == 2 else "From left to right"
    y = np.atleast_2d(y)
    numbers, scale = coloured(y)
    wide, high = max(1, STRIP // y.shape[1]), 12 if len(y) > 1 else 24
    return Picture(numbers.repeat(high, 0).repeat(wide, 1), f"{rows}: features 1 to {y.shape[1]}.", scale)


def maps(y: np.ndarray, channels: str) -> Picture:
    """(T, H, W, C) or (H, W, C): frames below each other, channels side by side. channels: which ones, in words."""
    over_time = y.ndim == 4
    frames = some_frames(len(y)) if over_time else [0]
    shown = (y if over_time else y[None])[frames, ..., :CHANNELS]
    numbers, scale = coloured(shown)
    large = max(1, round(CELL / y.shape[-2]))
    numbers = numbers.repeat(large, 1).repeat(large, 2)
    apart = np.pad(numbers, [(0, 0), (0, GAP), (0, GAP), (0, 0)], constant_values=CLEAR)
    montage = apart.transpose(0, 1, 3, 2).reshape(len(frames) * apart.shape[1], -1)
    rows = f"Rows: frames {listed([t + 1 for t in frames])}. " if over_time else "One map for the clip. "
    return Picture(montage[:-GAP, :-GAP], f"{rows}Columns: {channels}.", scale)


def coloured(values: np.ndarray) -> tuple[np.ndarray, Scale]:
    """Numbers of the palette, and what they mean. A few extreme values do not make all pale."""
    size = np.abs(values)
    largest, usual = float(size.max()), float(np.quantile(size, 0.99))
    beyond = 0 < 1.5 * usual < largest
    limit = usual if beyond else largest
    scaled = np.clip(values / (limit or 1.0), -1, 1)
    return np.rint(127 + 127 * scaled).astype(np.uint8), Scale(limit, bool(values.min() < 0), beyond)


def palette() -> list[int]:
    """Colours 0 to 254, from blue over white (127) to orange; then one that is not drawn."""
    below, above = np.linspace(BLUE, WHITE, 128), np.linspace(WHITE, ORANGE, 128)
    return np.rint(np.concatenate([below, above[1:], [WHITE]])).astype(int).ravel().tolist()


def frames_in_colour(clip: np.ndarray) -> np.ndarray:
    """(T, H, W, C), normalised YUV -> uint8 RGB. Each frame lost its brightness and contrast; usual ones are put in."""
    yuv = clip[..., :3] * np.array([0.2, 0.03, 0.04]) + np.array([0.5, 0.0, 0.0])
    rgb = yuv @ np.linalg.inv(RGB_TO_YUV.astype(float))
    return np.rint(255 * rgb.clip(0, 1)).astype(np.uint8)


# From pixels to HTML.


def colour_html(clip: np.ndarray) -> str:
    """Frames of the clip (T, H, W, C) as one sees them."""
    frames = some_frames(len(clip))
    large = max(1, round(2 * CELL / clip.shape[2]))
    pixels = frames_in_colour(clip[frames]).repeat(large, 1).repeat(large, 2)
    strip = np.concatenate(list(pixels), axis=1)
    numbers = listed([t + 1 for t in frames])
    seen = (
        f"Frames {numbers}. The clip is drawn back from its normalised numbers: the colours are not exactly those of "
        "the camera."
    )
    return figure(png(Image.fromarray(strip)), f"A walking person: frames {numbers} of the clip, in colour.", seen)


def channels_html(clip: np.ndarray) -> str:
    """The numbers that the network reads."""
    shown = maps(clip, ", ".join(INPUTS[: clip.shape[-1]]))
    what = "brightness, colour and optical flow" if clip.shape[-1] > FLOW_X else "brightness and colour"
    return picture_html("input", shown, f"What the network reads: {what}, normalised")


def picture_html(name: str, shown: Picture, title: str = "") -> str:
    image = Image.fromarray(shown.pixels)
    image.putpalette(palette())
    alt = f"{title or 'Result of ' + name}. {shown.caption} {scale_in_words(shown.scale)}."
    return figure(
        png(image, transparency=CLEAR), alt, f"{title}. {shown.caption}" if title else shown.caption, shown.scale
    )


def figure(source: str, alt: str, caption: str, scale: Scale | None = None) -> str:
    with Image.open(io.BytesIO(base64.b64decode(source))) as image:
        width, height = image.size
    said = (scale_html(scale) if scale else "") + escape(caption)
    return (
        f'<figure><img src="data:image/png;base64,{source}" width="{width}" height="{height}" '
        f'alt="{escape(alt, quote=True)}"><figcaption>{said}</figcaption></figure>'
    )


def png(image: Image.Image, **how: int) -> str:
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True, **how)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def scale_in_words(scale: Scale) -> str:
    if scale.limit == 0:
        return "white 0: all values are 0"
    less, more = (" or less", " or more") if scale.beyond else ("", "")
    low = f"blue \N{MINUS SIGN}{scale.limit:.2g}{less}, " if scale.signed else ""
    return f"{low}white 0, orange {scale.limit:.2g}{more}"


def scale_html(scale: Scale) -> str:
    bar = "" if scale.limit == 0 else f'<span class="bar{" signed" if scale.signed else ""}"></span>'
    words = "".join(f"<span>{word}</span> " for word in scale_in_words(scale).split(", "))
    return f'<span class="scale">{bar}{words.replace("</span> <", ",</span> <")}</span>'


def listed(things: Sequence[object]) -> str:
    """1, 2 and 3"""
    *some, last = map(str, things)
    return f"{', '.join(some)} and {last}" if some else last
