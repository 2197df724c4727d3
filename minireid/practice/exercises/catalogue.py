"""All exercises, in the order of the course."""

import difflib

from minireid.base.errors import InputError
from minireid.practice.exercises import layers, losses, people, sequences, training
from minireid.practice.exercises.exercise import Exercise

ALL = training.EXERCISES + layers.EXERCISES + sequences.EXERCISES + losses.EXERCISES + people.EXERCISES
EXERCISES: dict[str, Exercise] = {e.name: e for e in sorted(ALL, key=lambda one: one.level)}


def exercise_of(name: str) -> Exercise:
    """InputError for a name that is not there."""
    if name not in EXERCISES:
        near = difflib.get_close_matches(name, EXERCISES, n=2, cutoff=0.5)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise InputError(f"there is no exercise {name}; {meant}all exercises: minireid exercise list")
    return EXERCISES[name]


def table() -> str:
    """All exercises: level, points, minutes, title."""
    lines = [f"{'':<18}level  points  minutes"]
    lines += [f"{e.name:<18}{e.level:>5}{e.points:>8}{e.minutes:>9}  {e.title}" for e in EXERCISES.values()]
    total, minutes = (sum(getattr(e, key) for e in EXERCISES.values()) for key in ("points", "minutes"))
    lines.append(f"{len(EXERCISES)} exercises{total:>14}{minutes:>9}  (minutes are estimates)")
    return "\n".join(lines)
