"""Which pairs of clips a batch for Siamese twins holds: as many of the same person as of different persons.

    F1  a positive pair: two clips of one person, from two different cameras; the person is drawn first, each alike
    F2  a negative pair: two clips of two different persons, any cameras
    F3  same[k] tells whether pair k is positive; the P positive pairs come first, then P negative ones

All that is random comes from the generator `rng`: the same generator state gives the same pairs. A clip may be in
several pairs. Every clip that fits can be drawn.

Shapes: person, camera (N,) integers, those of N clips; pairs (2 P, 2) integers, numbers of clips; same (2 P,) booleans.
Every person has clips of at least two cameras, and there are at least two persons.
"""

import numpy as np


def draw_pairs(rng, person, camera, P):
    """rng: a NumPy Generator; person, camera (N,); P: positive pairs wanted -> pairs (2 P, 2), same (2 P,)."""
    persons = np.unique(person)
    positive, negative = [], []
    for _ in range(P):
        mine = np.flatnonzero(person == rng.choice(persons))
        first = rng.choice(mine)
        positive.append((first, rng.choice(mine[camera[mine] != camera[first]])))  # F1
        first = rng.integers(len(person))
        negative.append((first, rng.choice(np.flatnonzero(person != person[first]))))  # F2
    return np.array(positive + negative), np.arange(2 * P) < P  # F3
