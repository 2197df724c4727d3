"""k-reciprocal re-ranking against the paper's equations with sets and loops, and on neighbours one can count."""

import math

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric.rerank import rerank


def slow_rerank(distance: list[list[float]], P: int, k1: int, k2: int, share: float) -> np.ndarray:
    """Zhong et al. 2017, set by set; distance (Q, Q), probes first."""
    Q = len(distance)
    scaled = [[value**2 / max(v**2 for v in row) for value in row] for row in distance]
    ranking = [[i] + sorted(set(range(Q)) - {i}, key=lambda j: distance[i][j]) for i in range(Q)]

    def N(i, k):
        return set(ranking[i][: k + 1])

    def R(i, k):
        return {j for j in N(i, k) if i in N(j, k)}

    V = []
    for i in range(Q):
        mine = R(i, k1)
        star = set(mine)
        for q in mine:
            theirs = R(q, int(np.around(k1 / 2)))
            if len(mine & theirs) >= 2 / 3 * len(theirs):
                star |= theirs
        weights = {j: math.exp(-scaled[i][j]) for j in star}
        V.append({j: weight / sum(weights.values()) for j, weight in weights.items()})
    expanded = []
    for i in range(Q):
        near = ranking[i][:k2]
        expanded.append({j: sum(V[q].get(j, 0) for q in near) / len(near) for j in range(Q)})
    result = np.empty((P, Q - P))
    for i in range(P):
        for g in range(P, Q):
            shared = sum(min(expanded[i][j], expanded[g][j]) for j in range(Q))
            either = sum(max(expanded[i][j], expanded[g][j]) for j in range(Q))
            result[i, g - P] = (1 - share) * (1 - shared / either) + share * scaled[i][g]
    return result


def blocks(points: np.ndarray, P: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores probe-gallery, probe-probe, gallery-gallery; and all distances."""
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    return -distance[:P, P:], -distance[:P, :P], -distance[P:, P:], distance


@pytest.mark.parametrize("P, G, k1, k2, share", [(7, 20, 6, 3, 0.3), (5, 9, 5, 1, 0.0), (6, 12, 3, 4, 0.8)])
def test_against_sets_and_loops(rng, P, G, k1, k2, share):
    *scores, distance = blocks(rng.normal(size=(P + G, 3)), P)
    expected = slow_rerank(distance.tolist(), P, k1, k2, share)
    np.testing.assert_allclose(rerank(*scores, k1=k1, k2=k2, share=share), -expected, rtol=1e-9)


@pytest.mark.parametrize("P, G", [(3, 4), (1, 1), (2, 1)])
def test_small_galleries_clip_the_parameters(rng, P, G):
    *scores, distance = blocks(rng.normal(size=(P + G, 3)), P)
    np.testing.assert_allclose(rerank(*scores), -slow_rerank(distance.tolist(), P, P + G - 1, 6, 0.3), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_of_equally_near_points_the_first_counts(seed):
    """On a grid many distances are equal. More points than are read at once."""
    points = np.random.default_rng(seed).integers(4, size=(300 if seed == 0 else 40, 2)).astype(float)
    *scores, distance = blocks(points, 9)
    expected = slow_rerank(distance.tolist(), 9, 5, 3, 0.3)
    np.testing.assert_allclose(rerank(*scores, k1=5, k2=3), -expected, rtol=1e-9, atol=1e-14)


def test_two_thirds_exactly_is_enough():
    """On a line: the joined sets have 3 members of whom 2 are shared. The public code's > would leave them out."""
    points = np.array([[0.0], [1.0], [2.1], [3.3], [4.6], [6.0], [7.5], [9.1]])
    *scores, distance = blocks(points, 3)
    expected = slow_rerank(distance.tolist(), 3, 2, 1, 0.0)
    np.testing.assert_allclose(rerank(*scores, k1=2, k2=1, share=0.0), -expected, rtol=1e-9)


def test_share_one_is_the_plain_order(rng):
    *scores, _ = blocks(rng.normal(size=(15, 3)), 5)
    np.testing.assert_array_equal(rerank(*scores, share=1.0).argsort(axis=1), scores[0].argsort(axis=1))


def test_a_common_friend_brings_the_match_before_a_hub():
    """Probe 0; its match 1 has the probe's other picture 3 near; the impostor 2 is as near, in a crowd of its own."""
    crowd = [[1.0 + 0.1 * np.cos(t), 0.1 * np.sin(t)] for t in range(6)]
    points = np.array([[0, 0], [-1.01, 0], [1, 0], [-0.5, 0.1], *crowd])
    *scores, _ = blocks(points, 1)
    assert scores[0][0, 1] > scores[0][0, 0], "by the distance alone the impostor is nearer"
    again = rerank(*scores, k1=3, k2=1)
    assert again[0, 0] > again[0, 1]


def test_equal_points_do_not_fail():
    score = rerank(np.zeros((3, 4)), np.zeros((3, 3)), np.zeros((4, 4)))
    assert np.isfinite(score).all()


def test_bad_input(rng):
    *scores, _ = blocks(rng.normal(size=(9, 3)), 4)
    for wrong in ({"k1": 0}, {"k2": 0}, {"share": 1.1}):
        with pytest.raises(ValueError, match="expected k1, k2"):
            rerank(*scores, **wrong)
    with pytest.raises(ValueError, match="expected scores"):
        rerank(scores[0].T, scores[1], scores[2])
    scores[0][2, 1] = np.nan
    with pytest.raises(InputError, match="finite"):
        rerank(*scores)
