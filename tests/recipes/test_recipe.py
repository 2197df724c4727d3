"""Recipes: those that are shipped, changes by --set, and every fault as one line that names the key."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from minireid.base.errors import InputError
from minireid.networks import NAMES
from minireid.recipes.recipe import load, names, parse
from minireid.recipes.schema import Losses, Recipe
from minireid.recipes.text import listing, show, tables_of, to_toml
from tests import small_data

TOGETHER = get_args(Losses.__dataclass_fields__["together"].type)


def text_of(recipe: Recipe | None = None) -> str:
    return to_toml(recipe or small_data.recipe())


def leave_out(text: str, line_start: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(line_start))


@pytest.mark.parametrize("name", names())
def test_shipped_recipes_are_whole_and_fit_together(name: str) -> None:
    recipe = load(name)
    assert parse(to_toml(recipe), "kept") == recipe


def test_the_recipes_that_must_be_there() -> None:
    assert {"src", "msp_src", "crf", "deep_rcn", "utrcnn", "walkers"} <= set(names())


def test_the_baseline_is_as_published() -> None:
    """McLaughlin et al. (2016) and their code."""
    r = load("src")
    assert r.network.name == "src" and r.settings == {}
    assert r.network.dropout == 0.6 and r.clips.length == 16 and r.clips.crop == (56, 40) and r.clips.flow
    assert r.clips.square_root and r.clips.recentre and r.augment.mirror and not r.augment.negate_flow
    assert r.augment.first_offset == 1 and r.augment.shift == 0 and r.augment.scale == 0
    assert r.losses.verification == "contrastive_linear" and r.losses.margin == 2
    assert (r.losses.verification_weight, r.losses.identification_weight) == (1, 2)  # a pair has two clips
    assert (r.pairs.sampler, r.pairs.persons, r.pairs.same_camera) == ("alternating", 1, True)
    assert (r.training.optimiser, r.training.learning_rate, r.training.schedule) == ("sgd", 1e-3, "constant")
    assert r.training.momentum == r.training.dampening == 0.9 and r.training.clip_elements == 5
    assert r.training.epochs >= 500 and r.training.weight_decay == 0
    e = r.evaluation
    assert (e.protocol, e.frames, e.crops, e.mirrored, e.normalise) == ("200", 128, 8, True, False)


def test_crf_is_as_published() -> None:
    """Chen et al. (2017), section 3.2 and equations 3 to 9."""
    r = load("crf")
    assert r.network.name == "crf" and r.settings == {}
    assert r.clips.length == 16 and r.clips.flow and r.evaluation.frames == 0 and r.evaluation.group == 16
    assert (r.losses.verification, r.losses.identification, r.losses.margin) == ("contrastive_crf", "softmax", 2)
    assert (r.losses.verification_weight, r.losses.identification_weight) == (1, 2)  # a pair has two clips
    assert r.pairs.same_camera and not r.evaluation.normalise


def test_deep_rcn_is_as_published() -> None:
    """Wu et al. (2016), section 5."""
    r = load("deep_rcn")
    assert r.network.name == "deep_rcn" and r.network.dropout == 0.7
    assert r.settings == {"kernels": (5, 5), "lower_in_candidate": False, "pool": "temporal_last"}
    assert r.losses.together == "similarity" and r.clips.length == 20 and not r.clips.flow
    assert r.training.optimiser == "rmsprop" and r.training.clip_elements == 5 and not r.evaluation.normalise


def test_utrcnn_is_as_published() -> None:
    """Its equations 2 to 5, and section 4."""
    r = load("utrcnn")
    assert r.network.name == "utrcnn" and r.settings == {"attention": "softmax", "top_k": 0}
    assert r.network.dropout == 0.6 and r.clips.length == 16 and r.clips.flow and r.evaluation.frames == 128
    assert (r.losses.verification, r.losses.identification, r.losses.margin) == ("contrastive_linear", "softmax", 2)
    assert (r.losses.verification_weight, r.losses.identification_weight) == (1, 2)  # a pair has two clips


def test_the_new_systems_keys_can_be_changed() -> None:
    changes = (
        "network.filters=[8, 16, 16, 32]",
        "network.kernels=[9, 1]",
        "deep_rcn.lower_in_candidate=true",
        "evaluation.group=7",
    )
    r = load("deep_rcn", changes)
    assert r.network.filters == (8, 16, 16, 32) and r.evaluation.group == 7
    assert r.settings == {"kernels": (9, 1), "lower_in_candidate": True, "pool": "temporal_last"}
    assert parse(to_toml(r), "kept") == r
    assert load("utrcnn", ("network.attention=raw", "utrcnn.top_k=5")).settings == {"attention": "raw", "top_k": 5}


def test_the_network_decides_which_settings_there_are() -> None:
    """Wherever its name stands among the changes. An ablation has the settings of its family."""
    changes = ("network.top_k=5", "network.name=utrcnn")
    assert load("msp_src", changes) == load("msp_src", changes[::-1])
    assert load("msp_src", changes).settings == {"attention": "softmax", "top_k": 5}
    assert load("msp_src", ("msp_src.depth=0", "network.name=msp_src_high")).settings["depth"] == 0
    assert "network.unit" in fault("src", "network.unit=gru") and "src has the settings none" in fault(
        "src", "network.unit=gru"
    )
    assert "utrcnn has the settings attention, top_k" in fault("utrcnn", "network.pool=temporal_max")
    assert "no key crf.unit" in fault("msp_src", "crf.unit=gru")


@pytest.mark.parametrize(
    "name, filters, together",
    [
        (name, filters, together)
        for name in NAMES
        for filters in (3, 4, 5)
        for together in get_args(Losses.__dataclass_fields__["together"].type)
    ],
)
def test_filters_and_losses_that_a_network_has(name: str, filters: int, together: str) -> None:
    deep = name.startswith("deep_rcn")
    changes = (f"network.name={name}", f"network.filters={[8] * filters}", f"losses.together={together}")
    if filters != (4 if deep else 3):
        count = 4 if deep else 3
        assert fault("msp_src", *changes) == (
            f"expected network.filters of {name} to be {count} numbers, got {[8] * filters}"
        )
    elif deep != (together == "similarity"):
        has = "similarity" if deep else "joint or joint_on_sphere"
        assert fault("msp_src", *changes) == f"expected losses.together of {name} to be {has}, got {together}"
    else:
        assert load("msp_src", changes).network.name == name


# Bases.


def test_a_recipe_says_what_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text('base = "walkers"\n[clips]\nlength = 6\n[msp_src]\ndepth = 2\n')
    (tmp_path / "second.toml").write_text('base = "first.toml"\n[training]\nseed = 7\n')
    found = load(str(tmp_path / "second.toml"), ("clips.flow=false",))
    changes = ("clips.length=6", "network.depth=2", "training.seed=7", "clips.flow=false")
    assert found == load("walkers", changes)


def test_bases_that_are_none(tmp_path: Path) -> None:
    for name, base in (("one", "two.toml"), ("two", "one.toml"), ("lost", "nowhere.toml"), ("odd", "resnet")):
        (tmp_path / f"{name}.toml").write_text(f'base = "{base}"\n')
    (tmp_path / "number.toml").write_text("base = 3\n")
    assert "is its own base" in fault(str(tmp_path / "one.toml"))
    assert "expected a recipe at" in fault(str(tmp_path / "lost.toml"))
    assert "expected a recipe (crf" in fault(str(tmp_path / "odd.toml"))
    assert "expected base of" in fault(str(tmp_path / "number.toml"))


def test_a_recipe_of_version_0_1_is_read() -> None:
    """A complete one, with the settings of all networks in [network], as run folders have it."""
    new = load("deep_rcn", ("deep_rcn.kernels=[9, 1]", "deep_rcn.pool=temporal_mean"))
    old = to_toml(new)
    start, end = old.index("[network]"), old.index("[losses]")
    settings = (
        'unit = "conv_gru_stacked"\ndepth = 1\npool = "temporal_mean"\nkernels = [9, 1]\n'
        'lower_in_candidate = false\nattention = "raw"\ntop_k = 5\n'
    )
    network = f'[network]\nname = "deep_rcn"\n{settings}filters = [8, 8, 8, 8]\ndropout = 0.7\ngain = 1.0\n\n'
    assert parse(old[:start] + network + old[end:], "run") == new
    one = network.replace('attention = "raw"\n', "")
    with pytest.raises(InputError, match=r"unknown key in \[network\]"):
        parse(old[:start] + one + old[end:], "run")


def test_show_tells_where_each_value_comes_from() -> None:
    text = show("stills_plain", ("training.seed=3",))
    assert text.startswith("# stills_plain, based on stills, based on msp_src\n")
    lines = {line.partition(" =")[0]: line for line in text.splitlines() if " = " in line}
    assert lines["length"].endswith("# stills: all frames of a track")
    assert lines["crop"].endswith("# stills_plain: 8 rows and columns less, as in the baseline")
    assert lines["optimiser"].endswith("# msp_src") and lines["seed"].endswith("# --set")
    assert parse(text, "shown") == load("stills_plain", ("training.seed=3",)), "it is a recipe"
    assert "# the network's own default" in show("msp_src", ("network.name=utrcnn",))


def test_all_recipes_are_listed_with_their_titles() -> None:
    lines = listing().splitlines()
    assert [line.split()[0] for line in lines[: len(names())]] == names()
    assert all(len(line) < 110 for line in lines)


def test_changes() -> None:
    changes = (
        "training.seed=3",
        "training.learning_rate = 1",
        "clips.crop=[16, 8]",
        "network.unit=elman",
        'network.pool="temporal_max"',
        "augment.mirror=false",
        "training.seed=4",
    )
    recipe, plain = load("msp_src", changes), load("msp_src")
    assert recipe.training.seed == 4 and recipe.clips.crop == (16, 8) and recipe.augment.mirror is False
    assert recipe.training.learning_rate == 1.0 and type(recipe.training.learning_rate) is float
    assert recipe.settings == {"unit": "elman", "depth": 1, "pool": "temporal_max"}
    assert recipe.losses == plain.losses and recipe.evaluation == plain.evaluation


def test_a_protocol_may_be_given_as_a_number() -> None:
    """--set evaluation.protocol=178 is what a user types: a shell takes quotation marks away."""
    assert load("msp_src", ("evaluation.protocol=178",)).evaluation.protocol == "178"


def test_a_recipe_by_path(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text_of())
    assert load(str(file)) == small_data.recipe()
    assert load(str(file), ("training.seed=9",)).training.seed == 9


def test_small_numbers_come_back_from_toml() -> None:
    recipe = small_data.recipe("training.learning_rate=1e-7", "training.weight_decay=0.1")
    assert parse(to_toml(recipe), "kept") == recipe


def fault(name: str, *changes: str) -> str:
    with pytest.raises(InputError) as found:
        load(name, changes)
    text = str(found.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    "change, says",
    [
        ("training.sead=3", "no key training.sead"),
        ("trainning.seed=3", "no key trainning.seed"),
        ("training=3", "section.key=value"),
        ("training.seed", "section.key=value"),
        ("", "section.key=value"),
        ("=3", "section.key=value"),
        (".=3", "no key ."),
        ("training.seed=3.5", "training.seed .*as int, got 3.5"),
        ("training.seed=true", "training.seed .*as int, got True"),
        ("training.seed=three", "training.seed .*as int, got 'three'"),
        ("training.seed=", "training.seed .*as int, got ''"),
        ("training.seed=-1", "training.seed .*0 or more, got -1"),
        ("training.epochs=0", "training.epochs .*1 or more, got 0"),
        ("training.learning_rate=fast", "training.learning_rate .*as float"),
        ("training.learning_rate=nan", "training.learning_rate .*got nan"),
        ("training.learning_rate=inf", "training.learning_rate .*got inf"),
        ("training.learning_rate=-0.1", "training.learning_rate .*above 0, got -0.1"),
        ("training.learning_rate=0", "training.learning_rate .*above 0, got 0"),
        ("network.gain=0.0", "network.gain .*above 0"),
        ("training.clip_elements=0", "training.clip_elements .*above 0"),
        ("losses.margin=1e30", r"losses.margin .*1000000 or less, got 1e\+30"),
        ("training.epochs=1000000000000", "training.epochs .*1000000 or less"),
        (f"training.seed={'9' * 5000}", "training.seed .*as int, got '9999"),
        ("clips.length=" + "[" * 5000, "clips.length .*as int"),
        ("training.momentum=1", "training.momentum .*below 1"),
        ("training.optimiser=adamw", "training.optimiser .*one of sgd, rmsprop, adam, got 'adamw'"),
        ("training.schedule=linear", "training.schedule .*one of"),
        ("network.name=resnet", "network.name .*one of"),
        ("network.unit=tree", "msp_src.unit .*one of"),
        ("msp_src.pool=mean", "msp_src.pool .*one of"),
        ("network.dropout=1.0", "network.dropout .*below 1"),
        ("network.depth=-1", "msp_src.depth .*0 or more"),
        ("network.filters=16", r"network.filters .*as one to eight whole numbers in \[ \], .*got 16"),
        ("network.filters=[]", r"network.filters .*as one to eight whole numbers in \[ \], .*got \[\]"),
        ("network.filters=[1, 1, 1, 1, 1, 1, 1, 1, 1]", "network.filters .*as one to eight whole numbers"),
        ("network.filters=[16, 32.0, 32]", r"network.filters .*whole numbers in \[ \], .*got \[16, 32.0, 32\]"),
        ("network.filters=[16, true, 32]", "network.filters .*whole numbers"),
        ('network.filters=["16"]', "network.filters .*whole numbers"),
        ("network.filters=[16, 0, 32]", r"network.filters .*each from 1 to 4096, got \[16, 0, 32\]"),
        ("network.filters=[16, -1, 32]", "network.filters .*each from 1"),
        ("network.filter=[16]", "no key network.filter in"),
        ("losses.together=triplet", "losses.together .*one of joint, joint_on_sphere, similarity, got 'triplet'"),
        ("losses.verification=triplet", "losses.verification .*one of .*triplet_hard, got 'triplet'"),
        ("losses.identification=smoothed", "losses.identification .*one of softmax, softmax_smoothed, got 'smoothed'"),
        ("losses.identification=true", "losses.identification .*one of .*, got True"),
        ("evaluation.group=-1", "evaluation.group .*0 or more, got -1"),
        ("evaluation.group=16.0", "evaluation.group .*as int, got 16.0"),
        ("evaluation.groups=16", "no key evaluation.groups in"),
        ("pairs.sampler=all", "pairs.sampler .*one of"),
        ("pairs.persons=0", "pairs.persons .*1 or more"),
        ("clips.length=0", "clips.length .*1 or more"),
        ("clips.crop=16", r"clips.crop .*\[height, width\], .*got 16"),
        ("clips.crop=[16]", r"clips.crop .*\[height, width\], .*got \[16\]"),
        ("clips.crop=[16, 8, 3]", r"clips.crop .*\[height, width\]"),
        ("clips.crop=[16.0, 8]", r"clips.crop .*\[height, width\]"),
        ("clips.crop=[16, 7]", "clips.crop .*each from 8"),
        ("clips.flow=1", "clips.flow .*as bool, got 1"),
        ("clips.flow=yes", "clips.flow .*as bool, got 'yes'"),
        ("evaluation.protocol=100", "evaluation.protocol"),
        ("evaluation.crops=0", "evaluation.crops .*1 or more"),
        ("validation.every=0", "validation.every .*1 or more"),
    ],
)
def test_faulty_changes(change: str, says: str) -> None:
    assert re.search(says, fault("msp_src", change))


@pytest.mark.parametrize(
    "name, change, says",
    [
        ("deep_rcn", "network.kernels=5", r"deep_rcn.kernels .*as two whole numbers in \[ \], each from 1, got 5"),
        ("deep_rcn", "network.kernels=[5]", r"deep_rcn.kernels .*as two whole numbers in \[ \], .*got \[5\]"),
        ("deep_rcn", "deep_rcn.kernels=[5, 5, 5]", "deep_rcn.kernels .*as two whole numbers"),
        ("deep_rcn", "deep_rcn.kernels=[5, 0]", "deep_rcn.kernels .*each from 1"),
        ("deep_rcn", "network.lower_in_candidate=1", "deep_rcn.lower_in_candidate .*as bool, got 1"),
        ("deep_rcn", "network.lower_in_candidate=yes", "deep_rcn.lower_in_candidate .*as bool, got 'yes'"),
        ("utrcnn", "network.attention=hard", "utrcnn.attention .*one of softmax, raw, got 'hard'"),
        ("utrcnn", "network.attention=1", "utrcnn.attention .*one of softmax, raw, got 1"),
        ("utrcnn", "network.top_k=-1", "utrcnn.top_k .*0 or more, got -1"),
        ("utrcnn", "network.top_k=2.5", "utrcnn.top_k .*as int, got 2.5"),
        ("utrcnn", "network.top_k=all", "utrcnn.top_k .*as int, got 'all'"),
    ],
)
def test_faulty_settings(name: str, change: str, says: str) -> None:
    assert re.search(says, fault(name, change))


def test_a_change_in_a_place_that_is_no_section(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("network = 3\n" + text_of())
    assert "own.toml" in fault(str(file))
    file.write_text("network = 3\n")
    fault(str(file), "network.name=src")


@pytest.mark.parametrize("name", ["msp", "", "msp_src.tom", "../msp_src", "nowhere/msp_src.toml"])
def test_unknown_recipes(name: str) -> None:
    assert "expected a recipe" in fault(name)


@pytest.mark.parametrize("share", [0, 0.03, 0.3, 0.5, 0.9])
def test_truncated_recipes(tmp_path: Path, share: float) -> None:
    text = text_of()
    file = tmp_path / "own.toml"
    file.write_text(text[: int(share * len(text))])
    assert "own.toml" in fault(str(file))


def test_every_key_must_stand_there_and_no_other(tmp_path: Path) -> None:
    file, text = tmp_path / "own.toml", text_of()
    for section, table in tables_of(small_data.recipe()).items():
        key = next(iter(table))
        start = text.index(f"[{section}]")
        if section != "msp_src":  # a network has defaults of its own
            file.write_text(text[:start] + leave_out(text[start:], f"{key} = "))
            assert f"missing key in [{section}]" in fault(str(file)) and key in fault(str(file))
        file.write_text(text.replace(f"[{section}]", f"[{section}]\nextra = 1"))
        assert f"unknown key in [{section}]" in fault(str(file)) and "extra" in fault(str(file))
    file.write_text(text + "\n[extra]\na = 1\n")
    assert "unknown section" in fault(str(file)) and "extra" in fault(str(file))
    file.write_text(text[: text.index("[evaluation]")])
    assert "missing section" in fault(str(file)) and "evaluation" in fault(str(file))


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe\x00[network]")
    assert "own.toml" in fault(str(file))
    (tmp_path / "folder.toml").mkdir()
    assert "folder.toml" in fault(str(tmp_path / "folder.toml"))


def test_errors_name_the_recipe(tmp_path: Path) -> None:
    for where in ("msp_src", "src"):
        assert where in fault(where, "training.epochs=0")


def test_wrong_types_inside_a_file(tmp_path: Path) -> None:
    file, text = tmp_path / "own.toml", text_of()
    wrong: list[tuple[str, Any]] = [("seed = 0", 'seed = "0"'), ("mirror = true", "mirror = 1"), ('"gru"', "7")]
    for right, instead in wrong:
        assert right in text
        file.write_text(text.replace(right, instead))
        assert "own.toml" in fault(str(file)) and "got" in fault(str(file))
