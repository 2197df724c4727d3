"""`minireid metric`: the table, whom it is fitted to, and that test persons are nobody's teacher."""

import contextlib
import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from minireid.base.threads import threads
from minireid.cli import main
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track, open_prepared
from minireid.evaluation import compare_metrics, fitting, ranking
from minireid.evaluation.compare_metrics import choose, differences, embed, fit
from minireid.evaluation.embedding import embed_clips
from minireid.metric import kissme, lfda, pca, xqda
from minireid.metric.rerank import rerank
from minireid.training.checkpoint import Facts, save
from minireid.training.run import Run
from tests import small_data
from tests.metric.people import METRICS, draw

Capture = pytest.CaptureFixture[str]
FITTED = [
    f"{name}, {who}" for who in ("training persons", "withheld persons") for name in ("PCA", "LFDA", "KISSME", "XQDA")
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=range(1, 37))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Run:
    changes = ("training.epochs=1", "validation.persons=10", "evaluation.normalise=true")
    return small_data.trained(tmp_path_factory.mktemp("runs") / "run", prepared, *changes)


@pytest.fixture(scope="module")
def said(run: Run) -> str:
    """What `minireid metric RUN` prints; its files are in RUN/metric."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["metric", str(run.path), "--threads", "1"]) == 0
    return printed.getvalue()


def saved(run: Run, name: str):
    return json.loads((run.path / "metric" / name).read_text())


def test_one_run(run: Run, said: str) -> None:
    rows = saved(run, "results.json")["rows"]
    chosen = saved(run, "metrics.json")["re-ranked"]
    assert chosen in FITTED
    methods = ["Euclidean", *FITTED, "Euclidean, re-ranked", f"{chosen}, re-ranked"]
    assert [row["method"] for row in rows] == methods
    assert all((row["probes"], row["gallery"], row["seed"], row["views"]) == (18, 18, 0, 4) for row in rows)
    lines = list(csv.DictReader((run.path / "metric" / "results.csv").read_text().splitlines()))
    assert [line["method"] for line in lines] == methods
    for method in methods:
        assert re.search(rf"^{re.escape(method)}\s+\d", said, re.MULTILINE)
    assert f"{chosen}: the best on withheld persons" in said
    assert re.search(r"= \d\.\d\d  test persons$", said, re.MULTILINE)


def test_the_euclidean_row_by_hand(run: Run, prepared: Prepared, said: str) -> None:
    """Mean over the views of a whole track, minus the Euclidean distance, whatever the network's score is."""
    x = []
    for camera in "ab":
        tracks = {t.person: t for t in prepared.tracks if t.camera == camera}
        for person in run.test:
            track = tracks[person]
            clip = [Clip(track.start, track.length)]
            x.append(np.mean(embed_clips(run.recipe, run.best().params, prepared, clip), axis=0)[0])
    probe, gallery = np.array(x[:18], float), np.array(x[18:], float)
    score = -np.linalg.norm(probe[:, None] - gallery, axis=2)
    row = saved(run, "results.json")["rows"][0]
    assert row["mAP"] == pytest.approx(ranking.mean_average_precision(score, np.array(run.test), np.array(run.test)))
    within = saved(run, "metrics.json")["spreads"][0]["test persons"]["within a person"]
    assert within == pytest.approx(-score.diagonal().mean())


def test_what_is_fitted_to_the_test_persons_is_nothing(run: Run, monkeypatch, tmp_path: Path, said: str) -> None:
    """Whoever is handed to any fit, also when the one to be re-ranked is chosen, is no test person."""
    seen: list[set[int]] = []
    for page in (pca, lfda, kissme, xqda):
        plain = page.fit

        def spy(x, persons, cameras, plain=plain, **how):
            seen.append(set(persons.tolist()))
            return plain(x, persons, cameras, **how)

        monkeypatch.setattr(page, "fit", spy)
    with threads(1):
        compare_metrics.compare_metrics([run.path], tmp_path / "out")
    assert set(map(frozenset, seen)) >= {frozenset(run.train), frozenset(run.validation)}
    assert len(seen) == 4 * (2 + 1 + 5), "two groups; then the training persons again, and all folds but one"
    assert all(persons <= set(run.train) | set(run.validation) for persons in seen)
    assert not set(run.test) & set.union(*seen)


def test_other_test_persons_change_nothing_that_is_fitted(run: Run, prepared: Prepared, tmp_path: Path) -> None:
    """The frames of all test persons replaced by noise: the same bits, and the same choice; but other scores."""
    shutil.copytree(prepared.path, tmp_path / "noise")
    frames = np.load(tmp_path / "noise" / "frames.npy")
    rng = np.random.default_rng(0)
    for track in prepared.tracks:
        if track.person in run.test:
            some = frames[track.start : track.start + track.length]
            some[:] = rng.integers(0, 256, some.shape)
    np.save(tmp_path / "noise" / "frames.npy", frames)
    size = (small_data.HEIGHT, small_data.WIDTH)
    small_data.write_index(tmp_path / "noise", list(prepared.tracks), size, prepared.has_flow, prepared.index.dataset)
    noise = open_prepared(tmp_path / "noise")
    shutil.copytree(run.path, tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    facts |= {"prepared_path": str(noise.path), "prepared_sha256": noise.sha256}
    (tmp_path / "run" / "run.json").write_text(json.dumps(facts))
    there = small_data.runs.open_run(tmp_path / "run")
    trained, name = run.best(), "best.npz" if run.validation else "checkpoint.npz"
    facts = Facts(loss=1.0, run=there.checksums())
    save(there.path / name, trained._replace(facts=facts))  # as if trained on the other folder
    with threads(1):
        one, other = embed(run), embed(there)
    assert not np.allclose(one.probe, other.probe)
    before, after = fit(one), fit(other)
    assert list(before) == list(after) == FITTED
    for name, metric in before.items():
        for key in metric:
            assert metric[key].tobytes() == after[name][key].tobytes(), (name, key)
    assert choose([one]) == choose([other])


def test_nobody_is_judged_by_a_metric_that_was_fitted_to_him(run: Run, monkeypatch) -> None:
    """In choosing: every withheld person is judged in one fold, by metrics of training persons and of other folds."""
    judged: list[tuple[set[int], set[int]]] = []
    monkeypatch.setattr(fitting, "fit_all", lambda samples: {"it": set(samples.persons.tolist())})

    def across_cameras(samples, fitted_to):
        judged.append((set(samples.persons.tolist()), fitted_to))
        return float(len(fitted_to))

    monkeypatch.setattr(compare_metrics, "across_cameras", across_cameras)
    with threads(1):
        assert choose([embed(run)]) == "it, training persons"
    assert [fitted_to for _, fitted_to in judged[::2]] == [set(run.train)] * 5
    for (fold, _), (again, others) in zip(judged[::2], judged[1::2]):
        assert fold == again and len(fold) == 2 and others == set(run.validation) - fold
    assert set.union(*(fold for fold, _ in judged)) == set(run.validation)


def test_paired_differences(run: Run, said: str) -> None:
    with threads(1):
        one = embed(run)
    P = len(one.probe)
    plain = -np.abs(np.arange(P)[:, None] - np.arange(P)).astype(float)  # everybody found: AP 1
    worse = plain.copy()
    worse[:6] = -plain[:6]  # the first six are last, or nearly so
    ap = 1 / ranking.rank_of_match(worse, np.arange(P), np.arange(P))
    found = differences([one], [{"Euclidean": plain, "worse": worse}])
    assert found["Euclidean"] == {"mean": 0.0, "standard error": 0.0}
    assert found["worse"]["mean"] == pytest.approx((ap - 1).mean())
    assert found["worse"]["standard error"] == pytest.approx(np.std(ap - 1, ddof=1) / np.sqrt(P))
    two = differences([one, one], [{"Euclidean": plain, "worse": worse}, {"Euclidean": plain, "worse": plain}])
    assert two["worse"]["mean"] == pytest.approx((ap - 1).mean() / 2)
    assert two["worse"]["standard error"] == pytest.approx(abs((ap - 1).mean()) / 2)


@pytest.mark.parametrize(
    "length, T, starts",
    [(3, 5, [0]), (5, 5, [0]), (9, 5, [0]), (10, 5, [0, 5]), (17, 5, [0, 6, 12]), (100, 5, [0, 32, 63, 95])],
)
def test_clips_of_a_track(length: int, T: int, starts: list[int]) -> None:
    """As many as fit, at most four, spread from the first frame to the last; never beyond the track."""
    assert fitting.pieces(Track(1, "a", 1000, length), T) == [Clip(1000 + s, min(T, length)) for s in starts]


def test_samples_belong_to_their_persons(run: Run, prepared: Prepared) -> None:
    with threads(1):
        samples = fitting.samples_of(run.recipe, run.best().params, prepared, (2, 5))
        lone = [t for t in prepared.tracks if (t.person, t.camera) == (5, "b")]
        expected = fitting.embed(run.recipe, run.best().params, prepared, fitting.pieces(lone[0], 3))
    assert samples.x.dtype == np.float64 and set(samples.persons) == {2, 5}
    np.testing.assert_array_equal(samples.x[(samples.persons == 5) & (samples.cameras == "b")], expected)


@pytest.mark.parametrize("name", ["LFDA", "KISSME"])
def test_behind_pca_is_one_linear_map(rng, name: str) -> None:
    x, persons, cameras = draw(rng, D=8)
    page = METRICS[name.lower()]
    reduced = pca.fit(x, persons, cameras, dimensions=5)
    z = pca.project(x, reduced)
    metric = page.fit(z, persons, cameras)
    found = pca.score(x[:4], x, fitting.behind(reduced, metric))
    np.testing.assert_allclose(found, page.score(z[:4], z, metric), atol=1e-6)


def test_without_withheld_persons(tmp_path: Path, prepared: Prepared, run: Run, capsys: Capture) -> None:
    """No rows of them, nobody to choose by; and such a run does not fit into a table with another."""
    alone = small_data.trained(tmp_path / "alone", prepared, "training.epochs=1", "evaluation.normalise=true")
    assert main(["metric", str(alone.path), "--threads", "1"]) == 0
    methods = [row["method"] for row in saved(alone, "results.json")["rows"]]
    assert methods == ["Euclidean", *FITTED[:4], "Euclidean, re-ranked"]
    assert "no metric: there are too few withheld persons" in capsys.readouterr().out
    assert main(["metric", str(alone.path), str(run.path), "--out", str(tmp_path / "both")]) == 2
    assert "only one has withheld persons" in capsys.readouterr().err and not (tmp_path / "both").exists()


def test_re_ranked_rows_take_all_three_blocks_from_the_same_metric(run: Run) -> None:
    with threads(1):
        one = embed(run)
    fitted = fit(one)
    metric = fitted["KISSME, withheld persons"]
    a, b = (pca.project(x, metric) for x in (one.probe, one.gallery))
    pg, pp, gg = (-np.linalg.norm(x[:, None] - y, axis=2) for x, y in ((a, b), (a, a), (b, b)))
    found = compare_metrics.scores_of(one, fitted, "KISSME, withheld persons")
    np.testing.assert_allclose(found["KISSME, withheld persons"], pg, atol=1e-6)
    np.testing.assert_allclose(found["KISSME, withheld persons, re-ranked"], rerank(pg, pp, gg), atol=1e-6)


def test_two_seeds_are_averaged(tmp_path: Path, prepared: Prepared, run: Run, capsys: Capture, said: str) -> None:
    changes = ("training.epochs=1", "validation.persons=10", "evaluation.normalise=true", "training.seed=1")
    other = small_data.trained(tmp_path / "other", prepared, *changes)
    out = tmp_path / "both"
    assert main(["metric", str(run.path), str(other.path), "--out", str(out), "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "seeds 0, 1" in printed and "paired over the runs" in printed
    facts = json.loads((out / "results.json").read_text())
    assert len(facts["rows"]) == 22 and len({row["method"] for row in facts["rows"]}) == 11, (
        "one metric chosen for both"
    )
    first = [row for row in facts["rows"] if row["seed"] == 0]
    assert first[:10] == saved(run, "results.json")["rows"][:10]


def test_bad_input(tmp_path: Path, run: Run, capsys: Capture) -> None:
    (tmp_path / "file").write_text("")
    for words, expected in [
        ([str(run.path), "--out", str(tmp_path / "file")], "to be a folder"),
        ([str(run.path), str(run.path)], "expected --out FOLDER"),
        ([str(tmp_path)], "expected a run folder"),
    ]:
        assert main(["metric", *words]) == 2
        assert expected in capsys.readouterr().err
