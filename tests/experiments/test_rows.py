"""The rows of a sweep: from recipes, from sweep files, and what is refused."""

import inspect
from pathlib import Path

import pytest

from data_tools import write_prepared
from minireid.base.errors import InputError
from minireid.experiments import rows
from minireid.recipes.recipe import load
from minireid.recipes.text import to_toml
from minireid.training import batches, model
from tests import small_data


def written(folder: Path, text: str) -> str:
    (folder / "own.toml").write_text(text)
    return str(folder / "own.toml")


def test_a_row_for_each_recipe() -> None:
    title, found = rows.rows_of(["msp_src", "src"], None, ("training.epochs=3",))
    assert title == "" and [row.name for row in found] == [row.folder for row in found] == ["msp_src", "src"]
    assert [row.recipe for row in found] == [load(name, ("training.epochs=3",)) for name in ("msp_src", "src")]


def test_every_row_under_two_protocols() -> None:
    _, found = rows.rows_of(["msp_src", "src"], None, (), ["200", "178"])
    assert [row.folder for row in found] == ["msp_src_200", "src_200", "msp_src_178", "src_178"]
    assert [row.recipe.evaluation.protocol for row in found] == ["200", "200", "178", "178"]
    assert [row.name for row in found] == ["msp_src", "src"] * 2


def test_a_sweep_file(tmp_path: Path) -> None:
    """Changes: the file's, then the row's, then the command line's. A recipe's path starts from the sweep file."""
    (tmp_path / "small.toml").write_text(to_toml(small_data.recipe()))
    text = """
        title = "Units"
        set = ["training.epochs=3", "clips.length=4", "pairs.persons=3"]
        [[row]]
        name = "CNN + GRU, 1 layer"
        recipe = "small.toml"
        set = ["clips.length=5", "pairs.persons=4"]
        paper = { prid2011 = [70, 90.5, 95, 97], "prid2011/178" = [1, 2, 3, 4] }
        [[row]]
        name = "plain"
        recipe = "src"
    """
    title, (first, second) = rows.rows_of([], written(tmp_path, text), ("pairs.persons=5",))
    assert title == "Units" and (first.name, first.folder) == ("CNN + GRU, 1 layer", "cnn_+_gru_1_layer")
    assert first.recipe == small_data.recipe("training.epochs=3", "clips.length=5", "pairs.persons=5")
    assert first.paper == {"prid2011": [70, 90.5, 95, 97], "prid2011/178": [1, 2, 3, 4]}
    assert second.paper == {} and second.recipe.pairs.persons == 5 and second.recipe.clips.length == 4


def test_the_shipped_sweep_files_load() -> None:
    assert "systems" in rows.names()
    for name in rows.names():
        title, found = rows.of_file(name, base="twins" if name == "twins" else "walkers")
        assert title and found
        for row in found:
            model.init(row.recipe, 2)  # one that can be trained


def test_all_published_systems_fit_the_frames_that_prepare_makes_where_nothing_is_said(tmp_path: Path) -> None:
    size = inspect.signature(write_prepared.prepare).parameters["size"].default
    prepared = small_data.write_prepared(tmp_path / "prepared", size=size, flow=True)
    _, found = rows.of_file("systems")
    assert len(found) == 7
    for row in found:
        batches.check_fits(row.recipe, prepared)


ROW = '[[row]]\nname = "one"\nrecipe = "src"\n'


@pytest.mark.parametrize(
    "text, says",
    [
        ("row = [", "own.toml is not valid TOML"),
        ("", "missing key of own.toml: row"),
        ("row = []", "missing key of own.toml: row"),
        ("row = [1]", "expected row 1 of own.toml as a [[row]], got 1"),
        ("row = 3", "expected row of own.toml as a list, got 3"),
        ('rows = "x"\n' + ROW, "unknown key of own.toml: rows; expected title, set, row"),
        ("title = 3\n" + ROW, "expected title of own.toml as text, got 3"),
        ('set = "a=b"\n' + ROW, "expected set of own.toml as a list, got 'a=b'"),
        ("set = [3]\n" + ROW, "expected set of own.toml as a list of texts"),
        (ROW + 'seed = "3"', "unknown key of row 1 of own.toml: seed; expected name, recipe, set, paper"),
        (ROW + ROW.replace("one", "two") + "set = 4", "expected set of row 2 of own.toml as a list, got 4"),
        (ROW + "set = [4]", "expected set of row 1 of own.toml as a list of texts"),
        ('[[row]]\nrecipe = "src"', "missing key of row 1 of own.toml: name"),
        ('[[row]]\nname = "one"', "row 1 of own.toml names no recipe"),
        ('[[row]]\nname = "one"\nrecipe = 3', "expected recipe of row 1 of own.toml as text, got 3"),
        ('[[row]]\nname = "one"\nrecipe = "resnet"', "expected a recipe (crf"),
        (ROW + 'set = ["training.sead=3"]', "there is no key training.sead"),
        (ROW + 'set = ["training.epochs=many"]', "expected training.epochs of src as int, got 'many'"),
        (ROW + 'set = ["training.seed=3"]', "remove training.seed=3: use --seeds N"),
        (ROW + "paper = [1, 2, 3, 4]", "expected paper of row 1 of own.toml as a table"),
        (ROW + "paper = { prid2011 = [1, 2, 3] }", "expected paper.prid2011 of row 1 of own.toml as four numbers"),
        (ROW + 'paper = { x = [1, 2, 3, "4"] }', "expected paper.x of row 1 of own.toml as four numbers"),
        (ROW + "paper = { x = [1, 2, 3, 400] }", "expected paper.x of row 1 of own.toml as four numbers"),
        (ROW + "paper = { x = [1, 2, 3, true] }", "expected paper.x of row 1 of own.toml as four numbers"),
        (ROW + ROW, "two rows of own.toml are called one"),
        (ROW + ROW.replace("one", "One!"), "two rows of own.toml are called One! (or almost)"),
        (ROW.replace("one", "chance"), "'chance' in own.toml cannot be a row's name"),
        (ROW.replace("one", "../.."), "'../..' in own.toml cannot be a row's name"),
    ],
)
def test_sweep_files_that_are_refused(text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError) as fault:
        rows.rows_of([], "own.toml", ())
    assert says in str(fault.value) and "\n" not in str(fault.value)


@pytest.mark.parametrize(
    "recipes, file, changes, protocols, says",
    [
        ([], None, (), (), "expected --recipe NAME or --rows FILE"),
        (["src", "crf"], "compare", (), (), "expected one --recipe with --rows, the base of its rows, got src, crf"),
        ([], "compare", (), (), "row 1 of compare names no recipe: give the recipe that it changes with --recipe"),
        ([], "nowhere.toml", (), (), "expected a sweep file at nowhere.toml, found none"),
        ([], "nothing", (), (), "expected a sweep file (compare"),
        (["src", "src"], None, (), (), "two rows of --recipe are called src"),
        (["src"], None, (" training.seed = 3",), (), "use --seeds N for the seeds 0 to N - 1"),
        (["src"], None, (), ["200", "200"], "expected each protocol once, got 200, 200"),
        (["src"], None, (), ["201"], "expected evaluation.protocol of src as one of"),
    ],
)
def test_commands_that_are_refused(recipes, file, changes, protocols, says) -> None:
    with pytest.raises(InputError) as fault:
        rows.rows_of(recipes, file, changes, protocols)
    assert says in str(fault.value)


def test_rows_as_changes_of_one_recipe(tmp_path: Path) -> None:
    """A row without a recipe changes the one of --recipe; a row with one keeps it; a sweep file's rows stand alike over
    different recipes."""
    text = '[[row]]\nname = "as it is"\n\n[[row]]\nname = "deep"\nset = ["network.depth=2"]\n\n' + ROW
    for base in ("walkers", "twins"):
        _, (plain, deep, own) = rows.rows_of([base], written(tmp_path, text), ("training.epochs=3",))
        assert plain.recipe == load(base, ("training.epochs=3",))
        assert deep.recipe == load(base, ("network.depth=2", "training.epochs=3"))
        assert own.recipe == rows.rows_of([], written(tmp_path, ROW), ("training.epochs=3",))[1][0].recipe
