"""Who a synthetic walker is: body, clothes, bag and gait. Everything here belongs to the person, nothing to a camera.

Clothes come from a small wardrobe. Dark, grey and blue are common, so many people share their colours. They differ in
how the colours are arranged (pattern, sleeves, skirt or trousers, bag), and in hair and build.
"""

from dataclasses import asdict, dataclass

import numpy as np

Colour = tuple[int, int, int]

# Red, green, blue in 0 … 255, as the clothes look in neutral light.
PALETTE: dict[str, Colour] = {
    "black": (30, 30, 34),
    "charcoal": (66, 66, 72),
    "grey": (120, 122, 126),
    "silver": (176, 178, 180),
    "white": (230, 230, 226),
    "navy": (36, 46, 88),
    "denim": (72, 96, 136),
    "sky": (128, 166, 208),
    "red": (172, 44, 46),
    "wine": (104, 34, 50),
    "green": (54, 112, 70),
    "olive": (98, 98, 60),
    "brown": (104, 74, 50),
    "beige": (194, 172, 136),
    "mustard": (200, 156, 52),
    "pink": (210, 138, 154),
    "purple": (98, 66, 124),
    "fair": (228, 188, 164),
    "tan": (196, 150, 118),
    "dark": (122, 84, 62),
    "blond": (196, 164, 104),
}

# A weight says how often something is worn. The weights are divided by their sum when they are used.
_TOP = {"black": 18, "charcoal": 14, "navy": 14, "grey": 12, "white": 10, "denim": 8, "silver": 6, "wine": 4, "red": 4}
_TOP |= {"green": 3, "olive": 4, "brown": 4, "beige": 4, "sky": 3, "mustard": 2, "pink": 2, "purple": 2}
_BOTTOM = {"black": 26, "denim": 22, "navy": 16, "charcoal": 14, "grey": 8, "beige": 7, "brown": 4, "olive": 3}
_ACCENT = {
    "white": 20,
    "black": 14,
    "silver": 12,
    "navy": 8,
    "red": 8,
    "beige": 8,
    "sky": 6,
    "mustard": 5,
    "charcoal": 8,
}
_PATTERN = {"plain": 26, "horizontal": 18, "vertical": 14, "checks": 13, "block": 17, "logo": 12}
_BOTTOM_KIND = {"trousers": 62, "skirt": 20, "shorts": 18}
_BAG = {"none": 28, "backpack": 24, "shoulder bag": 20, "handbag": 14, "suitcase": 14}
_BAG_COLOUR = {"black": 28, "brown": 14, "navy": 12, "red": 10, "beige": 10, "grey": 10, "olive": 8, "mustard": 8}
_HAIR = {"short": 40, "long": 26, "bun": 12, "bald": 8, "cap": 14}
_HAIR_COLOUR = {"black": 34, "brown": 36, "blond": 20, "silver": 10}
_SKIN = {"fair": 50, "tan": 32, "dark": 18}
_SHOES = {"black": 45, "white": 25, "brown": 20, "red": 10}


@dataclass(frozen=True)
class Person:
    """A walker. Lengths in metres, angles in radians, colours by their name in PALETTE."""

    height: float
    shoulders: float  # half of the breadth across the shoulders
    hips: float  # half of the breadth across the hips
    girth: float  # half of the depth from chest to back
    legs: float  # height of the hip joint as a share of the whole height
    skin: str
    hair: str
    hair_colour: str
    top: str
    top_accent: str
    top_pattern: str
    pattern_size: float  # one period of stripes or checks
    block: float  # where a two-tone top changes colour, as a share of its length from the shoulders
    top_length: float  # how far the top hangs below the hip joint
    sleeves: str
    bottom_kind: str
    bottom: str
    bottom_accent: str
    bottom_pattern: str
    shoes: str
    bag: str
    bag_colour: str
    bag_side: str  # "left" or "right", the person's own
    frequency: float  # gait cycles (two steps) per frame
    stride: float  # amplitude of the hip's angle
    arm_swing: float  # amplitude of the shoulder's angle
    elbow: float  # mean bend of the elbow
    bounce: float  # extra rise and fall of the body
    lean: float  # of the trunk, forwards


def _pick(rng: np.random.Generator, weights: dict[str, int]) -> str:
    names, share = list(weights), np.array(list(weights.values()), float)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _accent(rng: np.random.Generator, base: str) -> str:
    """Draw a second colour with another lightness than the first one, because cameras change hues."""
    light = {name: sum(PALETTE[name]) for name in _ACCENT}
    return _pick(rng, {n: w for n, w in _ACCENT.items() if abs(light[n] - sum(PALETTE[base])) > 150})


def draw_body(rng: np.random.Generator) -> dict[str, float]:
    """Proportions and gait, in the units of Person."""
    broad = rng.normal()  # heavy people are broad everywhere
    return {
        "height": float(np.clip(rng.normal(1.72, 0.09), 1.52, 1.92)),
        "shoulders": float(np.clip(0.205 + 0.018 * rng.normal() + 0.012 * broad, 0.165, 0.26)),
        "hips": float(np.clip(0.165 + 0.012 * rng.normal() + 0.016 * broad, 0.13, 0.22)),
        "girth": float(np.clip(0.125 + 0.008 * rng.normal() + 0.016 * broad, 0.1, 0.19)),
        "legs": float(rng.uniform(0.47, 0.53)),
        "frequency": float(rng.uniform(0.04, 0.065)),
        "stride": float(rng.uniform(0.32, 0.52)),
        "arm_swing": float(rng.uniform(0.12, 0.6)),
        "elbow": float(rng.uniform(0.1, 0.75)),
        "bounce": float(rng.uniform(0.0, 0.035)),
        "lean": float(rng.uniform(-0.03, 0.13)),
    }


def draw_person(rng: np.random.Generator) -> Person:
    """Draw one walker. The same generator state gives the same person."""
    top, bottom, kind = _pick(rng, _TOP), _pick(rng, _BOTTOM), _pick(rng, _BOTTOM_KIND)
    bottom_pattern = _pick(rng, {"plain": 64, "side": 20, "bands": 16})
    return Person(
        **draw_body(rng),
        skin=_pick(rng, _SKIN),
        hair=_pick(rng, _HAIR),
        hair_colour=_pick(rng, _HAIR_COLOUR),
        top=top,
        top_accent=_accent(rng, top),
        top_pattern=_pick(rng, _PATTERN),
        pattern_size=float(rng.choice([0.09, 0.13, 0.18])),
        block=float(rng.uniform(0.3, 0.65)),
        top_length=float(rng.choice([0.02, 0.06, 0.3], p=[0.45, 0.35, 0.2])),
        sleeves="long" if rng.random() < 0.6 else "short",
        bottom_kind=kind,
        bottom=bottom,
        bottom_accent=_accent(rng, bottom),
        bottom_pattern=bottom_pattern,
        shoes=_pick(rng, _SHOES),
        bag=_pick(rng, _BAG),
        bag_colour=_pick(rng, _BAG_COLOUR),
        bag_side="left" if rng.random() < 0.5 else "right",
    )


def describe(person: Person) -> dict[str, str | float]:
    """The person as plain values with three decimals, for walkers.json."""
    return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(person).items()}
