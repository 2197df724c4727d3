"""The streets behind the synthetic walkers: long textured pictures. Each frame shows a part of one of them.

Sizes are canvas pixels (twice the frame's). A scene repeats after WIDTH columns; MARGIN rows above and below leave room
for the wander of the box.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_tools.walkers.people import Colour

WIDTH, HEIGHT, MARGIN, WINDOW = 1536, 256, 24, 128
_TALL = HEIGHT + 2 * MARGIN


def _grain(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    """Add the mottled texture of plaster, asphalt or leaves: noise at several sizes."""
    grain = rng.normal(0, 5, (_TALL, WIDTH))
    for size, height in ((4, 5), (12, 5), (48, 6)):
        coarse = 128 + rng.normal(0, height, (_TALL // size + 1, WIDTH // size))
        blobs = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((WIDTH, _TALL), Image.Resampling.BICUBIC)
        grain += np.asarray(blobs).astype(float) - 128
    return Image.fromarray((np.asarray(picture) + strength * grain[..., None]).clip(0, 255).astype(np.uint8))


def _jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    r, g, b = (np.array(colour) + rng.normal(0, spread) + rng.normal(0, spread / 3, 3)).clip(0, 255).astype(int)
    return int(r), int(g), int(b)


def _street(rng: np.random.Generator) -> Image.Image:
    """A house front with windows and doors above a pavement of slabs."""
    picture = Image.new("RGB", (WIDTH, _TALL), (168, 164, 158))
    draw = ImageDraw.Draw(picture)
    kerb = MARGIN + 150
    x = 0
    while x < WIDTH:  # house by house
        wide = int(rng.integers(160, 320))
        front = _jitter(rng, ((172, 162, 150), (134, 122, 116), (186, 182, 176))[int(rng.integers(3))], 10)
        draw.rectangle((x, 0, x + wide, kerb), fill=front)
        draw.rectangle((x, kerb - 26, x + wide, kerb), fill=_jitter(rng, (104, 98, 94), 8))
        for left in range(x + 20, x + wide - 50, int(rng.integers(64, 110))):
            glass = _jitter(rng, (74, 82, 92), 16)
            low = kerb if rng.random() < 0.2 else kerb - 50  # a door or a window
            draw.rectangle((left - 4, MARGIN - 4, left + 44, low), fill=_jitter(rng, (206, 200, 190), 10))
            draw.rectangle((left, MARGIN, left + 40, low - 4), fill=glass)
        x += wide
    for row, y in enumerate(range(kerb, _TALL, 34)):
        for left in range(-(row % 2) * 30, WIDTH, 60):
            slab = _jitter(rng, (158, 154, 148), 7)
            draw.rectangle((left, y, left + 58, y + 32), fill=slab, outline=(128, 124, 120))
    return _grain(rng, picture, 0.7)


def _crossing(rng: np.random.Generator) -> Image.Image:
    """A hedge and parked cars above asphalt with zebra crossings."""
    picture = Image.new("RGB", (WIDTH, _TALL), (112, 114, 118))
    draw = ImageDraw.Draw(picture)
    far = MARGIN + 96
    draw.rectangle((0, 0, WIDTH, far), fill=(84, 104, 70))
    for _ in range(260):  # leaves
        x, y, r = int(rng.integers(WIDTH)), int(rng.integers(far)), int(rng.integers(5, 16))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_jitter(rng, (80, 102, 64), 16))
    for left in range(int(rng.integers(200)), WIDTH - 200, 420):
        paint = _jitter(rng, ((150, 152, 156), (70, 76, 96), (124, 60, 56))[int(rng.integers(3))], 12)
        draw.rounded_rectangle((left + 34, far - 66, left + 140, far - 20), 16, fill=(58, 64, 72))
        draw.rounded_rectangle((left, far - 40, left + 180, far + 6), 12, fill=paint)
        for wheel in (left + 36, left + 142):
            draw.ellipse((wheel - 15, far - 12, wheel + 15, far + 18), fill=(34, 34, 36))
    draw.rectangle((0, far + 12, WIDTH, far + 22), fill=(150, 150, 148))  # kerb
    for left in range(int(rng.integers(300)), WIDTH - 260, 520):
        for bar in range(5):
            x = left + bar * 44
            draw.polygon([(x, far + 40), (x + 24, far + 40), (x + 4, _TALL), (x - 24, _TALL)], fill=(202, 202, 198))
    return _grain(rng, picture, 1.0)


@lru_cache(maxsize=4)
def make_scene(kind: str, seed: int) -> Image.Image:
    """The scene "street" or "crossing", RGB, WIDTH + WINDOW columns (the first ones again at the end)."""
    draw = {"street": _street, "crossing": _crossing}[kind]
    picture = draw(np.random.default_rng([seed, 0, sum(kind.encode())])).filter(ImageFilter.GaussianBlur(1.6))
    whole = Image.new("RGB", (WIDTH + WINDOW, _TALL))
    whole.paste(picture, (0, 0))
    whole.paste(picture.crop((0, 0, WINDOW, _TALL)), (WIDTH, 0))
    return whole


def scene_window(scene: Image.Image, x: float, y: float) -> Image.Image:
    """The WINDOW x HEIGHT part of a scene that is `x` to the right (any number, wraps) and `y` (within MARGIN) down."""
    left, top = round(x) % WIDTH, MARGIN + round(min(MARGIN, max(-MARGIN, y)))
    return scene.crop((left, top, left + WINDOW, top + HEIGHT))
