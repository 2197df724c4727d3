"""CMC and mAP: the example of the page, an independent count in plain Python, and all the ways to be wrongly right."""

import itertools

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.evaluation.ranking import cmc, mean_average_precision, order, rank_of_match

NAN, INF = np.nan, np.inf
FOUR = np.arange(4)
WORKED = np.array([[0.9, 0.1, 0.5, 0.3], [0.8, 0.7, 0.7, 0.1], [0.2, 0.4, 0.6, NAN], [0.1, 0.2, 0.3, NAN]])


def test_the_example_worked_by_hand() -> None:
    np.testing.assert_array_equal(rank_of_match(WORKED, FOUR, FOUR), [1, 3, 2, INF])
    np.testing.assert_array_equal(cmc(WORKED, FOUR, FOUR, ranks=(1, 2, 3, 4, 20)), [1 / 4, 2 / 4, 3 / 4, 3 / 4, 3 / 4])
    assert mean_average_precision(WORKED, FOUR, FOUR) == pytest.approx(11 / 24)


def test_the_example_with_persons_in_another_order() -> None:
    columns = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(rank_of_match(WORKED[:, columns], FOUR, columns), [1, 3, 2, INF])


@pytest.mark.parametrize("value", [0.0, NAN, INF, -INF])
def test_the_same_score_for_everybody_is_never_right(value: float) -> None:
    score = np.full((4, 4), value)
    np.testing.assert_array_equal(cmc(score, FOUR, FOUR, ranks=(1, 2, 3)), [0, 0, 0])
    assert mean_average_precision(score, FOUR, FOUR) == (0 if np.isnan(value) else 1 / 4)


def test_a_match_at_minus_infinity_is_found_last_but_one_without_a_score_never() -> None:
    score = np.array([[-INF, 1.0, 2.0], [NAN, NAN, 2.0]])
    np.testing.assert_array_equal(rank_of_match(score, np.array([7, 7]), np.array([7, 8, 9])), [3, INF])


def test_several_true_matches_of_a_probe() -> None:
    # true matches at 0.9, 0.5 and NaN; impostors at 0.7 and 0.5 (a tie: before the match). Places: 1, 4, never.
    score, gallery = np.array([[0.9, 0.7, 0.5, 0.5, NAN]]), np.array([1, 2, 1, 3, 1])
    assert rank_of_match(score, np.array([1]), gallery) == [1]
    assert mean_average_precision(score, np.array([1]), gallery) == pytest.approx((1 / 1 + 2 / 4 + 0) / 3)


def slow_average_precision(row: list[float], same: list[bool], compared: list[bool]) -> tuple[float, float]:
    """(rank, AP) by sorting entries one by one: an impostor before a match of the same score, NaN wherever it hurts."""
    entries = []
    for value, match, counts in zip(row, same, compared):
        if counts:
            value = (-INF if match else INF) if value != value else value
            entries.append((-value, match))
    matches, precisions, rank = 0, [], INF
    for place, (value, match) in enumerate(sorted(entries), start=1):
        if match and value != INF:
            matches += 1
            precisions.append(matches / place)
            rank = min(rank, place)
    return rank, sum(precisions) / sum(match for _, match in entries)


@pytest.mark.parametrize("seed", range(20))
def test_against_a_count_in_plain_python(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gallery = rng.integers(5, size=13)
    probe = rng.choice(gallery, size=7)
    score = rng.integers(6, size=(7, 13)).astype(float)  # many ties
    score[rng.random(score.shape) < 0.15] = NAN
    same = probe[:, None] == gallery
    allowed = rng.random(score.shape) < 0.7
    allowed[np.arange(7), same.argmax(axis=1)] = True
    expected = [slow_average_precision(*rows) for rows in zip(score.tolist(), same.tolist(), allowed.tolist())]
    ranks = rank_of_match(score, probe, gallery, allowed=allowed)
    np.testing.assert_array_equal(ranks, [rank for rank, _ in expected])
    AP = mean_average_precision(score, probe, gallery, allowed=allowed)
    assert AP == pytest.approx(np.mean([precision for _, precision in expected]))


def test_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn: pip install -e '.[torch]'")
    rng = np.random.default_rng(0)
    gallery, probe = np.repeat(np.arange(6), 3), np.arange(6)
    score = rng.standard_normal((6, 18))  # no ties: there the two differ on purpose
    expected = [metrics.average_precision_score(gallery == person, row) for person, row in zip(probe, score)]
    assert mean_average_precision(score, probe, gallery) == pytest.approx(np.mean(expected))


def test_one_true_match_makes_the_precision_one_over_the_rank() -> None:
    score = np.random.default_rng(1).standard_normal((9, 9))
    ranks = rank_of_match(score, np.arange(9), np.arange(9))
    assert mean_average_precision(score, np.arange(9), np.arange(9)) == pytest.approx((1 / ranks).mean())


def test_what_is_not_allowed_counts_neither_as_match_nor_as_impostor() -> None:
    score = np.array([[0.5, 0.9, 0.8, 1.0]])
    gallery = np.array([1, 2, 3, 1])
    allowed = np.array([[True, False, True, False]])  # the impostor at 0.9 and the match at 1.0 are out
    assert rank_of_match(score, np.array([1]), gallery, allowed=allowed) == [2]
    assert mean_average_precision(score, np.array([1]), gallery, allowed=allowed) == 1 / 2


def test_groups_of_twins() -> None:
    group = np.array([0, 0, 1, 1])
    score = np.array([[1, 0, 9, 9], [2, 1, 9, 9], [9, 9, 1, 0], [9, 9, 2, 1.0]])
    allowed = group[:, None] == group
    np.testing.assert_array_equal(rank_of_match(score, FOUR, FOUR, allowed=allowed), [1, 2, 1, 2])
    np.testing.assert_array_equal(rank_of_match(score, FOUR, FOUR), [3, 4, 3, 4])


@pytest.mark.parametrize("seed", range(5))
def test_the_order_puts_the_match_where_its_rank_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    persons = np.arange(8)
    score = rng.integers(4, size=(8, 8)).astype(float)
    score[rng.random(score.shape) < 0.2] = NAN
    allowed = rng.random(score.shape) < 0.6
    np.fill_diagonal(allowed, True)
    columns = order(score, persons, persons, allowed=allowed)
    ranks = rank_of_match(score, persons, persons, allowed=allowed)
    for p, row in enumerate(columns.tolist()):
        count = int(allowed[p].sum())
        assert sorted(row[:count]) == np.flatnonzero(allowed[p]).tolist()
        assert row[count:] == [-1] * (8 - count)
        assert row.index(p) + 1 == (ranks[p] if np.isfinite(ranks[p]) else count)


def test_the_order_is_by_falling_score() -> None:
    row = np.array([[0.2, 0.9, 0.4, 0.9]])
    assert order(row, np.array([3]), np.array([3, 1, 2, 3])).tolist() == [[1, 3, 2, 0]]


def test_a_probe_without_a_match_is_an_error() -> None:
    with pytest.raises(InputError, match="1 of 3 are not, first person 8"):
        cmc(np.zeros((3, 2)), np.array([1, 8, 2]), np.array([1, 2]))
    with pytest.raises(InputError, match="first person 2"):
        rank_of_match(np.zeros((2, 2)), np.array([1, 2]), np.array([1, 2]), allowed=np.array([[1, 1], [1, 0]], bool))


@pytest.mark.parametrize("P, G", [(2, 3), (3, 2), (0, 0)])
def test_shapes_that_do_not_fit(P: int, G: int) -> None:
    with pytest.raises(ValueError, match="expected scores"):
        cmc(np.zeros((P, G)), np.arange(min(P, 2)), np.arange(min(G, 2)))


def test_every_order_of_three_gives_each_rank_equally_often() -> None:
    scores = np.array([[permutation, permutation, permutation] for permutation in itertools.permutations((1.0, 2, 3))])
    curves = [cmc(score, np.arange(3), np.arange(3), ranks=(1, 2, 3)) for score in scores]
    np.testing.assert_allclose(np.mean(curves, axis=0), [1 / 3, 2 / 3, 1])
