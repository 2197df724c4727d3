"""A wrong forward beside the right one: the true values of its names are those of the right page's run."""

import numpy as np

from minireid.reading.place import Followed, Place
from minireid.reading.proofs import relative


def against(followed: Followed, right: Followed) -> None:
    """Compare the names of the forward with those of the right page, by function, name and order. Changes `followed`.

    Where the forward is right, nothing changes, and wrong gradients are found by their true derivatives alone.
    """
    theirs = grouped(right)
    for key, places in grouped(followed).items():
        for mine, other in zip(places, theirs.get(key, [])):
            for round_, value in mine.values.items():
                true = other.values.get(round_)
                if true is not None and np.all(np.isfinite(true)):
                    same_shape = true.shape == value.shape
                    mine.errors[round_] = relative(value, true) if same_shape else float("inf")
                    if round_ in mine.wrong:
                        mine.true[round_] = true
    for place in followed.places:
        if place.side == "forward" and not place.wrong:
            place.errors.clear()


def grouped(followed: Followed) -> dict[tuple[str, str], list[Place]]:
    found: dict[tuple[str, str], list[Place]] = {}
    for place in followed.places:
        if place.side == "forward" and place.kind == "name":
            found.setdefault((place.function, place.name), []).append(place)
    return found
