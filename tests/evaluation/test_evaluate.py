"""`minireid evaluate` and `minireid embed`: the table, the files, and several runs averaged."""

import contextlib
import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.locks import alone_in
from minireid.base.threads import threads
from minireid.cli import main
from minireid.data.prepared import Prepared, Track
from minireid.evaluation import embedding, evaluate
from minireid.evaluation.comparison import comparison, network_scores, validate
from minireid.evaluation.evaluate import measure
from minireid.training import checkpoint, model
from minireid.training.run import Run, open_run
from tests import small_data

Capture = pytest.CaptureFixture[str]
METHODS = ["msp_src", "mean colour", "colour histograms", "raw pixels", "chance"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, groups=2, persons=range(1, 13), flow=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Run:
    return small_data.trained(tmp_path_factory.mktemp("runs") / "run", prepared, "training.epochs=1")


@pytest.fixture(scope="module")
def said(run: Run) -> str:
    """What `minireid evaluate RUN` prints; its files are in RUN/evaluation."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["evaluate", str(run.path), "--threads", "1"]) == 0
    return printed.getvalue()


def test_one_run(run: Run, prepared: Prepared, said: str) -> None:
    out = run.path / "evaluation"
    saved = json.loads((out / "results.json").read_text())
    assert [row["method"] for row in saved["rows"]] == METHODS
    network, *baselines = saved["rows"]
    facts = {"dataset": "walkers", "protocol": "200", "split": 0, "frames": 0, "probes": 6, "gallery": 6}
    for row in saved["rows"]:
        assert {key: row[key] for key in facts} == facts
    assert (network["seed"], network["clip length"], network["views"]) == (0, 3, 4)
    assert all(row["seed"] is row["clip length"] is row["views"] is None for row in baselines)
    judged = validate(run.recipe, prepared, run.best().params, run.test)
    assert {"rank-1": network["rank-1"], "mAP": network["mAP"]} == judged
    assert saved["rows"][-1]["rank-1"] == pytest.approx(1 / 6)
    lines = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert [line["method"] for line in lines] == METHODS
    assert float(lines[0]["mAP"]) == pytest.approx(network["mAP"])
    assert saved["caption"] in said and "walkers, protocol 200; split 0" in said
    for method in METHODS:
        assert re.search(rf"^{method}\s+\d", said, re.MULTILINE)


def test_the_report_holds_everything(run: Run, said: str) -> None:
    page = (run.path / "evaluation" / "report.html").read_text()
    assert page.count("<img") == 6 and page.count("data:image/png;base64,") == 6
    assert not re.search(r"(src|href)=.https?://", page), "needs no network"
    assert all(method in page for method in METHODS) and "identification_weight" in page
    assert "report.html, network.html, results.json, results.csv" in said


def test_the_report_links_its_networks_page(run: Run, said: str) -> None:
    out = run.path / "evaluation"
    assert 'href="network.html"' in (out / "report.html").read_text()
    page = (out / "network.html").read_text("utf-8")
    assert "<h1>msp_src</h1>" in page and page.count("<img") > 5 and "low_backward" in page
    assert not re.search(r"(src|href)=.(?!#|data:)", page), "stands alone"


def test_no_networks_page_without_its_report(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise InputError("no more")

    monkeypatch.setattr(evaluate, "report", fails)
    with pytest.raises(InputError):
        evaluate.evaluate_runs([run.path], tmp_path / "out", network_page=lambda name: name)
    assert not (tmp_path / "out" / "network.html").exists()


def test_the_same_numbers_every_time(run: Run, said: str) -> None:
    rows, _, _ = measure(run)
    assert json.loads((run.path / "evaluation" / "results.json").read_text())["rows"] == rows


def test_two_seeds_are_averaged(tmp_path: Path, run: Run, prepared: Prepared, capsys: Capture) -> None:
    other = small_data.trained(tmp_path / "other", prepared, "training.epochs=1", "training.seed=1")
    capsys.readouterr()
    assert main(["evaluate", str(run.path), str(other.path), "--out", str(tmp_path / "out"), "--threads", "1"]) == 0
    saved = json.loads((tmp_path / "out" / "results.json").read_text())
    networks = [row for row in saved["rows"] if row["method"] == "msp_src"]
    assert [row["seed"] for row in networks] == [0, 1]
    mean = next(entry for entry in saved["means"] if entry["method"] == "msp_src")["mAP"]
    both = [row["mAP"] for row in networks]
    assert mean["mean"] == pytest.approx(np.mean(both))
    assert mean["standard error"] == pytest.approx(np.std(both, ddof=1) / np.sqrt(2))
    assert "seeds 0, 1" in capsys.readouterr().out


def test_runs_evaluated_in_different_ways_are_not_mixed(
    tmp_path: Path, run: Run, prepared: Prepared, capsys: Capture
) -> None:
    other = small_data.trained(tmp_path / "other", prepared, "training.epochs=1", "evaluation.crops=1")
    capsys.readouterr()
    assert main(["evaluate", str(run.path), str(other.path), "--out", str(tmp_path / "out")]) == 2
    assert "evaluated in different ways" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["evaluate", "metric"])
def test_runs_of_different_protocols_are_refused_before_anything_is_computed(
    command: str, tmp_path: Path, run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    facts = json.loads((tmp_path / "other" / "run.json").read_text())
    (tmp_path / "other" / "run.json").write_text(json.dumps({**facts, "split": "mine.json"}))
    monkeypatch.setattr(embedding, "embed_clips", lambda *_, **__: pytest.fail("computed"))
    assert main([command, str(run.path), str(tmp_path / "other"), "--out", str(tmp_path / "out")]) == 2
    assert "other has protocol mine.json, " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_within_groups_and_few_frames(tmp_path: Path, prepared: Prepared, capsys: Capture) -> None:
    changes = ("training.epochs=1", "evaluation.within_groups=true", "evaluation.frames=4", "evaluation.shuffle=true")
    run = small_data.trained(tmp_path / "run", prepared, *changes)
    rows, compared, _ = measure(run)
    assert all(row["protocol"] == "200 within groups, frames shuffled" and row["frames"] == 4 for row in rows)
    assert all(row["gallery"] == 2 and row["rank-5"] == 1 for row in rows if row["method"] == "chance")
    assert rows[-1]["rank-1"] == 0.5
    assert all(clip.length == 4 for clip in compared.probe + compared.gallery)


def test_the_best_parameters_are_evaluated(tmp_path: Path, prepared: Prepared) -> None:
    run = small_data.trained(tmp_path / "run", prepared, "training.epochs=1", "validation.persons=2")
    other = run.load()._replace(params=model.init(run.recipe, run.identities))
    checkpoint.save(run.path / "best.npz", other)
    _, compared, scores = measure(run)
    best = network_scores(run.recipe, other.params, prepared, compared)
    np.testing.assert_array_equal(scores["msp_src"], best)


def test_the_baseline_with_flow(tmp_path: Path, prepared: Prepared) -> None:
    run = small_data.trained(tmp_path / "run", prepared, "training.epochs=1", "clips.flow=true", name="src")
    rows, _, scores = measure(run)
    assert rows[0]["method"] == "src" and scores["src"].shape == (6, 6)


def test_of_two_at_once_the_second_stops(run: Run, said: str, capsys: Capture) -> None:
    """Their files must not be mixed."""
    before = small_data.listing(run.path)
    with alone_in(run.path / "evaluation", "minireid evaluate"):
        assert main(["evaluate", str(run.path), "--threads", "1"]) == 2
    assert "another minireid evaluate is at work in" in capsys.readouterr().err.splitlines()[-1]
    assert small_data.listing(run.path) == before


def test_a_run_that_was_stopped_says_so(
    tmp_path: Path, prepared: Prepared, run: Run, said: str, capsys: Capture
) -> None:
    stopped = small_data.new_run(tmp_path / "stopped", prepared)
    small_data.train(stopped, stop_after=1)
    assert main(["evaluate", str(stopped.path), "--threads", "1"]) == 0
    sentence = f"stopped is not finished: step 1 of {stopped.steps}."
    assert sentence in capsys.readouterr().out and sentence in (stopped.path / "evaluation/report.html").read_text()
    assert "not finished" not in said and run.load().step == run.steps


def test_embeddings_do_not_overwrite_a_checkpoint(run: Run, prepared: Prepared, capsys: Capture) -> None:
    before = small_data.bits(run.path / "checkpoint.npz")
    assert main(["embed", str(run.path), str(prepared.path), "--out", str(run.path / "checkpoint.npz")]) == 2
    assert "would be taken for a checkpoint: choose another --out" in capsys.readouterr().err
    assert small_data.bits(run.path / "checkpoint.npz") == before


def test_embed(tmp_path: Path, run: Run, capsys: Capture) -> None:
    new = small_data.write_prepared(tmp_path / "new", persons=(31, 57))
    assert main(["embed", str(run.path), str(new.path), "--out", str(tmp_path / "new.npz"), "--threads", "1"]) == 0
    assert f"wrote {tmp_path}/new.npz: views x tracks x features = 4 x 4 x 256" in capsys.readouterr().out
    with np.load(tmp_path / "new.npz") as file:
        clips = comparison(run.recipe, new, (31, 57))
        with threads(1):
            expected = embedding.embed_clips(run.recipe, run.best().params, new, clips.probe + clips.gallery)
        np.testing.assert_array_equal(file["embeddings"], expected)
        assert list(zip(file["person"], file["camera"])) == [(31, "a"), (57, "a"), (31, "b"), (57, "b")]


def several_cameras(role: bool) -> list[Track]:
    """Persons 1 to 12 in two or three of the cameras 1 to 3, some with two tracks; junk and a distractor with roles."""
    tracks = []
    for person in range(1, 13):
        for k, camera in enumerate("1123" if person % 3 else "223"):
            part = "train" if person % 2 else "query" if k in (0, 2) else "gallery"
            names = {"role": part} if role else {"name": f"p{person}/{camera}/{k}"}
            tracks.append(Track(person, camera, 0, 4 + (person + k) % 3, **names))  # type: ignore[arg-type]
    if role:
        tracks += [Track(person, "2", 0, 5, role="gallery") for person in (-1, 0, -1)]
    return tracks


@pytest.mark.parametrize("dataset, protocol", [("mars", "mars"), ("own", "halves")])
def test_several_cameras_and_tracks(tmp_path: Path, dataset: str, protocol: str, capsys: Capture) -> None:
    tracks = several_cameras(role=dataset == "mars")
    prepared = small_data.write_tracks(tmp_path / "prepared", tracks, dataset)
    words = small_data.as_changes(f"evaluation.protocol={protocol}", "validation.persons=2", "training.epochs=1")
    run = tmp_path / "run"
    assert main(["train", str(prepared.path), "--out", str(run), "--threads", "1", *words]) == 0
    assert main(["evaluate", str(run), "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert f"{dataset}, protocol {protocol}, same person in same camera left out; split 0" in said
    rows = json.loads((run / "evaluation" / "results.json").read_text())["rows"]
    assert [row["method"] for row in rows] == METHODS
    mine = sum(track.person in open_run(run).test for track in tracks)
    # MARS: two queries each of six persons; all 22 test tracks and the distractor but, at best, for the query itself.
    # One's own: every track against all others.
    assert (rows[0]["probes"], rows[0]["gallery"]) == ((12, 22) if dataset == "mars" else (mine, mine - 1))
    assert 0 <= small_data.log_of(open_run(run))[-1]["validation mAP"] <= 1


def test_a_run_evaluated_otherwise(tmp_path: Path, run: Run, capsys: Capture) -> None:
    """Other frames at the test, the run as it was; only what concerns the evaluation can be changed."""
    before = (run.path / "recipe.toml").read_bytes()
    words = ["evaluate", str(run.path), "--threads", "1", "--out", str(tmp_path / "few")]
    assert main([*words, "--set", "evaluation.frames=2"]) == 0
    assert "first 2 frames" in capsys.readouterr().out and (run.path / "recipe.toml").read_bytes() == before
    for refused in ("training.epochs=3", "evaluation.protocol=178", "frames=2"):
        assert main([*words, "--set", refused]) == 2
        assert "expected --set evaluation.KEY=VALUE" in capsys.readouterr().err
