"""The training loop: same bits whatever happens on the way, and a clear word when it cannot go on."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.trees import leaves
from minireid.data import clips
from minireid.data.prepared import Prepared
from minireid.evaluation.comparison import validate
from minireid.layers import conv_block_fused, gru_projected
from minireid.training import batches, checkpoint, estimate, log, loop, model, step
from minireid.training.checkpoint import Checkpoint, Facts
from minireid.training.experiment import experiment_of
from minireid.training.run import Run
from minireid.training.ways import fast
from tests import small_data

STEPS = 6  # 3 epochs of 2
VALIDATED = ("validation.persons=2", "training.epochs=3", "pairs.persons=2")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """12 persons: 6 to train on, of whom 2 may be held out."""
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=range(1, 13))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Run:
    return small_data.trained(tmp_path_factory.mktemp("uninterrupted") / "run", prepared, *VALIDATED)


def assert_same_run(run: Run, other: Run) -> None:
    """Parameters, optimiser states, best checkpoint and log, but for the seconds."""
    assert small_data.log_of(run) == small_data.log_of(other)
    for name in ("checkpoint.npz", "best.npz"):
        assert small_data.bits(run.path / name) == small_data.bits(other.path / name), name


# Same bits.


def test_same_seed_same_bits(tmp_path: Path, prepared: Prepared, uninterrupted: Run) -> None:
    assert_same_run(small_data.trained(tmp_path / "run", prepared, *VALIDATED), uninterrupted)


def test_training_by_definition_runs_the_definitions_and_differs_by_rounding(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, plain = (small_data.new_run(tmp_path / name, prepared) for name in ("quick", "plain"))
    real, calls = loop.gradients_at, Counter[str]()

    def watched(*arguments: Any, **named: Any) -> Any:
        with monkeypatch.context() as patch:
            for page in (conv_block_fused, gru_projected):
                patch.setattr(page, "forward", counted(page.__name__, page.forward))
            return real(*arguments, **named)

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return function(*arguments, **named)

        return call

    monkeypatch.setattr(loop.estimate, "forecast", lambda *_: "")  # it times a step of the quicker kind
    monkeypatch.setattr(loop, "gradients_at", watched)
    small_data.train(plain, stop_after=3, definition=True)
    assert not calls
    small_data.train(quick, stop_after=3)
    assert len(calls) == 2
    losses = [[record["loss"] for record in small_data.log_of(run)] for run in (quick, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_another_seed_other_bits(tmp_path: Path, prepared: Prepared, uninterrupted: Run) -> None:
    other = small_data.trained(tmp_path / "run", prepared, *VALIDATED, "training.seed=1")
    assert small_data.log_of(other)[0]["loss"] != small_data.log_of(uninterrupted)[0]["loss"]


@pytest.mark.parametrize("k", range(1, STEPS + 1))
def test_stopped_after_step_k_and_resumed(tmp_path: Path, prepared: Prepared, uninterrupted: Run, k: int) -> None:
    run = small_data.new_run(tmp_path / "run", prepared, *VALIDATED)
    small_data.train(run, stop_after=k)
    assert run.load().step == k and len(small_data.log_of(run)) == k
    small_data.train(run, resume=True)
    assert_same_run(run, uninterrupted)


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop"])
def test_the_other_optimisers_go_on_as_well(tmp_path: Path, prepared: Prepared, optimiser: str) -> None:
    changes = (f"training.optimiser={optimiser}", "training.momentum=0.9", "training.dampening=0.9")
    whole = small_data.trained(tmp_path / "whole", prepared, *changes)
    run = small_data.new_run(tmp_path / "run", prepared, *changes)
    small_data.train(run, stop_after=3)
    small_data.train(run, resume=True)
    assert small_data.bits(run.path / "checkpoint.npz") == small_data.bits(whole.path / "checkpoint.npz")
    assert small_data.log_of(run) == small_data.log_of(whole)


@pytest.mark.parametrize("optimiser, key", [("sgd", "v"), ("rmsprop", "s"), ("adam", "m"), ("adam", "k")])
def test_an_optimiser_that_has_lost_a_part_of_its_state(
    tmp_path: Path, prepared: Prepared, optimiser: str, key: str
) -> None:
    """It would begin afresh, and the run would not be the same run: refused."""
    run = small_data.new_run(tmp_path / "run", prepared, f"training.optimiser={optimiser}")
    small_data.train(run, stop_after=3)
    saved = run.load()
    name = next(iter(saved.optimiser))
    for left in ({}, {name: {}}, {name: saved.optimiser[name] | {"more": np.zeros(())}}):
        checkpoint.save(run.path / "checkpoint.npz", saved._replace(optimiser=left))
        with pytest.raises(InputError, match="the optimiser's state is not whole"):
            small_data.train(run, resume=True)
    del saved.optimiser[name][key]
    for state in (saved, saved._replace(step=0), saved._replace(step=10**9)):
        checkpoint.save(run.path / "checkpoint.npz", state)
        with pytest.raises(
            InputError, match=r"is damaged \((the optimiser's state is not whole|step 1000000000 of 6)\)"
        ):
            small_data.train(run, resume=True)


def test_killed_without_warning_and_resumed(tmp_path: Path, prepared: Prepared, uninterrupted: Run) -> None:
    """The log is ahead of the checkpoint, and its last line is cut: those steps are done again."""
    run = small_data.new_run(tmp_path / "run", prepared, *VALIDATED)
    small_data.train(run, stop_after=2)
    lines = (uninterrupted.path / "log.jsonl").read_text().splitlines()
    (run.path / "log.jsonl").write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])
    small_data.train(run, resume=True)
    assert_same_run(run, uninterrupted)


def test_resuming_what_is_done_changes_nothing(tmp_path: Path, prepared: Prepared, uninterrupted: Run) -> None:
    run = small_data.trained(tmp_path / "run", prepared, *VALIDATED)
    small_data.train(run, resume=True)
    assert_same_run(run, uninterrupted)


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("half, number", [("gradients_at", 2), ("update", 4)])
def test_ctrl_c_finishes_the_step_and_saves(
    tmp_path: Path,
    prepared: Prepared,
    uninterrupted: Run,
    monkeypatch: pytest.MonkeyPatch,
    k: int,
    half: str,
    number: int,
) -> None:
    """Whichever half of a step it comes in."""
    run = small_data.new_run(tmp_path / "run", prepared, *VALIDATED)
    real, handler = getattr(loop, half), signal.getsignal(signal.SIGINT)

    def pressed(*arguments: Any) -> Any:
        if arguments[number] == k - 1:  # the step's number
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, half, pressed)
        with pytest.raises(loop.Interrupted, match=f"stopped after step {k} of {STEPS}"):
            small_data.train(run)
    assert signal.getsignal(signal.SIGINT) is handler
    assert run.load().step == k and len(small_data.log_of(run)) == k
    small_data.train(run, resume=True)
    assert_same_run(run, uninterrupted)


# The log.


def test_every_line_of_the_log(uninterrupted: Run) -> None:
    lines = (uninterrupted.path / "log.jsonl").read_text().splitlines()
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]  # NaN is not JSON
    assert [record["step"] for record in records] == list(range(1, STEPS + 1))
    assert [record["epoch"] for record in records] == [1, 1, 2, 2, 3, 3]
    levels = ("low", "high")
    keys = {"step", "epoch", "loss", "seconds"}
    keys |= {f"{level} {kind}" for level in levels for kind in ("verification", "identification", "same", "different")}
    for record in records:
        judged = {"validation rank-1", "validation mAP"} if record["step"] % 2 == 0 else set()
        assert set(record) == keys | judged
        assert record["loss"] == pytest.approx(sum(record[k] for k in keys if "cation" in k), rel=1e-6)
        assert record["seconds"] > 0


@pytest.mark.parametrize("together", ["joint", "joint_on_sphere"])
def test_the_log_says_what_the_network_does(tmp_path: Path, prepared: Prepared, together: str) -> None:
    """The first line, worked out by hand from the first batch and the initial parameters.

    Distances are those that the loss sees: where it scales embeddings, of embeddings of length 1.
    """
    run = small_data.new_run(tmp_path / "run", prepared, "network.dropout=0.0", f"losses.together={together}")
    small_data.train(run, stop_after=1)
    inputs, _ = batches.draw(experiment_of(run.recipe, prepared, run.train), 0)
    params = model.init(run.recipe, 6)
    loss, _, embeddings, _, _ = step.gradients(model.model_of(run.recipe, fast()), params, inputs, None)
    record = small_data.log_of(run)[0]
    assert record["loss"] == pytest.approx(loss, rel=1e-6)
    for level, e in embeddings.items():
        if together == "joint_on_sphere":
            e = run.recipe.losses.verification_length * e / np.linalg.norm(e, axis=1, keepdims=True)
        for word, wanted in (("same", True), ("different", False)):
            d = [np.linalg.norm(e[i] - e[j]) for (i, j), same in zip(inputs.pairs, inputs.same) if same == wanted]
            assert record[f"{level} {word}"] == pytest.approx(np.mean(d), rel=1e-5)


def test_batches_without_a_negative_pair_leave_no_nan(tmp_path: Path) -> None:
    """Groups of three visited by twos: every second batch is of two groups' ends, who are never compared."""
    few = small_data.write_prepared(tmp_path / "few", persons=range(1, 13), groups=3)
    run = small_data.trained(tmp_path / "run", few, "pairs.sampler=every", "pairs.persons=2")
    lines = (run.path / "log.jsonl").read_text().splitlines()
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    for record in records:
        assert ("low different" in record) == ("high different" in record)
        assert "low same" in record and np.isfinite(record["loss"])
    assert {"low different" in record for record in records} == {True, False}


def test_the_bars_text_says_what_is_not_there() -> None:
    record = {"loss": 1.5, "low verification": 0.25, "low identification": 1.25, "low same": 0.5}
    assert log.short(record) == "loss 1.500 (lv 0.25, li 1.25) same|different low 0.5|nan"
    assert log.short(record | {"low different": 2.0}).endswith("low 0.5|2.0")


# Learning.


def test_four_people_one_batch_are_learnt_by_heart(tmp_path: Path) -> None:
    """No dropout, no augmentation (whole frames, whole tracks): the loss goes to nothing and everybody is found."""
    four = small_data.write_prepared(tmp_path / "four", persons=range(1, 5), lengths=(4,))
    recipe = small_data.recipe(
        "network.dropout=0.0",
        "network.gain=1.73",
        "clips.length=4",
        "clips.crop=[24, 16]",
        "augment.mirror=false",
        "pairs.sampler=every",
        "pairs.persons=4",
        "training.schedule=constant",
        "evaluation.crops=1",
        "evaluation.mirrored=false",
    )
    everybody = (1, 2, 3, 4)
    experiment = experiment_of(recipe, four, everybody)
    params, states, losses = model.init(recipe, 4), {}, []
    while not losses or (losses[-1] >= 0.05 and len(losses) < 200):
        computed = step.gradients_at(experiment, params, len(losses))
        step.update(recipe.training, params, computed.grads, states, len(losses), 200)
        losses.append(computed.loss)
    assert losses[0] > 1 and losses[-1] < 0.05
    assert validate(recipe, four, params, everybody) == {"rank-1": 1.0, "mAP": 1.0}


def test_what_changes_in_a_step(prepared: Prepared) -> None:
    """Clipping, decay, update and schedule, by hand for plain gradient descent."""
    recipe = small_data.recipe(
        "training.optimiser=sgd",
        "training.momentum=0.0",
        "training.dampening=0.0",
        "training.learning_rate=0.5",
        "training.clip_elements=0.1",
        "training.weight_decay=0.2",
        "training.schedule=cosine",
    )
    params = {"W": np.full((1, 2), 3.0), "b": np.full(2, 3.0)}
    grads = {"W": np.array([[0.05, 7.0]]), "b": np.array([-7.0, 0.0])}
    step.update(recipe.training, params, grads, {}, step=1, steps=2)  # half of the cosine: 0.25
    np.testing.assert_allclose(params["W"], [[3 * 0.95 - 0.25 * 0.05, 3 * 0.95 - 0.25 * 0.1]])
    np.testing.assert_allclose(params["b"], [3 + 0.25 * 0.1, 3])


# Validation.


def test_held_out_persons_are_in_no_batch(
    prepared: Prepared, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, seen = uninterrupted, []
    experiment = experiment_of(run.recipe, prepared, run.train)
    persons = experiment.people.persons
    assert not set(persons) & (set(run.validation) | set(run.test)) and len(persons) == 4
    owner = np.zeros(len(prepared.frames), int)
    for track in prepared.tracks:
        owner[track.start : track.start + track.length] = track.person
    real = clips.read
    monkeypatch.setattr(clips, "read", lambda prepared, wanted: seen.extend(wanted) or real(prepared, wanted))
    for k in range(STEPS):
        batches.draw(experiment, k)
    assert {int(p) for clip in seen for p in owner[clip.start : clip.start + clip.length]} == set(run.train)


def test_the_best_checkpoint_is_the_best(tmp_path: Path, prepared: Prepared) -> None:
    """The validator decides, the first of equals stays, and it is asked every so many epochs only."""
    run = small_data.new_run(tmp_path / "run", prepared, *VALIDATED, "training.epochs=6", "validation.every=1")
    said, asked = [0.25, 0.5, 0.75, 0.75, 0.5, 0.25], []

    def validator(params: Any, persons: tuple[int, ...]) -> dict[str, float]:
        assert persons == run.validation
        asked.append({name: array.copy() for name, array in leaves(params)})
        return {"rank-1": 1.0 - said[len(asked) - 1], "mAP": said[len(asked) - 1]}

    loop.train(run, prepared, validator, quiet=True)  # else the forecast asks it too
    assert [record["validation mAP"] for record in small_data.log_of(run)[1::2]] == said
    best = run.best()
    assert best.step == 6 and best.facts.best == 0.75
    for name, array in leaves(best.params):
        np.testing.assert_array_equal(array, asked[2][name])
    assert run.load().step == 12 and run.load().facts.best == 0.75


def test_validation_every_other_epoch(tmp_path: Path, prepared: Prepared) -> None:
    run = small_data.trained(tmp_path / "run", prepared, *VALIDATED, "training.epochs=4", "validation.every=2")
    judged = [record["step"] for record in small_data.log_of(run) if "validation mAP" in record]
    assert judged == [4, 8]


def test_without_validation_persons_nothing_is_validated(tmp_path: Path, prepared: Prepared) -> None:
    run = small_data.trained(tmp_path / "run", prepared)
    assert len(run.train) == 6 and not run.validation
    assert not (run.path / "best.npz").exists() and run.best().step == run.load().step == 6
    assert not any("validation" in key for record in small_data.log_of(run) for key in record)


# Not finite.


def test_a_planted_nan_is_found_where_it_began(tmp_path: Path, prepared: Prepared) -> None:
    for layer, said in (("high.conv3.W", "high.conv3"), ("conv2.b", "conv2"), ("high.unit1.Wz", "high.unit1")):
        run = small_data.new_run(tmp_path / layer, prepared)
        small_data.train(run, stop_after=3)
        good = small_data.bits(run.path / "checkpoint.npz")
        saved = run.load()
        dict(leaves(saved.params))[f"network.{layer}"].flat[0] = np.nan
        experiment = experiment_of(run.recipe, prepared, run.train)
        with pytest.raises(loop.NotFinite) as fault:
            loop.finite_at(experiment, saved, 3, 3)
        text = str(fault.value)
        assert "the loss is nan at step 4 (low verification " in text and f"first in {said}:" in text
        assert "high identification nan" in text and "the checkpoint after step 3 is kept" in text and "\n" not in text
        assert small_data.bits(run.path / "checkpoint.npz") == good


def loss_of(run: Run, prepared: Prepared) -> float:
    """The loss of the run's checkpoint on the first batch."""
    return step.gradients_at(experiment_of(run.recipe, prepared, run.train), run.load().params, 0).loss


@pytest.mark.parametrize("persons", [2, 6])  # three steps an epoch, or one: each ends with a checkpoint
def test_diverging_stops_and_keeps_a_checkpoint_that_is_finite(
    tmp_path: Path, prepared: Prepared, persons: int
) -> None:
    """The first step's loss is finite, and its update ruins everything: what is kept is from before it."""
    run = small_data.new_run(
        tmp_path / "run", prepared, f"pairs.persons={persons}", "training.learning_rate=1e6", "training.epochs=6"
    )
    with pytest.raises(loop.NotFinite, match=r"the loss .* at step 2.*the checkpoint after step 0 is kept"):
        small_data.train(run)
    assert [record["step"] for record in small_data.log_of(run)] == [1]
    assert run.load().step == 0
    for (name, kept), (_, drawn) in zip(leaves(run.load().params), leaves(model.init(run.recipe, run.identities))):
        np.testing.assert_array_equal(kept, drawn, err_msg=name)
    assert np.isfinite(loss_of(run, prepared))
    assert set(validate(run.recipe, prepared, run.best().params, run.test)) == {"rank-1", "mAP"}
    with pytest.raises(loop.NotFinite, match="at step 2"):
        small_data.train(run, resume=True)
    assert run.load().step == 0


def ruin_at(monkeypatch: pytest.MonkeyPatch, last_good: int) -> None:
    """Let the update of the step after `last_good` leave a NaN."""
    real = loop.update

    def apply(training: Any, params: Any, grads: Any, states: Any, step: int, steps: int) -> None:
        real(training, params, grads, states, step, steps)
        if step == last_good:
            dict(leaves(params))["network.conv1.b"][0] = np.nan

    monkeypatch.setattr(loop, "update", apply)


@pytest.mark.parametrize(
    "persons, last_good, stopped_at, kept",
    [
        (2, 3, 5, 3),  # in the middle of the second epoch: the first one's end is kept
        (2, 2, 4, 0),  # by the last step of an epoch: its end is not kept, but what was there before
        (2, 5, 6, 3),  # by the very last step
        (6, 0, 2, 0),  # an epoch is a step
        (6, 3, 5, 3),
        (6, 5, 6, 5),
    ],
)
def test_what_is_kept_when_a_later_step_diverges(
    tmp_path: Path,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    persons: int,
    last_good: int,
    stopped_at: int,
    kept: int,
) -> None:
    """The last end of an epoch whose loss was finite; gone on from there, the run ends as if nothing had been."""
    changes = (f"pairs.persons={persons}", f"training.epochs={persons if persons == 6 else 2}")
    whole = small_data.trained(tmp_path / "whole", prepared, *changes)
    run = small_data.new_run(tmp_path / "run", prepared, *changes)
    with monkeypatch.context() as patch:
        ruin_at(patch, last_good)
        with pytest.raises(loop.NotFinite, match=f"the loss is nan at step {stopped_at} .*first in conv1"):
            small_data.train(run)
    assert run.load().step == kept and np.isfinite(loss_of(run, prepared))
    small_data.train(run, resume=True)
    assert small_data.bits(run.path / "checkpoint.npz") == small_data.bits(whole.path / "checkpoint.npz")
    assert small_data.log_of(run) == small_data.log_of(whole)


def test_a_ruined_network_is_never_the_best_nor_what_ctrl_c_leaves(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small_data.new_run(tmp_path / "validated", prepared, *VALIDATED)
    stopped = small_data.new_run(tmp_path / "stopped", prepared)
    with monkeypatch.context() as patch:
        ruin_at(patch, 1)
        with pytest.raises(loop.NotFinite):
            small_data.train(run)
        with pytest.raises(loop.NotFinite):
            small_data.train(stopped, stop_after=2)
    assert stopped.load().step == 0
    if (run.path / "best.npz").exists():
        assert all(np.isfinite(array).all() for _, array in leaves(run.best().params))


def test_the_best_network_has_a_finite_loss(tmp_path: Path, prepared: Prepared) -> None:
    """Weights of a million are finite, their loss is far above the first: such a network is no better than none."""
    changes = (*VALIDATED, "pairs.persons=4", "training.learning_rate=1e6")  # an epoch is a step
    run = small_data.new_run(tmp_path / "run", prepared, *changes)
    with pytest.raises(loop.NotFinite):
        small_data.train(run)
    assert run.load().step == 0 and np.isfinite(loss_of(run, prepared))
    assert not (run.path / "best.npz").exists()


def test_a_loss_that_grows_without_end_is_told(tmp_path: Path, prepared: Prepared) -> None:
    """All of it finite: without a word, a user would evaluate a network that knows nothing."""
    run = small_data.new_run(tmp_path / "run", prepared, "training.learning_rate=100", "training.epochs=20")
    with pytest.raises(loop.NotFinite, match=r"has grown from .* at the first step to .*lower training\.learning_rate"):
        small_data.train(run)
    assert max(record["loss"] for record in small_data.log_of(run)) <= 1000 * small_data.log_of(run)[0]["loss"]


def test_a_loss_that_is_not_finite_before_any_update(tmp_path: Path, prepared: Prepared) -> None:
    """A lower learning rate would not help."""
    run = small_data.new_run(tmp_path / "run", prepared)
    dict(leaves(params := model.init(run.recipe, run.identities)))["network.conv1.b"][0] = np.nan
    state = Checkpoint(0, params, {}, Facts())
    with pytest.raises(loop.NotFinite, match=r"before any update: try a lower network\.gain"):
        loop.finite_at(experiment_of(run.recipe, prepared, run.train), state, 0, 0)


# What is said before it starts.


def test_a_forecast_before_the_first_step(
    tmp_path: Path, prepared: Prepared, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small_data.new_run(tmp_path / "run", prepared)
    small_data.train(run, stop_after=1)
    size = sum(array.size for _, array in leaves(run.load().params))
    said = capsys.readouterr().out
    assert said.startswith(f"6 persons, {size:,} parameters, 6 steps: about ")
    assert "of memory" in said and "of disk" in said
    small_data.train(run, resume=True)
    assert capsys.readouterr().out == "going on after step 1 of 6\n"


@pytest.mark.parametrize("changes", [(), VALIDATED, ("training.optimiser=sgd", "training.epochs=30")])
def test_the_forecast_of_disk_space_is_right(tmp_path: Path, prepared: Prepared, changes: tuple[str, ...]) -> None:
    """Of what is written, and of one more checkpoint: a new one is written beside the old one."""
    run = small_data.trained(tmp_path / "run", prepared, *changes)
    experiment = experiment_of(run.recipe, prepared, run.train)
    said = estimate.forecast(experiment, model.init(run.recipe, run.identities), run.path)
    names = ("log.jsonl", "checkpoint.npz", "checkpoint.npz", *(["best.npz"] if run.validation else []))
    needed = sum((run.path / name).stat().st_size for name in names) / 2**20
    told = re.search(r"([\d.]+) MiB of disk", said)
    assert told and 0.8 * needed < float(told[1]) < 1.2 * needed


def test_a_disk_that_is_too_small(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_data.new_run(tmp_path / "run", prepared, "training.epochs=1000000")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    with pytest.raises(InputError, match=r"needs .* MiB for 3000000 steps, 95 MiB are free"):
        small_data.train(run)
