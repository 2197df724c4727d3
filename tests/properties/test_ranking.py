"""CMC and mAP: the curve only rises and ends at 100 %; the order of the gallery does not matter, nor do ties."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minireid.evaluation import ranking
from tests.properties.drawn import bounded, generators


@st.composite
def rankings(draw: st.DrawFn) -> tuple[dict[str, Any], np.random.Generator]:
    """Scores with many ties; every probe's person is in the gallery, some more than once; some entries not allowed."""
    P, G, persons = draw(st.integers(1, 6)), draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = draw(generators)
    gallery = rng.integers(persons, size=G)
    probe = rng.choice(gallery, size=P)
    score = rng.integers(draw(st.integers(1, 8)), size=(P, G)).astype(float)
    allowed = (rng.random((P, G)) < 0.7) | (probe[:, None] == gallery) if draw(st.booleans()) else None
    given_all = {"score": score, "probe_person": probe, "gallery_person": gallery, "allowed": allowed}
    return given_all, rng


def reordered(given_all: dict[str, Any], rows: np.ndarray, columns: np.ndarray) -> dict[str, Any]:
    """Probes and gallery in another order."""
    score, allowed = given_all["score"], given_all["allowed"]
    return {
        "score": score[rows][:, columns],
        "probe_person": given_all["probe_person"][rows],
        "gallery_person": given_all["gallery_person"][columns],
        "allowed": None if allowed is None else allowed[rows][:, columns],
    }


@bounded
@given(rankings())
def test_the_curve_rises_and_ends_at_everybody(drawn: tuple) -> None:
    given_all, _ = drawn
    G = len(given_all["gallery_person"])
    curve = ranking.cmc(**given_all, ranks=range(1, G + 1))
    assert (np.diff(curve) >= 0).all() and curve[0] >= 0 and curve[-1] == 1
    assert 0 < ranking.mean_average_precision(**given_all) <= 1


@bounded
@given(rankings())
def test_the_order_of_gallery_and_probes_does_not_matter(drawn: tuple) -> None:
    given_all, rng = drawn
    P, G = given_all["score"].shape
    rows, columns = rng.permutation(P), rng.permutation(G)
    other = reordered(given_all, rows, columns)
    np.testing.assert_array_equal(ranking.rank_of_match(**other), ranking.rank_of_match(**given_all)[rows])
    np.testing.assert_array_equal(ranking.cmc(**other), ranking.cmc(**given_all))
    mine, theirs = ranking.mean_average_precision(**given_all), ranking.mean_average_precision(**other)
    np.testing.assert_allclose(mine, theirs, rtol=1e-13)
    for p, (line, moved) in enumerate(zip(ranking.order(**given_all)[rows], ranking.order(**other))):
        line, moved = line[line >= 0], columns[moved[moved >= 0]]
        assert sorted(line) == sorted(moved)
        scores = given_all["score"][rows[p]]
        np.testing.assert_array_equal(scores[line], scores[moved])  # ties may change places, scores may not
        persons, person = given_all["gallery_person"], given_all["probe_person"][rows[p]]
        np.testing.assert_array_equal(persons[line] == person, persons[moved] == person)


@bounded
@given(rankings(), st.integers(0, 3))
def test_only_the_order_of_scores_counts(drawn: tuple, shift: int) -> None:
    """Any rising function of the scores ranks alike."""
    given_all, _ = drawn
    other = {**given_all, "score": np.exp(given_all["score"]) - shift}
    np.testing.assert_array_equal(ranking.rank_of_match(**other), ranking.rank_of_match(**given_all))
    np.testing.assert_array_equal(ranking.order(**other), ranking.order(**given_all))
