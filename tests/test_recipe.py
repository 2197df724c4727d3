"""Recipes: those that are shipped, changes by --set, and every fault as one line that names the key."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from minireid.errors import InputError
from minireid.recipe import Recipe, load, names, parse, to_toml
from minireid.training import model
from tests import small_data


def text_of(recipe: Recipe | None = None) -> str:
    return to_toml(recipe or small_data.recipe())


def leave_out(text: str, line_start: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(line_start))


@pytest.mark.parametrize("name", names())
def test_shipped_recipes_are_whole_and_fit_together(name: str) -> None:
    recipe = load(name)
    model.network_of(recipe)
    assert parse(to_toml(recipe), "kept") == recipe


def test_the_recipes_that_must_be_there() -> None:
    assert {"src", "msp_src", "crf", "deep_rcn", "utrcnn", "walkers"} <= set(names())


def test_the_baseline_is_as_published() -> None:
    """McLaughlin et al. (2016) and their code."""
    r = load("src")
    assert (r.network.name, r.network.unit, r.network.pool) == ("src", "elman_unsquashed", "temporal_mean")
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
    assert (r.network.name, r.network.unit, r.network.pool) == ("crf", "elman_relu", "temporal_mean")
    assert r.clips.length == 16 and r.clips.flow and r.evaluation.frames == 0 and r.evaluation.group == 16
    assert (r.losses.verification, r.losses.identification, r.losses.margin) == ("contrastive_crf", "softmax", 2)
    assert (r.losses.verification_weight, r.losses.identification_weight) == (1, 2)  # a pair has two clips
    assert r.pairs.same_camera and not r.evaluation.normalise


def test_deep_rcn_is_as_published() -> None:
    """Wu et al. (2016), section 5."""
    r = load("deep_rcn")
    assert (r.network.name, r.network.unit, r.network.pool) == ("deep_rcn", "conv_gru_stacked", "temporal_last")
    assert r.network.kernels == (5, 5) and not r.network.lower_in_candidate and r.network.dropout == 0.7
    assert r.losses.together == "similarity" and r.clips.length == 20 and not r.clips.flow
    assert r.training.optimiser == "rmsprop" and r.training.clip_elements == 5 and not r.evaluation.normalise


def test_utrcnn_is_as_published() -> None:
    """Its equations 2 to 5, and section 4."""
    r = load("utrcnn")
    assert (r.network.name, r.network.unit, r.network.pool) == ("utrcnn", "attentive_rnn", "temporal_last")
    assert r.network.dropout == 0.6 and r.clips.length == 16 and r.clips.flow and r.evaluation.frames == 128
    assert (r.losses.verification, r.losses.identification, r.losses.margin) == ("contrastive_linear", "softmax", 2)
    assert (r.losses.verification_weight, r.losses.identification_weight) == (1, 2)  # a pair has two clips


def test_the_new_systems_keys_can_be_changed() -> None:
    changes = (
        "network.filters=[8, 16, 16, 32]",
        "network.kernels=[9, 1]",
        "network.lower_in_candidate=true",
        "network.attention=raw",
        "network.top_k=5",
        "evaluation.group=7",
    )
    r = load("deep_rcn", changes)
    assert r.network.filters == (8, 16, 16, 32) and r.network.kernels == (9, 1) and r.network.lower_in_candidate is True
    assert (r.network.attention, r.network.top_k, r.evaluation.group) == ("raw", 5, 7)
    assert parse(to_toml(r), "kept") == r


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
    assert (recipe.network.unit, recipe.network.pool) == ("elman", "temporal_max")
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
        ("training.learning_rate=-0.1", "training.learning_rate .*0 or more"),
        ("training.momentum=1", "training.momentum .*less than 1"),
        ("training.optimiser=adamw", "training.optimiser .*one of sgd, rmsprop, adam, got 'adamw'"),
        ("training.schedule=linear", "training.schedule .*one of"),
        ("network.name=resnet", "network.name .*one of"),
        ("network.unit=tree", "network.unit .*one of"),
        ("network.pool=mean", "network.pool .*one of"),
        ("network.dropout=1.0", "network.dropout .*less than 1"),
        ("network.depth=-1", "network.depth .*0 or more"),
        ("network.filters=16", r"network.filters .*as one to eight whole numbers in \[ \], got 16"),
        ("network.filters=[]", r"network.filters .*as one to eight whole numbers in \[ \], got \(\)"),
        ("network.filters=[1, 1, 1, 1, 1, 1, 1, 1, 1]", "network.filters .*as one to eight whole numbers"),
        ("network.filters=[16, 32.0, 32]", r"network.filters .*whole numbers in \[ \], got \(16, 32.0, 32\)"),
        ("network.filters=[16, true, 32]", "network.filters .*whole numbers"),
        ('network.filters=["16"]', "network.filters .*whole numbers"),
        ("network.filters=[16, 0, 32]", r"network.filters .*1 or more, got \(16, 0, 32\)"),
        ("network.filters=[16, -1, 32]", "network.filters .*1 or more"),
        ("network.filter=[16]", "no key network.filter in"),
        ("network.kernels=5", r"network.kernels .*as \[inputs, states\], got 5"),
        ("network.kernels=[5]", r"network.kernels .*as \[inputs, states\], got \(5,\)"),
        ("network.kernels=[5, 5, 5]", r"network.kernels .*as \[inputs, states\]"),
        ("network.kernels=[5, 0]", "network.kernels .*1 or more"),
        ("network.lower_in_candidate=1", "network.lower_in_candidate .*as bool, got 1"),
        ("network.lower_in_candidate=yes", "network.lower_in_candidate .*as bool, got 'yes'"),
        ("network.attention=hard", "network.attention .*one of softmax, raw, got 'hard'"),
        ("network.attention=1", "network.attention .*one of softmax, raw, got '1'"),
        ("network.top_k=-1", "network.top_k .*0 or more, got -1"),
        ("network.top_k=2.5", "network.top_k .*as int, got 2.5"),
        ("network.top_k=all", "network.top_k .*as int, got 'all'"),
        ("losses.together=triplet", "losses.together .*one of joint, joint_on_sphere, similarity, got 'triplet'"),
        ("losses.verification=triplet", "losses.verification .*one of .*triplet_hard, got 'triplet'"),
        ("losses.identification=smoothed", "losses.identification .*one of softmax, softmax_smoothed, got 'smoothed'"),
        ("losses.identification=true", "losses.identification .*as str, got True"),
        ("evaluation.group=-1", "evaluation.group .*0 or more, got -1"),
        ("evaluation.group=16.0", "evaluation.group .*as int, got 16.0"),
        ("evaluation.groups=16", "no key evaluation.groups in"),
        ("pairs.sampler=all", "pairs.sampler .*one of"),
        ("pairs.persons=0", "pairs.persons .*1 or more"),
        ("clips.length=0", "clips.length .*1 or more"),
        ("clips.crop=16", r"clips.crop .*\[height, width\], got 16"),
        ("clips.crop=[16]", r"clips.crop .*\[height, width\], got \(16,\)"),
        ("clips.crop=[16, 8, 3]", r"clips.crop .*\[height, width\]"),
        ("clips.crop=[16.0, 8]", r"clips.crop .*\[height, width\]"),
        ("clips.crop=[16, 7]", "clips.crop .*8 or more"),
        ("clips.flow=1", "clips.flow .*as bool, got 1"),
        ("clips.flow=yes", "clips.flow .*as bool, got 'yes'"),
        ("evaluation.protocol=100", "evaluation.protocol"),
        ("evaluation.crops=0", "evaluation.crops .*1 or more"),
        ("validation.every=0", "validation.every .*1 or more"),
    ],
)
def test_faulty_changes(change: str, says: str) -> None:
    import re

    assert re.search(says, fault("msp_src", change))


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
    for section, table in dataclasses.asdict(small_data.recipe()).items():
        key = next(iter(table))
        start = text.index(f"[{section}]")
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
