"""Run folders: what is written down comes back, and a damaged one is one clear line."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.locks import alone_in
from minireid.data.prepared import Prepared, index_sha256
from minireid.data.splits import Split
from minireid.experiments.start import resume_run
from minireid.training import model
from minireid.training.checkpoint import Facts, save
from minireid.training.run import Run, checksum, create, open_run
from tests import small_data


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return small_data.write_prepared(tmp_path / "prepared")


@pytest.fixture
def run(tmp_path: Path, prepared: Prepared) -> Run:
    return small_data.new_run(tmp_path / "run", prepared, "validation.persons=2", "training.learning_rate=3e-5")


def test_what_is_written_comes_back(run: Run) -> None:
    assert open_run(run.path) == run
    assert len(run.train) == 3 and len(run.validation) == 2 and len(run.test) == 5
    assert sorted(run.train + run.validation + run.test) == list(range(1, 11))
    assert run.identities == 3 and run.recipe.training.learning_rate == 3e-5
    assert sorted(file.name for file in run.path.iterdir()) == ["recipe.toml", "run.json"]


def test_the_prepared_folder_is_found_from_anywhere(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    from minireid.data.prepared import open_prepared

    run = small_data.new_run(Path("run"), open_prepared("prepared"))
    monkeypatch.chdir("/")
    assert open_run(tmp_path / "run").prepared().path == (tmp_path / "prepared").resolve()
    assert run.prepared_path.is_absolute()


def test_the_prepared_folder_has_changed(run: Run, prepared: Prepared) -> None:
    file = prepared.path / "index.json"
    index = json.loads(file.read_text()) | {"source_sha256": "5d8a1b"}
    file.write_text(json.dumps(index))
    with pytest.raises(InputError, match="was changed after it was written"):
        run.prepared()
    file.write_text(json.dumps(index | {"index_sha256": index_sha256(index)}))
    with pytest.raises(InputError, match="has changed since"):
        run.prepared()


def test_a_run_never_overwrites_another(tmp_path: Path, run: Run, prepared: Prepared) -> None:
    small_data.train(run, stop_after=1)
    before = small_data.listing(run.path)
    with pytest.raises(InputError, match="not empty"):
        small_data.new_run(run.path, prepared)
    assert small_data.listing(run.path) == before
    (tmp_path / "empty").mkdir()
    small_data.new_run(tmp_path / "empty", prepared)


def test_the_best_parameters_are_the_last_without_validation_persons(tmp_path: Path, prepared: Prepared) -> None:
    from minireid.training.checkpoint import Checkpoint, Facts, save

    for persons in (0, 2):
        run = small_data.new_run(tmp_path / f"run{persons}", prepared, f"validation.persons={persons}")
        params = model.init(run.recipe, run.identities)
        for step, name in ((4, "best.npz"), (8, "checkpoint.npz")):
            save(run.path / name, Checkpoint(step, params, {}, Facts(best=0.5, loss=1.0)))
        assert run.load().step == 8
        assert run.best().step == (4 if persons else 8)


def test_the_checkpoint_of_another_recipe(tmp_path: Path, prepared: Prepared) -> None:
    other = small_data.new_run(tmp_path / "other", prepared, "clips.crop=[24, 16]")
    small_data.train(other, stop_after=1)
    run = small_data.new_run(tmp_path / "run", prepared)
    (other.path / "checkpoint.npz").rename(run.path / "checkpoint.npz")
    with pytest.raises(InputError, match=r"does not fit this recipe: .*linear.W should be float32"):
        run.load()


# run.json


def change(**entries: Any) -> Callable[[Path], None]:
    """Other entries; None: left out."""

    def apply(file: Path) -> None:
        facts = json.loads(file.read_text()) | entries
        file.write_text(json.dumps({key: value for key, value in facts.items() if value is not None}))

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text(""),
        lambda file: file.write_text(file.read_text()[:100]),
        lambda file: file.write_text(file.read_text()[:-2]),
        lambda file: file.write_bytes(b"\xff\xfe\x00"),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text('"text"'),
        lambda file: file.write_text("3"),
        change(format="minireid-prepared"),
        change(format=None),
        change(version=3),
        change(version=1.0),
        change(version=None),
        change(prepared_path=None),
        change(prepared_path=3),
        change(train=None),
        change(train=3),
        change(test=["Anna"]),
        change(identities=None),
        change(identities="three"),
        change(identities=-3),
        change(identities=3.0),
        change(identities=1),
        change(identities=4),  # more than are trained on
        change(number="0"),
        change(split=200),
        change(prepared_sha256=5),
        change(extra=1),
        lambda file: file.with_name("recipe.toml").unlink(),
        lambda file: file.with_name("recipe.toml").write_text("[network\n"),
        lambda file: file.with_name("recipe.toml").write_text(""),
    ],
)
def test_damaged(run: Run, damage: Callable[[Path], Any]) -> None:
    damage(run.path / "run.json")
    with pytest.raises(InputError) as fault:
        open_run(run.path)
    text = str(fault.value)
    assert str(run.path) in text and "\n" not in text


def test_no_run_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(InputError, match="expected a run folder"):
            open_run(path)


def test_classes_that_do_not_fit_the_persons(run: Run) -> None:
    """The labels of the classifiers are the training persons: with other numbers of them nothing would fit."""
    small_data.train(run, stop_after=1)
    change(identities=2)(run.path / "run.json")
    with pytest.raises(InputError, match=r"run\.json and its recipe do not fit together"):
        resume_run(run.path)
    with pytest.raises(InputError, match=r"heads\..* should be"):
        open_run(run.path).load()


# What belongs together.


@pytest.fixture
def begun(run: Run) -> Run:
    small_data.train(run, stop_after=1)
    return run


def refused(path: Path, says: str) -> None:
    """By everything that reads a checkpoint: evaluation, embedding and going on."""
    for use in (lambda: open_run(path).load(), lambda: resume_run(path)):
        with pytest.raises(InputError, match=says) as fault:
            use()
        assert "\n" not in str(fault.value)


def test_the_checkpoint_of_a_run_with_other_persons(tmp_path: Path, prepared: Prepared, begun: Run) -> None:
    """Its test persons are some of those that the other network was trained on."""
    split = Split("200", 1, begun.test, begun.train + begun.validation)
    other = create(tmp_path / "other", begun.recipe, prepared, split, split.train[:3], split.train[3:], 3)
    small_data.train(other, stop_after=1)
    (other.path / "checkpoint.npz").replace(begun.path / "checkpoint.npz")
    refused(begun.path, "was not trained with this run.json")


@pytest.mark.parametrize(
    "edit",
    [
        ("learning_rate = 3e-05", "learning_rate = 4e-05"),
        ("mirrored = true", "mirrored = false"),  # of the evaluation
        ("crops = 2", "crops = 1"),
    ],
)
def test_an_edited_recipe(begun: Run, edit: tuple[str, str]) -> None:
    file = begun.path / "recipe.toml"
    text = file.read_text()
    assert edit[0] in text
    file.write_text(text.replace(*edit))
    refused(begun.path, "was not trained with this recipe.toml")
    file.write_text("# a remark changes nothing\n" + text)
    assert open_run(begun.path).load().step == 1


def test_a_run_of_an_older_version(begun: Run, prepared: Prepared) -> None:
    """Of 0.1: no checksums in the checkpoint but that of the recipe, and those of the frames in run.json."""
    change(version=1, prepared_sha256=prepared.index.sha256)(begun.path / "run.json")
    tables = {key: table for key, table in begun.tables().items() if key != "evaluation"}
    saved = begun.load()
    save(
        begun.path / "checkpoint.npz",
        saved._replace(facts=Facts(best=-1.0, loss=saved.facts.loss, recipe=checksum(tables))),
    )
    old = open_run(begun.path)
    assert old.prepared().tracks == prepared.tracks and old.load().step == 1
    resume_run(begun.path, quiet=True)
    assert open_run(begun.path).load().facts.run == old.checksums()
    file = begun.path / "recipe.toml"
    file.write_text(file.read_text().replace("learning_rate = 3e-05", "learning_rate = 4e-05"))
    refused(begun.path, "was not trained with this recipe.toml")


# An unfinished start.


@pytest.mark.parametrize(
    "there",
    [
        [],
        ["recipe.toml.partial"],
        ["recipe.toml"],
        ["recipe.toml", "run.json.partial"],
        ["recipe.toml", "run.json"],
        ["recipe.toml", "run.json", "checkpoint.npz.partial"],
    ],
)
def test_a_start_that_was_ended_before_its_first_checkpoint(run: Run, prepared: Prepared, there: list[str]) -> None:
    for name in there:
        if name.endswith(".partial"):
            (run.path / name).write_text("half")
    for name in {"recipe.toml", "run.json"} - set(there):
        (run.path / name).unlink()
    if "run.json" in there:
        resume_run(run.path, quiet=True)
        assert open_run(run.path).load().step > 0
    else:
        again = small_data.new_run(run.path, prepared, "validation.persons=2", "training.learning_rate=3e-5")
        assert open_run(run.path) == again == run
    assert not [name for name in os.listdir(run.path) if name.endswith(".partial")]


def test_a_recipe_of_ones_own_is_not_overwritten(tmp_path: Path, prepared: Prepared) -> None:
    own = tmp_path / "run"
    own.mkdir()
    (own / "recipe.toml").write_text('base = "msp_src"\n')
    with pytest.raises(InputError, match="is not empty"):
        small_data.new_run(own, prepared)
    assert (own / "recipe.toml").read_text() == 'base = "msp_src"\n'


def test_two_trains_in_one_folder(run: Run) -> None:
    pytest.importorskip("fcntl", reason="locks of folders: not on Windows")
    with alone_in(run.path, "minireid train"), pytest.raises(InputError, match="another minireid train is at work"):
        resume_run(run.path)


def test_parameters_come_back_bit_for_bit(run: Run) -> None:
    from minireid.base.trees import leaves
    from minireid.training.checkpoint import Checkpoint, Facts, save

    params = model.init(run.recipe, run.identities)
    save(run.path / "checkpoint.npz", Checkpoint(0, params, {}, Facts()))
    for (name, array), (_, saved) in zip(leaves(params), leaves(run.load().params), strict=True):
        np.testing.assert_array_equal(array, saved, err_msg=name)
