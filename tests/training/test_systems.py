"""Every system from end to end: it learns four people by heart, goes on where it was stopped, is evaluated."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.cli import main
from minireid.data.prepared import Prepared
from minireid.evaluation.comparison import validate
from minireid.evaluation.measure import measure
from minireid.recipes.schema import Recipe
from minireid.training import model, step
from minireid.training.experiment import experiment_of
from minireid.training.run import open_run
from tests import small_data

Capture = pytest.CaptureFixture[str]
CRF = ("losses.verification=contrastive_crf",)
SPATIAL = ("network.name=crf_spatial",)
FEW_FILTERS = ("network.filters=[4, 8, 8]",)
DEEP = (*small_data.DEEP_RCN, "training.optimiser=rmsprop")
INDEPENDENT = ("network.name=deep_rcn_independent",)
UTRCNN = ("losses.verification=contrastive_linear",)
SYSTEMS = {  # name: shipped recipe, and changes
    "crf": ("crf", *CRF),
    "crf_spatial": ("crf", *CRF, *SPATIAL),
    "crf_temporal": ("crf", *CRF, "network.name=crf_temporal"),
    "crf_parts": ("crf", *CRF, "network.name=crf_parts"),
    "deep_rcn": ("deep_rcn", *DEEP),
    "deep_rcn_independent": ("deep_rcn", *DEEP, *INDEPENDENT),
    "utrcnn": ("utrcnn", *UTRCNN),
    "utrcnn, raw": ("utrcnn", *UTRCNN, "network.attention=raw", "network.top_k=2"),
    "lstm": ("msp_src", "network.unit=lstm"),
    "triplets": ("msp_src", "losses.verification=triplet_hard", "losses.identification=softmax_smoothed"),
}
BY_HEART = (  # no dropout, no augmentation: whole frames, whole tracks
    "network.dropout=0.0",
    "network.gain=1.73",
    "clips.length=4",
    "clips.crop=[24, 16]",
    "augment.mirror=false",
    "pairs.sampler=every",
    "pairs.persons=4",
    "training.learning_rate=3e-3",
    "training.schedule=constant",
    "evaluation.crops=1",
    "evaluation.mirrored=false",
    "evaluation.group=0",
)


def recipe_of(name: str, *changes: str) -> Recipe:
    base, *own = SYSTEMS[name]
    return small_data.recipe(*changes, *own, name=base)


@pytest.mark.parametrize("name", SYSTEMS)
def test_four_people_one_batch_are_learnt_by_heart(tmp_path: Path, name: str) -> None:
    """The loss goes to its least, and everybody is found: by the whole path, from bytes to the ranking."""
    four = small_data.write_prepared(tmp_path / "four", persons=range(1, 5), lengths=(4,))
    recipe = recipe_of(name, *BY_HEART, *FEW_FILTERS)
    everybody = (1, 2, 3, 4)
    experiment = experiment_of(recipe, four, everybody)
    params, states, losses = model.init(recipe, 4), {}, []
    least = least_loss(recipe)
    while not losses or (losses[-1] >= least + 0.1 and len(losses) < 150):
        computed = step.gradients_at(experiment, params, len(losses))
        step.update(recipe.training, params, computed.grads, states, len(losses), 200)
        losses.append(computed.loss)
    assert losses[0] > least + 0.5 and losses[-1] < least + 0.1, (len(losses), losses[0], losses[-1])
    assert validate(recipe, four, params, everybody) == {"rank-1": 1.0, "mAP": 1.0}


def least_loss(recipe: Recipe) -> float:
    """0; with smoothed labels the entropy of the target among four persons, at each of two levels."""
    if recipe.losses.identification != "softmax_smoothed":
        return 0.0
    target = np.array([0.1 / 4 + 0.9, 0.1 / 4, 0.1 / 4, 0.1 / 4])
    return 2 * float(-(target * np.log(target)).sum())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """8 persons, 4 of them to train on: two steps are an epoch."""
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=range(1, 9))


SHORT = ("training.epochs=1", "evaluation.crops=1", "evaluation.group=4", *FEW_FILTERS)


def train(prepared: Prepared, out: Path, name: str, *changes: str) -> int:
    """`minireid train` of a few steps."""
    base, *own = SYSTEMS[name]
    words = small_data.as_changes(*SHORT, *own, *changes)
    return main(["train", str(prepared.path), "--recipe", base, "--out", str(out), "--threads", "1", *words])


@pytest.mark.parametrize("name", SYSTEMS)
def test_stopped_and_resumed(tmp_path: Path, prepared: Prepared, name: str) -> None:
    """Two steps at once, and one and one: the same bits and the same log; every parameter has moved."""
    base, *own = SYSTEMS[name]
    run = small_data.new_run(tmp_path / "run", prepared, *SHORT, *own, name=base)
    small_data.train(run, stop_after=1)
    assert run.load().step == 1
    small_data.train(run, resume=True)
    assert train(prepared, tmp_path / "whole", name) == 0
    assert small_data.bits(run.path / "checkpoint.npz") == small_data.bits(tmp_path / "whole" / "checkpoint.npz")
    assert small_data.log_of(run) == small_data.log_of(open_run(tmp_path / "whole")) and run.load().step == 2
    started = dict(leaves(model.init(run.recipe, run.identities)))
    assert not [name for name, array in leaves(run.load().params) if np.array_equal(array, started[name])]
    rows, _, scores = measure(run, progress=False)
    assert np.isfinite(scores[run.recipe.network.name]).all() and 0 < rows[0]["mAP"] <= 1


@pytest.mark.parametrize("name", ["crf_parts", "deep_rcn", "utrcnn"])
def test_trained_evaluated_and_embedded_from_the_command_line(
    tmp_path: Path, prepared: Prepared, capsys: Capture, name: str
) -> None:
    run = tmp_path / "run"
    assert train(prepared, run, name) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--threads", "1"]) == 0
    row = json.loads((run / "evaluation" / "results.json").read_text())["rows"][0]
    assert row["method"] == name and 0 < row["mAP"] <= 1 and row["probes"] == row["gallery"] == 4
    assert re.search(rf"^{name}\s+\d", capsys.readouterr().out, re.MULTILINE)
    assert (run / "evaluation" / "report.html").read_text().count("<img") == 6
    assert main(["embed", str(run), str(prepared.path), "--out", str(tmp_path / "e.npz"), "--threads", "1"]) == 0
    with np.load(tmp_path / "e.npz") as saved:
        assert saved["embeddings"].shape == (2, 16, 24 if name == "deep_rcn" else 128)
        assert np.isfinite(saved["embeddings"]).all()


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("deep_rcn", "clips.crop=[20, 16]", "expected height and width to be multiples of 8, got 20 x 16"),
        ("deep_rcn", "network.kernels=[4, 4]", "kernels must be odd"),
        ("crf_parts", "clips.crop=[23, 16]", "expected an even height (frames are cut into two halves), got 23"),
        ("crf", "network.filters=[8, 8]", "expected network.filters of crf to be 3 numbers"),
        ("deep_rcn", "losses.together=joint", "expected losses.together of deep_rcn to be similarity, got joint"),
        ("utrcnn", "network.pool=temporal_mean", "utrcnn has the settings attention, top_k"),
        ("lstm", "network.unit=conv_gru", "msp_src.unit of msp_src as one of gru, gru_reset_after, elman, lstm"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_no_run_behind(
    tmp_path: Path, prepared: Prepared, capsys: Capture, name: str, change: str, says: str
) -> None:
    assert train(prepared, tmp_path / "run", name, change) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and "\n" not in said
    assert not (tmp_path / "run").exists()
    base, *own = SYSTEMS[name]
    assert main(["trace", "--recipe", base, *small_data.as_changes(*own, change)]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and "\n" not in said
