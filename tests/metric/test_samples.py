"""What all metrics check, what all of them keep to, and the covariances of pairs."""

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import samples
from tests.metric.people import METRICS, covariances_by_hand, draw


@pytest.mark.parametrize("cameras", [2, 3])
def test_pair_covariances_are_the_means_over_all_pairs(rng, cameras):
    x, persons, where = draw(rng, cameras=cameras)
    expected = covariances_by_hand(x, persons, where)
    same, different = samples.pair_covariances(*samples.checked(x + 1e3, persons, where))
    np.testing.assert_allclose(same, expected.same, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(different, expected.different, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_same_bits_every_time_and_nothing_is_changed(rng, metric):
    x, persons, cameras = draw(rng)
    x = x.astype(np.float32)
    before = x.copy()
    first, second = metric.fit(x, persons, cameras), metric.fit(x, persons, cameras)
    np.testing.assert_array_equal(x, before)
    for key, value in first.items():
        assert value.dtype == np.float64 and value.tobytes() == second[key].tobytes()
    assert metric.score(x[:3], x[:5], first).shape == (3, 5)
    exact = metric.fit(x.astype(np.float64), persons, cameras)
    for key, value in first.items():
        np.testing.assert_array_equal(value, exact[key], err_msg=f"{key}: computed in float32")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_order_names_place_and_size_of_the_samples_do_not_matter(rng, metric):
    """Sorted otherwise, persons and cameras renamed, all moved: the same scores. All twice as large: the same order."""
    x, persons, cameras = draw(rng)
    a, b = rng.normal(size=(4, 6)), rng.normal(size=(5, 6))
    expected = metric.score(a, b, metric.fit(x, persons, cameras))
    order = rng.permutation(len(x))
    renamed = metric.fit(x[order], 900 - persons[order], np.where(cameras == "a", 9, 4)[order])
    np.testing.assert_allclose(metric.score(a, b, renamed), expected, rtol=1e-8)
    moved = metric.fit(x + 5, persons, cameras)
    np.testing.assert_allclose(metric.score(a + 5, b + 5, moved), expected, rtol=1e-8)
    larger = metric.fit(4 * x, persons, cameras)
    ratio = metric.score(4 * a, 4 * b, larger) / expected
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-8)


@pytest.mark.parametrize("name", ["lfda", "kissme", "xqda"])
def test_a_metric_finds_people_better_than_the_plain_distance(rng, name):
    """Persons differ along all of 8 axes, one's pictures along the last 4: fitted to some, it helps with others."""
    persons, cameras = np.repeat(np.arange(120), 2), np.tile(["a", "b"], 120)
    x = rng.normal(size=(120, 8))[persons] + rng.normal(size=(240, 8)) * ([0.2] * 4 + [2.0] * 4)
    seen = persons < 60
    metric = METRICS[name].fit(x[seen], persons[seen], cameras[seen])
    probe, gallery = ~seen & (cameras == "a"), ~seen & (cameras == "b")
    same = persons[probe][:, None] == persons[gallery]

    def found(score):
        return np.mean(np.take_along_axis(same, score.argmax(axis=1)[:, None], axis=1))

    plain = -np.linalg.norm(x[probe][:, None] - x[gallery], axis=2)
    assert found(METRICS[name].score(x[probe], x[gallery], metric)) > 1.5 * found(plain)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_bad_samples_are_named(rng, metric):
    x, persons, cameras = draw(rng)
    with pytest.raises(InputError, match="at least 2 persons to fit a metric to, got 1"):
        metric.fit(x, np.zeros(len(x), int), cameras)
    with pytest.raises(InputError, match="a person with two embeddings"):
        metric.fit(x, np.arange(len(x)), cameras)
    broken = x.copy()
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        metric.fit(broken, persons, cameras)
    with pytest.raises(ValueError, match="expected x"):
        metric.fit(x, persons[1:], cameras)
    with pytest.raises(InputError, match=r"equal|further apart|singular"):
        metric.fit(np.ones_like(x), persons, cameras)


@pytest.mark.parametrize("name", ["kissme", "xqda"])
def test_one_camera_gives_no_pairs(rng, name):
    x, persons, _ = draw(rng)
    with pytest.raises(InputError, match="whom two cameras saw"):
        METRICS[name].fit(x, persons, np.zeros(len(x)))
    with pytest.raises(InputError, match="whom two cameras saw"):  # each person in a camera of its own
        METRICS[name].fit(x, persons, persons)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_fewer_samples_than_dimensions(rng, metric):
    """Every covariance is singular, and the scores are finite all the same."""
    x, persons, cameras = draw(rng, persons=3, clips=1, D=20)
    score = metric.score(x[:4], x, metric.fit(x, persons, cameras))
    assert np.isfinite(score).all() and len(np.unique(score.round(6))) > 6
