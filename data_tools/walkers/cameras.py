"""What a camera makes of a synthetic walker: view, box, colours, shadow, noise, blur and what passes in front.

Everything that does not belong to the person is drawn from the track's own generator, before the person's poses are
computed. So nothing here depends on the gait, except the speed of the street, which is an argument.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_tools.walkers.drawing import Figure, Points, draw_figure, make_figure
from data_tools.walkers.gait import Joints, body_joints, project
from data_tools.walkers.people import Colour, Person, draw_person
from data_tools.walkers.scenes import HEIGHT, WINDOW, make_scene, scene_window

MEAN_HEIGHT = 1.72  # metres
CENTRE, GROUND = WINDOW / 2, 244.0  # where the walker's ground point lies on the canvas, before any wander


@dataclass(frozen=True)
class Camera:
    """One camera. Angles in radians, lengths in canvas pixels; a spread is a standard deviation from track to track."""

    name: str  # "a", "b" or "c", as in cam_a and cam_b
    scene: str
    aside: float  # angle of the walking direction to the picture's plane; positive: towards the camera
    aside_spread: float
    rightwards: float  # share of the tracks that walk to the right
    elevation: float
    light: float  # azimuth of the light, 0 from the camera
    scale: float  # canvas pixels per metre, for a person of MEAN_HEIGHT
    scale_spread: float  # relative
    wander: float  # movement of the box around the walker, within a track
    gains: tuple[float, float, float]  # colour cast
    saturation: float
    haze: float  # added to black, 0 … 255
    gamma: float
    colour_spread: float  # relative, of gains and gamma
    noise: float  # 0 … 255
    blur: float  # radius in frame pixels
    occluders: float  # share of the tracks in which something passes in front


CAMERA_A = Camera(
    name="a",
    scene="street",
    aside=0.8,
    aside_spread=0.12,
    rightwards=0.8,
    elevation=0.1,
    light=-0.5,
    scale=131,
    scale_spread=0.05,
    wander=5,
    gains=(1.04, 1.0, 0.94),
    saturation=0.92,
    haze=6,
    gamma=0.94,
    colour_spread=0.05,
    noise=4,
    blur=0.5,
    occluders=0.3,
)
CAMERA_B = Camera(
    name="b",
    scene="crossing",
    aside=-0.7,
    aside_spread=0.12,
    rightwards=0.2,
    elevation=0.17,
    light=0.6,
    scale=129,
    scale_spread=0.05,
    wander=5,
    gains=(0.93, 0.98, 1.04),
    saturation=0.84,
    haze=12,
    gamma=1.08,
    colour_spread=0.05,
    noise=5,
    blur=0.6,
    occluders=0.3,
)
CAMERAS = (CAMERA_A, CAMERA_B)
# A third one, for MARS's layout: people walk past it, in a warm light.
CAMERA_C = replace(
    CAMERA_B,
    name="c",
    scene="street",
    aside=0.1,
    rightwards=0.5,
    light=0.0,
    gains=(1.08, 0.97, 0.88),
    haze=3,
    gamma=1.0,
)


@dataclass(frozen=True)
class Pole:
    """A lamp post that passes in front: its left edge in each frame (T,), its width and its colour."""

    left: np.ndarray
    width: float
    colour: Colour


@dataclass(frozen=True)
class PasserBy:
    """A person who crosses in front of the walker: figure and points (T, 2)."""

    figure: Figure
    points: Joints


@dataclass(frozen=True)
class Track:
    """What camera and chance decide about one track of T frames."""

    camera: Camera
    heading: float
    scale: np.ndarray  # (T,) canvas pixels per metre
    feet: np.ndarray  # (T, 2) canvas pixels
    street: np.ndarray  # (T, 2) the window's place in the scene
    colours: tuple[float, ...]  # 12 numbers: the 3 x 4 matrix of gains, saturation and haze
    curve: list[int]  # 768 numbers: the gamma curve, for each channel
    shadow: Image.Image  # mode L
    grain: np.ndarray  # (HEIGHT/2 + 32, WINDOW/2 + 32, 3) int16
    grain_at: np.ndarray  # (T, 2)
    blur: float
    before: Pole | PasserBy | None


def _wander(rng: np.random.Generator, length: int, size: float) -> np.ndarray:
    """A smooth random path (T,) with a standard deviation of about `size`: three slow waves."""
    period, phase = rng.uniform(9, 40, 3), rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * np.arange(length)[:, None] / period + phase)
    return size * np.sqrt(2 / 3) * waves.sum(1)


def _colours(rng: np.random.Generator, camera: Camera) -> tuple[tuple[float, ...], list[int]]:
    """The colour matrix and the gamma curve of one track."""
    gains = np.array(camera.gains) * np.exp(
        rng.normal(0, camera.colour_spread) + rng.normal(0, camera.colour_spread, 3)
    )
    grey = np.array([0.299, 0.587, 0.114])
    saturation = camera.saturation * np.exp(rng.normal(0, camera.colour_spread))
    mix = gains[:, None] * (saturation * np.eye(3) + (1 - saturation) * grey)
    haze = camera.haze * np.exp(rng.normal(0, 3 * camera.colour_spread))
    matrix = np.concatenate([mix * (1 - haze / 255), np.full((3, 1), haze)], 1)
    gamma = camera.gamma * np.exp(rng.normal(0, camera.colour_spread))
    curve = np.round(255 * (np.arange(256) / 255) ** gamma).astype(int).tolist()
    return tuple(matrix.ravel().tolist()), curve * 3


def _shadow(rng: np.random.Generator) -> Image.Image:
    """A soft dark ellipse on the ground. Its darkness and length are drawn for each track."""
    half, dark = int(rng.integers(24, 44)), int(rng.integers(60, 130))
    mask = Image.new("L", (2 * half + 16, 34))
    ImageDraw.Draw(mask).ellipse((8, 9, 2 * half + 8, 25), fill=dark)
    return mask.filter(ImageFilter.GaussianBlur(4))


def _before(rng: np.random.Generator, camera: Camera, length: int) -> Pole | PasserBy | None:
    """What passes in front, if anything does: it crosses the middle at a random frame."""
    happens, pole = rng.random() < camera.occluders, rng.random() < 0.5
    when, speed = rng.uniform(0, length), rng.choice([-1, 1]) * rng.uniform(5, 10)
    x = CENTRE + speed * (np.arange(length) - when)
    if not happens:
        return None
    if pole:
        grey = int(rng.integers(40, 110))
        return Pole(x, float(rng.uniform(14, 30)), (grey, grey, grey + 6))
    person = draw_person(rng)
    heading = rng.uniform(-0.3, 0.3) + (np.pi if speed < 0 else 0.0)
    scale = np.full(length, camera.scale * rng.uniform(1.0, 1.15))
    phase = 2 * np.pi * (person.frequency * np.arange(length) + rng.random())
    feet = np.stack([x, np.full(length, GROUND + rng.uniform(6, 24))], 1)
    points = project(body_joints(person, phase), heading, camera.elevation, scale, feet)
    return PasserBy(make_figure(person, heading, float(scale[0]), camera.light), points)


def draw_track(rng: np.random.Generator, camera: Camera, length: int, height: float, speed: float) -> Track:
    """Draw a track of `length` frames.

    height: the person's, in metres. The box is fitted to the person, so tall and short people look almost as tall.
    speed: metres per frame at which the street passes, in the walking direction.
    """
    aside = rng.normal(camera.aside, camera.aside_spread)
    rightwards = rng.random() < camera.rightwards
    heading = aside if rightwards else np.pi - aside
    size = camera.scale * (MEAN_HEIGHT / height) ** 0.7 * np.exp(rng.normal(0, camera.scale_spread))
    scale = size * (1 + _wander(rng, length, 0.4 * camera.scale_spread))
    drift = np.stack([_wander(rng, length, camera.wander), _wander(rng, length, 0.7 * camera.wander)], 1)
    offset = rng.normal(0, camera.wander, 2)
    path = speed * size * np.cos(heading) * np.arange(length) + rng.uniform(0, 10_000)
    street = np.stack([path, np.zeros(length)], 1) - drift
    colours, curve = _colours(rng, camera)
    grain = rng.normal(0, camera.noise, (HEIGHT // 2 + 32, WINDOW // 2 + 32, 1))
    grain = grain + rng.normal(0, 0.4 * camera.noise, (HEIGHT // 2 + 32, WINDOW // 2 + 32, 3))
    return Track(
        camera,
        float(heading),
        scale,
        np.array([CENTRE, GROUND]) + drift + offset,
        street,
        colours,
        curve,
        _shadow(rng),
        grain.round().astype(np.int16),
        rng.integers(0, 32, (length, 2)),
        float(camera.blur * rng.uniform(0.7, 1.3)),
        _before(rng, camera, length),
    )


def _at(points: Joints, t: int) -> Points:
    return {name: (float(p[t, 0]), float(p[t, 1])) for name, p in points.items()}


def _develop(canvas: Image.Image, track: Track, t: int) -> np.ndarray:
    """From the canvas to the frame that the camera stores: (128, 64, 3) uint8."""
    frame = canvas.reduce(2).convert("RGB", track.colours).point(track.curve)
    frame = frame.filter(ImageFilter.GaussianBlur(track.blur))
    y, x = track.grain_at[t]
    noisy = np.asarray(frame) + track.grain[y : y + HEIGHT // 2, x : x + WINDOW // 2]
    return noisy.clip(0, 255).astype(np.uint8)


def film(person: Person, track: Track, phase: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Yield the frames (128, 64, 3) uint8 of a person on a track. phase (T,): the gait's phase in radians.

    seed: of the dataset; all tracks of one camera share its street.
    """
    camera = track.camera
    scene = make_scene(camera.scene, seed)
    figure = make_figure(person, track.heading, float(track.scale.mean()), camera.light)
    points = project(body_joints(person, phase), track.heading, camera.elevation, track.scale, track.feet)
    for t in range(len(phase)):
        canvas = scene_window(scene, track.street[t, 0], track.street[t, 1])
        x, y = track.feet[t]
        aside = math.copysign(10, camera.light)
        corner = (round(x - track.shadow.width / 2 - aside), round(y - track.shadow.height / 2))
        canvas.paste((20, 20, 26), corner, track.shadow)
        draw_figure(canvas, figure, _at(points, t))
        if isinstance(track.before, PasserBy):
            draw_figure(canvas, track.before.figure, _at(track.before.points, t))
        elif isinstance(track.before, Pole):
            left = float(track.before.left[t])
            box = (left, 0, left + track.before.width, HEIGHT)
            ImageDraw.Draw(canvas).rectangle(box, fill=track.before.colour)
        yield _develop(canvas, track, t)
