"""How good is a ranked gallery? The CMC curve and mAP.

Every probe is compared with every gallery entry. The gallery is sorted, most alike first. At which rank is the probe's
own person? There are several ways to count this. Ours:

    F1  rank of a probe = 1 + the number of other persons' entries that are not below its best true match
    F2  CMC(k) = share of the probes whose rank is k or less; "rank-1" is CMC(1)
    F3  precision at true match number j (the best is j = 1) = j / (j + other persons' entries that are not below it)
    F4  AP of a probe = mean of F3 over all its true matches; mAP = mean of AP over the probes

"Not below" includes ties: an impostor with the score of the true match counts as before it. So does an impostor whose
score is NaN. A true match whose score is NaN is never found: rank infinity, precision 0. So a broken network that gives
all entries the same score, or NaN, gets a rank-1 of 0 %, not 100 %.

An example with persons A to D. A larger score means more alike; each row is a probe, with its true match in [ ]:

              gallery  A      B      C      D
    probe A          [0.9]   0.1    0.5    0.3     no impostor before 0.9                  rank 1    AP 1
    probe B           0.8   [0.7]   0.7    0.1     A is above, C ties                      rank 3    AP 1/3
    probe C           0.2    0.4   [0.6]   NaN     D has no score                          rank 2    AP 1/2
    probe D           0.1    0.2    0.3   [NaN]    the true match has no score             never     AP 0

    CMC(1) = 1/4, CMC(2) = 2/4, CMC(3) = 3/4, CMC(4) = 3/4;  mAP = (1 + 1/3 + 1/2 + 0) / 4 = 11/24

Shapes: score (P, G) of P probes and G gallery entries; probe_person (P,) and gallery_person (G,), numbers; allowed
(P, G) booleans, or None for all: the entries that a probe is compared with (for example its own group of twins). An
entry that is not allowed does not count at all, neither as a match nor as an impostor.

Sources: CMC as in Gray & Tao 2008; AP as in Zheng et al. 2015 (Market-1501), without its interpolation.
"""

from collections.abc import Sequence

import numpy as np

from minireid.base.errors import InputError

RANKS = (1, 5, 10, 20)


def rank_of_match(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, *, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The rank of every probe's best true match (F1): (P,) float64, 1 is the top, infinity means never found."""
    counted = impostors_before(score, probe_person, gallery_person, allowed=allowed)
    return np.array([1 + before[0] for before in counted])


def cmc(
    score: np.ndarray,
    probe_person: np.ndarray,
    gallery_person: np.ndarray,
    *,
    ranks: Sequence[int] = RANKS,
    allowed: np.ndarray | None = None,
) -> np.ndarray:
    """CMC at `ranks` (F2): shares from 0 to 1, (len(ranks),). The whole curve: ranks=range(1, G + 1)."""
    found = rank_of_match(score, probe_person, gallery_person, allowed=allowed)
    return (found[:, None] <= np.asarray(ranks)).mean(axis=0)


def mean_average_precision(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, *, allowed: np.ndarray | None = None
) -> float:
    """mAP (F4), from 0 to 1. The AP of a probe with one true match is 1 / rank."""
    return float(average_precisions(score, probe_person, gallery_person, allowed=allowed).mean())


def average_precisions(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, *, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The AP of every probe (F4): (P,)."""
    found = []
    for before in impostors_before(score, probe_person, gallery_person, allowed=allowed):
        j = np.arange(1, len(before) + 1)
        found.append((j / (j + before)).sum() / len(before))  # F3; 0 for a match that is never found
    return np.array(found)


def impostors_before(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, *, allowed: np.ndarray | None = None
) -> list[np.ndarray]:
    """Of each probe (m,): how many impostors are not below each of its m true matches, the best match first.

    Infinity for a match whose score is NaN. No gallery is sorted: one pass over a probe's row for each of its matches
    counts the entries below it. Raises ValueError and InputError as `matches_and_impostors` does.
    """
    check_shapes(score, probe_person, gallery_person, allowed)
    columns = columns_of(gallery_person)
    matches = [columns.get(person, np.array([], int)) for person in np.asarray(probe_person).tolist()]
    if allowed is not None:
        matches = [mine[allowed[p, mine]] for p, mine in enumerate(matches)]
    refuse_alone(np.array([not len(mine) for mine in matches]), probe_person)
    counted = []
    for p, mine in enumerate(matches):
        compared = score[p] if allowed is None else score[p, allowed[p]]
        true = score[p, mine]
        before = np.full(len(true), np.inf)
        for j, t in enumerate(np.sort(true[~np.isnan(true)])[::-1]):
            below = np.count_nonzero(compared < t) - np.count_nonzero(true < t)  # a comparison with NaN is false
            before[j] = len(compared) - len(true) - below
        counted.append(before)
    return counted


def columns_of(gallery_person: np.ndarray) -> dict[int, np.ndarray]:
    """{person: the columns of their gallery entries}"""
    order = np.argsort(gallery_person, kind="stable")
    persons, starts = np.unique(np.asarray(gallery_person)[order], return_index=True)
    return dict(zip(persons.tolist(), np.split(order, starts[1:])))


def order(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, *, allowed: np.ndarray | None = None
) -> np.ndarray:
    """Every probe's gallery in ranked order: (P, G) column numbers, best first, then -1 for entries not allowed."""
    same, other = matches_and_impostors(score, probe_person, gallery_person, allowed)
    placed = np.where(np.isnan(score), np.where(same, -np.inf, np.inf), score)
    columns = np.lexsort((same, -placed, ~(same | other)), axis=1)  # the last key counts first
    compared = (same | other).sum(axis=1, keepdims=True)
    return np.where(np.arange(columns.shape[1]) < compared, columns, -1)


def matches_and_impostors(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Two (P, G) masks: the true matches and the impostors, among the entries that are allowed.

    Raises ValueError if shapes do not fit, InputError for a probe without a true match. (Some code leaves such probes
    out, which makes the numbers better than they are.)
    """
    check_shapes(score, probe_person, gallery_person, allowed)
    same = np.asarray(probe_person)[:, None] == np.asarray(gallery_person)
    other = ~same
    if allowed is not None:
        same, other = same & allowed, other & allowed
    refuse_alone(~same.any(axis=1), probe_person)
    return same, other


def check_shapes(
    score: np.ndarray, probe_person: np.ndarray, gallery_person: np.ndarray, allowed: np.ndarray | None
) -> None:
    P, G = len(probe_person), len(gallery_person)
    if score.shape != (P, G) or (allowed is not None and allowed.shape != (P, G)) or not P * G:
        raise ValueError(f"ranking: expected scores (and allowed) of {P} probes by {G} entries, got {score.shape}")


def refuse_alone(alone: np.ndarray, probe_person: np.ndarray) -> None:
    """alone (P,): which probes have no true match. InputError if there are any."""
    if alone.any():
        raise InputError(
            f"expected every probe's person in the gallery, but {alone.sum()} of {len(alone)} are not, first person "
            f"{probe_person[alone.argmax()]}: leave them out of the probes, or add them to the gallery"
        )
