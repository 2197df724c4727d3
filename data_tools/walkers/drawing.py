"""Draws a synthetic walker: points in the picture -> colours on a canvas, from the far side to the near side.

Sizes are in pixels of the canvas, unless metres are stated. The canvas is twice as high and wide as the frame: a pixel
of the frame is the mean of 2 x 2 canvas pixels. Points are (x, y) with y down.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from data_tools.walkers.people import PALETTE, Colour, Person

Point = tuple[float, float]
Points = dict[str, Point]
FAR = 0.68  # brightness of the limbs on the far side


@dataclass(frozen=True)
class Figure:
    """A person as one camera sees them on one track: what does not change from frame to frame."""

    person: Person
    heading: float  # radians, as in gait.project
    scale: float  # canvas pixels per metre, the track's mean
    near: str  # the person's side that is turned to the camera, "left" or "right"
    far: str
    trunk: Image.Image  # the top's cloth, its middle column on the trunk's axis, its first row at the shoulders


def shade(colour: Colour, brightness: float) -> Colour:
    """A colour made lighter or darker, clipped to 0 … 255."""
    r, g, b = (min(255, max(0, round(c * brightness))) for c in colour)
    return r, g, b


def _breadth(figure: Figure, across: float, depth: float) -> float:
    """Half of the breadth, in pixels, of an ellipse of half-axes `across` and `depth` metres, as the camera sees it."""
    return figure.scale * math.hypot(across * math.sin(figure.heading), depth * math.cos(figure.heading))


def _accented(person: Person, around: np.ndarray, down: np.ndarray, length: float) -> np.ndarray:
    """Where the top shows its second colour. around: radians from the chest; down: metres from the shoulders."""
    half = person.pattern_size / 2
    across = np.floor((around + np.pi) * 0.2 / half).astype(int) % 2 == 1  # 0.2 m: about a body's radius
    along = np.floor(down / half).astype(int) % 2 == 1
    if person.top_pattern == "horizontal":
        return along
    if person.top_pattern == "vertical":
        return across
    if person.top_pattern == "checks":
        return across ^ along
    if person.top_pattern == "block":
        return down > person.block * length
    if person.top_pattern == "logo":  # on the chest and on the back, so that each view can see one
        aside = np.minimum(np.abs(around), np.pi - np.abs(around))
        return (aside < 0.85) & (np.abs(down - 0.24) < 0.1)
    return np.zeros(around.shape, bool)


def _cloth(person: Person, heading: float, scale: float, light: float) -> Image.Image:
    """The top, wrapped around the trunk and seen under `heading`, lit from the azimuth `light` (0: from the camera)."""
    length = person.height * (0.82 - person.legs) + person.top_length
    broad = math.hypot(person.shoulders * math.sin(heading), person.girth * math.cos(heading)) * 1.05
    half = math.ceil(scale * broad)
    across = (np.arange(-half, half + 1) / (scale * broad)).clip(-1, 1)
    azimuth = np.arcsin(across)
    around = azimuth - math.atan2(math.cos(heading), math.sin(heading))
    around = (around + np.pi) % (2 * np.pi) - np.pi
    down = np.arange(math.ceil(1.2 * scale * (length + 0.1))) / scale  # long enough for every scale within a track
    grid_around, grid_down = np.meshgrid(around, down)
    accent = _accented(person, grid_around, grid_down, length)[..., None]
    cloth = np.where(accent, np.array(PALETTE[person.top_accent]), np.array(PALETTE[person.top]))
    lit = (0.74 + 0.34 * np.cos(azimuth - light).clip(0, None))[None, :, None]
    return Image.fromarray((cloth * lit).clip(0, 255).astype(np.uint8))


def make_figure(person: Person, heading: float, scale: float, light: float) -> Figure:
    """Prepare a person for one track. heading and light in radians, scale in canvas pixels per metre."""
    near, far = ("right", "left") if math.cos(heading) > 0 else ("left", "right")
    return Figure(person, heading, scale, near, far, _cloth(person, heading, scale, light))


def _disc(draw: ImageDraw.ImageDraw, centre: Point, rx: float, ry: float, colour: Colour) -> None:
    x, y = centre
    draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=colour)


def _limb(draw: ImageDraw.ImageDraw, p: Point, q: Point, rp: float, rq: float, colour: Colour) -> None:
    """A tapered rod with round ends, of radius rp at p and rq at q."""
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / length, dx / length
    draw.polygon(
        [
            (p[0] + rp * nx, p[1] + rp * ny),
            (q[0] + rq * nx, q[1] + rq * ny),
            (q[0] - rq * nx, q[1] - rq * ny),
            (p[0] - rp * nx, p[1] - rp * ny),
        ],
        fill=colour,
    )
    _disc(draw, p, rp, rp, colour)
    _disc(draw, q, rq, rq, colour)


def _between(p: Point, q: Point, share: float) -> Point:
    return p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])


def _bands(draw: ImageDraw.ImageDraw, p: Point, q: Point, rp: float, rq: float, colour: Colour, count: int) -> None:
    """`count` stripes across a limb that is already drawn."""
    for i in range(count):
        a, b = (2 * i + 0.75) / (2 * count), (2 * i + 1.5) / (2 * count)
        ra, rb = rp + a * (rq - rp), rp + b * (rq - rp)
        start, end = _between(p, q, a), _between(p, q, b)
        dx, dy = q[0] - p[0], q[1] - p[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length, dx / length
        corners = [(start, ra), (end, rb), (end, -rb), (start, -ra)]
        draw.polygon([(c[0] + r * nx, c[1] + r * ny) for c, r in corners], fill=colour)


def _leg(draw: ImageDraw.ImageDraw, figure: Figure, at: Points, side: str) -> None:
    person, s = figure.person, figure.scale
    bright = 1.0 if side == figure.near else FAR
    skin, cloth = shade(PALETTE[person.skin], bright), shade(PALETTE[person.bottom], bright)
    accent = shade(PALETTE[person.bottom_accent], bright)
    hip, knee, ankle = at[f"{side}_hip"], at[f"{side}_knee"], at[f"{side}_ankle"]
    thick = s * (0.03 + 0.36 * person.hips)
    bare = person.bottom_kind != "trousers"
    _limb(draw, at[f"{side}_heel"], at[f"{side}_toe"], s * 0.042, s * 0.03, shade(PALETTE[person.shoes], bright))
    _limb(draw, knee, ankle, s * 0.058, s * (0.036 if bare else 0.05), skin if bare else cloth)
    if person.bottom_kind == "skirt":
        _limb(draw, hip, knee, thick * 0.9, s * 0.056, skin)
        return
    _limb(draw, hip, knee, thick, s * (0.056 if bare else 0.066), skin if bare else cloth)
    if bare:
        _limb(draw, hip, _between(hip, knee, 0.78), thick * 1.04, s * 0.088, cloth)
    end = _between(hip, knee, 0.8) if bare else knee
    if person.bottom_pattern == "bands":
        _bands(draw, hip, end, thick, s * 0.07, accent, 3)
        if not bare:
            _bands(draw, knee, ankle, s * 0.064, s * 0.05, accent, 3)
    if person.bottom_pattern == "side" and side == figure.near:
        draw.line([hip, end] if bare else [hip, knee, ankle], fill=accent, width=max(2, round(s * 0.035)))


def _arm(draw: ImageDraw.ImageDraw, figure: Figure, at: Points, side: str) -> None:
    person, s = figure.person, figure.scale
    bright = 0.92 if side == figure.near else FAR
    skin, cloth = shade(PALETTE[person.skin], bright), shade(PALETTE[person.top], bright)
    accent = shade(PALETTE[person.top_accent], bright)
    shoulder, elbow, wrist = at[f"{side}_shoulder"], at[f"{side}_elbow"], at[f"{side}_wrist"]
    r = s * (0.02 + 0.2 * person.shoulders)
    long = person.sleeves == "long"
    fore = accent if person.top_pattern == "block" else cloth
    _limb(draw, elbow, wrist, r * (0.8 if long else 0.66), r * (0.68 if long else 0.52), fore if long else skin)
    hand = _between(elbow, wrist, 1.14)
    _disc(draw, hand, s * 0.038, s * 0.045, skin)
    if long:
        _limb(draw, shoulder, elbow, r, r * 0.82, cloth)
    else:
        _limb(draw, shoulder, elbow, r * 0.8, r * 0.66, skin)
        _limb(draw, shoulder, _between(shoulder, elbow, 0.6), r * 1.04, r * 0.95, cloth)
    if person.top_pattern in ("horizontal", "checks"):
        end = elbow if long else _between(shoulder, elbow, 0.7)
        _bands(draw, shoulder, end, r, r * 0.85, accent, 2 if person.pattern_size > 0.1 else 3)
        if long:
            _bands(draw, elbow, wrist, r * 0.8, r * 0.68, accent, 2)
    if person.top_pattern == "vertical":
        draw.line([shoulder, elbow, wrist] if long else [shoulder, _between(shoulder, elbow, 0.65)], accent, 2)


def _skirt(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    """A skirt that both knees push outwards."""
    person, s = figure.person, figure.scale
    pelvis, knees = at["pelvis"], (at["left_knee"], at["right_knee"])
    top = _breadth(figure, person.hips, person.girth)
    hem = max(k[1] for k in knees)
    left = min(pelvis[0] - top, min(k[0] for k in knees) - s * 0.07)
    right = max(pelvis[0] + top, max(k[0] for k in knees) + s * 0.07)
    waist = pelvis[1] - s * 0.06
    colour, accent = PALETTE[person.bottom], PALETTE[person.bottom_accent]

    def edge(share: float) -> tuple[Point, Point]:
        y = waist + share * (hem - waist)
        return (pelvis[0] - top + share * (left - pelvis[0] + top), y), (
            pelvis[0] + top + share * (right - pelvis[0] - top),
            y,
        )

    def slab(a: float, b: float, fill: Colour) -> None:
        (la, ra), (lb, rb) = edge(a), edge(b)
        draw.polygon([la, ra, rb, lb], fill=fill)

    slab(0.0, 1.0, colour)
    if person.bottom_pattern == "bands":
        for share in (0.3, 0.58, 0.86):
            slab(share, share + 0.14, accent)
    if person.bottom_pattern == "side":
        slab(0.85, 1.0, accent)


def _trunk(canvas: Image.Image, draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    """The trunk's outline, filled with the top's cloth. The cloth is sheared along with a leaning trunk."""
    person, s = figure.person, figure.scale
    chest, pelvis, neck = at["chest"], at["pelvis"], at["neck"]
    shoulder = _breadth(figure, person.shoulders, person.girth * 0.72)
    bust = _breadth(figure, person.shoulders * 0.95, person.girth)
    waist = _breadth(figure, person.hips * 0.95, person.girth * 0.92)
    hips = _breadth(figure, person.hips, person.girth * 1.02)
    hem = (pelvis[0], pelvis[1] + s * person.top_length)
    flare = hips * (1.12 if person.top_length > 0.2 else 1.0)
    levels = [
        ((chest[0], chest[1] - s * 0.045), 0.55 * shoulder),
        (chest, shoulder),
        (_between(chest, pelvis, 0.3), bust),
        (_between(chest, pelvis, 0.7), waist),
        (pelvis, hips),
        (hem, flare),
    ]
    _limb(draw, chest, neck, s * 0.05, s * 0.048, shade(PALETTE[person.skin], 0.86))
    outline = [(c[0] - r, c[1]) for c, r in levels] + [(c[0] + r, c[1]) for c, r in reversed(levels)]
    mask = Image.new("1", canvas.size)
    ImageDraw.Draw(mask).polygon(outline, fill=1)
    top = round(chest[1] - s * 0.045)
    middle = figure.trunk.width // 2
    # The cloth follows a leaning trunk: slices, each moved by about a pixel, as in a shear.
    slices = min(16, 1 + round(abs(chest[0] - pelvis[0])))
    bottom = math.ceil(hem[1]) + 1
    step = math.ceil((bottom - top) / slices)
    for i in range(slices):
        y = top + i * step
        share = (y + step / 2 - chest[1]) / max(1.0, pelvis[1] - chest[1])
        x = round(chest[0] + share * (pelvis[0] - chest[0])) - middle
        piece = figure.trunk.crop((0, y - top, figure.trunk.width, min(y - top + step, figure.trunk.height)))
        box = (x, y, x + piece.width, y + piece.height)
        canvas.paste(piece, box[:2], mask.crop(box))


def _head(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    person, s = figure.person, figure.scale
    ahead, facing = math.cos(figure.heading), math.sin(figure.heading)
    x, y = at["head"]
    rx, ry = s * 0.078, s * 0.105
    skin, hair = PALETTE[person.skin], PALETTE[person.hair_colour]
    bald = person.hair == "bald"
    if person.hair == "long":
        back = (x - ahead * rx * 0.55, y + ry * 0.6)
        _limb(draw, (x, y - ry * 0.1), back, rx * 1.15, rx * (1.1 if facing < 0 else 0.9), hair)
        _disc(draw, (back[0] - ahead * rx * 0.2, back[1] + ry * 0.7), rx * 0.95, ry * 0.6, hair)
    if person.hair == "bun":
        _disc(draw, (x - ahead * rx * 0.9, y - ry * 0.75), rx * 0.55, rx * 0.55, hair)
    _disc(draw, (x, y), rx, ry, skin)
    if not bald:
        _disc(draw, (x - ahead * rx * 0.1, y - ry * 0.2), rx * 1.05, ry * 0.88, hair)
    # The face: a disc in front of the hair, moved forwards. It is broad when it is turned to the camera.
    broad = rx * min(0.95, max(0.25, 0.58 + 0.5 * facing))
    _disc(draw, (x + ahead * (rx - broad * 0.96), y + ry * 0.26), broad, ry * 0.76, shade(skin, 1.04))
    if person.hair == "cap":
        cap = PALETTE[person.top_accent]
        draw.pieslice((x - rx * 1.08, y - ry * 1.1, x + rx * 1.08, y + ry * 0.7), 180, 360, fill=cap)
        peak = (x + ahead * rx * 1.6, y - ry * 0.12)
        _limb(draw, (x, y - ry * 0.2), peak, ry * 0.16, ry * 0.1, shade(cap, 0.8))


def _backpack(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    person, s = figure.person, figure.scale
    behind = -(person.girth + 0.1) * math.cos(figure.heading) * s
    top, low = _between(at["chest"], at["pelvis"], 0.02), _between(at["chest"], at["pelvis"], 0.8)
    half = _breadth(figure, 0.17, 0.12)
    colour = PALETTE[person.bag_colour]
    box = (top[0] + behind - half, top[1], top[0] + behind + half, low[1])
    draw.rounded_rectangle(box, radius=s * 0.06, fill=colour)
    pocket = (box[0] + half * 0.3, box[1] + (low[1] - top[1]) * 0.55, box[2] - half * 0.3, box[3] - s * 0.03)
    draw.rounded_rectangle(pocket, radius=s * 0.03, fill=shade(colour, 0.72))


def _straps(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    """The backpack's straps, over the shoulder that is turned to the camera."""
    shoulder, pelvis = at[f"{figure.near}_shoulder"], at["pelvis"]
    ahead = math.cos(figure.heading) * figure.person.girth * figure.scale * 0.5
    start, end = (shoulder[0] + ahead, shoulder[1]), _between(shoulder, pelvis, 0.5)
    draw.line(
        [start, end], fill=shade(PALETTE[figure.person.bag_colour], 0.8), width=max(2, round(figure.scale * 0.04))
    )


def _shoulder_bag(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    """A bag on the hip of its own side, its strap across the trunk from the other shoulder."""
    person, s = figure.person, figure.scale
    other = "left" if person.bag_side == "right" else "right"
    hip = at[f"{person.bag_side}_hip"]
    colour = PALETTE[person.bag_colour]
    draw.line([at[f"{other}_shoulder"], hip], fill=shade(colour, 0.75), width=max(2, round(s * 0.04)))
    half = _breadth(figure, 0.07, 0.17)
    draw.rounded_rectangle((hip[0] - half, hip[1] - s * 0.1, hip[0] + half, hip[1] + s * 0.17), s * 0.03, fill=colour)
    draw.rectangle((hip[0] - half, hip[1] - s * 0.1, hip[0] + half, hip[1] - s * 0.01), fill=shade(colour, 0.78))


def _carried(draw: ImageDraw.ImageDraw, figure: Figure, at: Points) -> None:
    """A handbag or a suitcase that hangs from the hand."""
    person, s = figure.person, figure.scale
    elbow, wrist = at[f"{person.bag_side}_elbow"], at[f"{person.bag_side}_wrist"]
    x, y = _between(elbow, wrist, 1.12)
    big = person.bag == "suitcase"
    half, drop, tall = (
        _breadth(figure, 0.1, 0.25 if big else 0.15),
        s * (0.04 if big else 0.09),
        s * (0.34 if big else 0.2),
    )
    colour = PALETTE[person.bag_colour]
    draw.line([(x - half * 0.5, y + drop), (x, y), (x + half * 0.5, y + drop)], fill=shade(colour, 0.7), width=2)
    draw.rounded_rectangle((x - half, y + drop, x + half, y + drop + tall), s * 0.03, fill=colour)
    middle = y + drop + tall / 2
    draw.rectangle((x - half, middle - s * 0.012, x + half, middle + s * 0.012), fill=shade(colour, 0.65))


def draw_figure(canvas: Image.Image, figure: Figure, at: Points) -> None:
    """Draw the person onto the canvas (an RGB image), changed in place. at: points of gait.project in one frame."""
    person, near, far = figure.person, figure.near, figure.far
    draw: Any = ImageDraw.Draw(canvas)
    faces_camera = math.sin(figure.heading) > 0
    bag_is_near = person.bag_side == near
    hanging = {"shoulder bag": _shoulder_bag, "handbag": _carried, "suitcase": _carried}.get(person.bag)
    _arm(draw, figure, at, far)
    if hanging and not bag_is_near:
        hanging(draw, figure, at)
    _leg(draw, figure, at, far)
    if person.bag == "backpack" and faces_camera:
        _backpack(draw, figure, at)
    _leg(draw, figure, at, near)
    if person.bottom_kind == "skirt":
        _skirt(draw, figure, at)
    _trunk(canvas, draw, figure, at)
    if person.bag == "backpack" and faces_camera:
        _straps(draw, figure, at)
    _head(draw, figure, at)
    if person.bag == "backpack" and not faces_camera:
        _backpack(draw, figure, at)
    if person.bag == "shoulder bag" and not bag_is_near:  # its strap crosses the trunk on the near side
        strap = shade(PALETTE[person.bag_colour], 0.75)
        draw.line([at[f"{near}_shoulder"], at["pelvis"]], fill=strap, width=max(2, round(figure.scale * 0.04)))
    _arm(draw, figure, at, near)
    if hanging and bag_is_near:
        hanging(draw, figure, at)
