"""Twins: people who look and move alike in every single frame and are told apart only by the order of their frames.

Different walking speeds would show even without the order of the frames: in the same time, a quick walker covers more
of the cycle. So the twins share one cycle of P poses, P prime. The twin with step k shows pose (phase + k t) mod P in
frame t. As k is not a multiple of P, any P consecutive frames hold each pose exactly once, whatever k is.

That alone is not enough: if the box drifts slowly, it shows which poses were close in time. So everything else that
changes within a track (box, scale, grain, what passes in front) comes in a random order. Then P consecutive frames, as
a set, have exactly the same distribution for all twins, and a mean over time cannot tell them apart. The four twins of
a group pass each camera in the same place, direction and light, so a network cannot learn by heart which track belongs
to whom. The two cameras have nothing in common. The street stands still.
"""

from dataclasses import replace

import numpy as np

from data_tools.walkers.cameras import CAMERAS, Pole, Track, draw_track
from data_tools.walkers.people import Person, draw_person

POSES = 31
STEPS = (2, 3, 4, 5)
GROUP = len(STEPS)
LENGTHS = (POSES, 40)

# The task is about order: less noise, wander and blur and fewer occluders than ordinary walkers have.
TWIN_CAMERAS = tuple(
    replace(
        c,
        noise=2.5,
        blur=0.3,
        wander=1.5,
        scale_spread=0.02,
        occluders=0.08,
        aside=0.35 * c.aside,
        scale=0.95 * c.scale,
    )
    for c in CAMERAS
)


def twin_steps(seed: int, group: int) -> list[int]:
    """The steps k of the group's people, in the order of their numbers: a permutation of STEPS. group from 0."""
    return np.random.default_rng([seed, group + 1, 3]).permutation(STEPS).tolist()


def twin_look(seed: int, group: int) -> Person:
    """What the four people of a group share: clothes, body, poses. Nothing hides their legs; their stride is long."""
    rng = np.random.default_rng([seed, group + 1, 0])
    person = draw_person(rng)
    return replace(
        person,
        stride=float(rng.uniform(0.46, 0.54)),
        arm_swing=float(rng.uniform(0.35, 0.6)),
        top_length=min(person.top_length, 0.06),
        bottom_kind="shorts" if person.bottom_kind == "skirt" else person.bottom_kind,
        bag="none" if person.bag in ("suitcase", "handbag") else person.bag,
    )


def twin_track(rng: np.random.Generator, seed: int, group: int, camera: int, frames: tuple[int, int]) -> Track:
    """One twin's track. camera: 0 or 1. frames: shortest and longest track.

    Box, scale, grain and what passes in front are drawn once per group and camera. rng draws their order and number.
    """
    shared = np.random.default_rng([seed, group + 1, 4 + camera])
    pool = draw_track(shared, TWIN_CAMERAS[camera], frames[1], twin_look(seed, group).height, speed=0.0)
    order = rng.permutation(frames[1])[: rng.integers(frames[0], frames[1] + 1)]
    before = pool.before
    if isinstance(before, Pole):
        before = replace(before, left=before.left[order])
    elif before is not None:
        before = replace(before, points={name: p[order] for name, p in before.points.items()})
    return replace(
        pool,
        scale=pool.scale[order],
        feet=pool.feet[order],
        street=pool.street[order],
        grain_at=pool.grain_at[order],
        before=before,
    )


def pose_indices(phase: int, step: int, length: int) -> np.ndarray:
    """The poses (length,) int, 0 … POSES - 1, that a twin with this step shows from frame 0 on."""
    return (phase + step * np.arange(length)) % POSES
