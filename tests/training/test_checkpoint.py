"""Checkpoints: what is saved comes back bit for bit; anything else is one clear line."""

import json
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.trees import leaves
from minireid.training.checkpoint import Checkpoint, Facts, load, save

PARAMS = {
    "network": {"conv1": {"W": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "b": np.float32([1e-45, -0.0])}},
    "heads": {"low": {"W": np.ones((2, 3), np.float32)}},
}
STATES = {"network.conv1.W": {"m": np.full((2, 3, 4), np.pi, np.float32), "k": np.array(7)}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save(tmp_path / "checkpoint.npz", Checkpoint(12, PARAMS, STATES, Facts(best=0.25, loss=1.5)))
    return tmp_path / "checkpoint.npz"


def rewrite(file: Path, header: dict[str, Any] | None = None, **arrays: np.ndarray | None) -> None:
    """Change entries of the header, and whole arrays (None: leave out)."""
    with np.load(file) as saved:
        found: dict[str, Any] = dict(saved)
    if header is not None:
        found["header"] = np.array(json.dumps(json.loads(str(found["header"])) | header))
    kept = {name: array for name, array in (found | arrays).items() if array is not None}
    np.savez(file, **kept)


def test_what_is_saved_comes_back(file: Path) -> None:
    step, params, states, facts = load(file, PARAMS)
    assert (step, facts) == (12, Facts(best=0.25, loss=1.5))
    for (name, array), (wanted_name, wanted) in zip(leaves(params), leaves(PARAMS), strict=True):
        assert name == wanted_name and array.dtype == wanted.dtype
        assert array.tobytes() == wanted.tobytes()
    assert states.keys() == STATES.keys() and states["network.conv1.W"].keys() == {"m", "k"}
    assert states["network.conv1.W"]["m"].tobytes() == STATES["network.conv1.W"]["m"].tobytes()
    assert states["network.conv1.W"]["k"] == 7 and states["network.conv1.W"]["k"].shape == ()
    assert os.listdir(file.parent) == ["checkpoint.npz"]


def test_a_failed_save_keeps_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def crash(*paths: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(InputError, match="No space left on device") as found:
        save(file, Checkpoint(13, PARAMS, {}, Facts(best=0.5)))
    assert str(file) in str(found.value) and "\n" not in str(found.value)
    assert file.read_bytes() == before and os.listdir(file.parent) == ["checkpoint.npz"]


def fault(file: Path, like: Any = PARAMS) -> str:
    with pytest.raises(InputError) as found:
        load(file, like)
    text = str(found.value)
    assert str(file) in text and "\n" not in text
    return text


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_truncated(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "damaged" in fault(file)


def test_a_changed_byte_is_noticed_or_harmless(file: Path) -> None:
    """The archive's checksums find what is changed in an array; nothing else may end in another kind of error."""
    content, rng, noticed = file.read_bytes(), np.random.default_rng(0), 0
    for place in rng.integers(len(content), size=300).tolist():
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(bytes(changed))
        try:
            assert load(file, PARAMS).step == 12
        except InputError:
            noticed += 1
    assert noticed > 100


def test_missing_or_no_file_at_all(tmp_path: Path) -> None:
    assert "found none" in fault(tmp_path / "checkpoint.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "found a folder" in fault(tmp_path / "folder.npz")


def test_other_files(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    file.write_text("not an archive")
    assert "damaged" in fault(file)
    np.savez(file, **{"params/x": np.ones(2)})
    assert "damaged" in fault(file)
    np.savez(file, header=np.array("[]"))
    assert "checkpoint" in fault(file)
    with file.open("wb") as stream:
        np.save(stream, np.ones(3))
    assert "damaged" in fault(file)
    np.savez(file, header=np.array({"format": "minireid-checkpoint"}, dtype=object))
    assert "damaged" in fault(file)


@pytest.mark.parametrize(
    "header, says",
    [
        ({"version": 5}, "version 4 of minireid-checkpoint .*got 5"),
        ({"version": None}, "got None"),
        ({"format": "minireid-run"}, "got minireid-run"),
    ],
)
def test_other_versions(file: Path, header: dict[str, Any], says: str) -> None:
    rewrite(file, header)
    with pytest.raises(InputError, match=says):
        load(file, PARAMS)


@pytest.mark.parametrize("missing", ["step", "facts"])
def test_headers_without_what_a_run_goes_on_with(file: Path, missing: str) -> None:
    """Of this format and version, but not whole: still a line, not a traceback."""
    header = {"format": "minireid-checkpoint", "version": 1, "step": 12, "facts": {"best": 0.25}}
    del header[missing]
    with np.load(file) as saved:
        arrays = {name: array for name, array in saved.items() if name != "header"}
    np.savez(file, header=np.array(json.dumps(header)), **arrays)
    fault(file)


def test_a_loss_that_was_lost(file: Path) -> None:
    """Divergence is measured by the first step's loss. Only a checkpoint of no step, or an older one, has none."""
    facts = {"best": 0.25, "loss": None}
    rewrite(file, {"facts": facts})
    assert "no loss of the first step" in fault(file)
    for version in (2, 3):
        rewrite(file, {"facts": facts, "version": version, "sha256": None})
        assert load(file, PARAMS).facts.loss is None
    save(file, Checkpoint(0, PARAMS, {}, Facts()))
    assert load(file, PARAMS).facts.loss is None


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"step": 11}},
        {"header": {"facts": {"best": 1.0, "loss": 1.5}}},
        {"header": {"sha256": None}},
        {"params/network.conv1.W": PARAMS["network"]["conv1"]["W"] * 1.5},
        {"optimiser/network.conv1.W/k": np.array(8)},
        {"optimiser/network.conv1.W/m": None},
    ],
)
def test_a_whole_file_that_was_changed(file: Path, change: dict[str, Any]) -> None:
    """Every value is possible, but it is not what was saved."""
    rewrite(file, **change)
    assert "was changed, or renamed, after it was written" in fault(file)


def test_the_best_and_the_last_are_not_exchanged(file: Path) -> None:
    file.rename(file.with_name("best.npz"))
    assert "was changed, or renamed" in fault(file.with_name("best.npz"))


def test_of_another_network(file: Path) -> None:
    name = "network.conv1.W"
    rewrite(file, **{f"params/{name}": np.zeros((2, 3, 5), np.float32)})
    assert f"{name} should be float32 (2, 3, 4), is float32 (2, 3, 5)" in fault(file)
    rewrite(file, **{f"params/{name}": np.zeros((2, 3, 4))})
    assert f"{name} should be float32 (2, 3, 4), is float64 (2, 3, 4)" in fault(file)
    rewrite(file, **{f"params/{name}": None})
    assert f"{name} should be float32 (2, 3, 4), is absent" in fault(file)
    rewrite(file, **{f"params/{name}": PARAMS["network"]["conv1"]["W"], "params/extra": np.ones(1)})
    assert "extra should be absent, is float64 (1,)" in fault(file)


def test_with_another_optimisers_state(file: Path) -> None:
    rewrite(file, **{"optimiser/network.conv1.W/m": np.zeros((3, 3), np.float32)})
    assert "optimiser/network.conv1.W/m has the shape (3, 3)" in fault(file)


# What a file claims is not believed.


def claims(shape: str) -> bytes:
    """A .npy file whose header promises this shape, with 8 bytes of content."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)


@pytest.mark.parametrize(
    "shape", ["(100000000000,)", "(3,)", "(-2,)", "(2.0,)", "2", "(2**40,)", "(((((2,", "'x'", "()"]
)
def test_arrays_that_are_larger_than_the_file(file: Path, shape: str) -> None:
    """373 GiB are promised, 8 bytes are there: refused before anything is allocated."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header.npy", claims(shape))
    tracemalloc.start()
    assert "damaged" in fault(file)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_compressed_archives_are_refused(file: Path) -> None:
    """A few kB can hold gigabytes of zeros."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(10**8))
    assert "compressed" in fault(file)


def test_files_far_larger_than_the_network(file: Path) -> None:
    with file.open("ab") as stream:
        stream.truncate(10**10)
    assert "more than" in fault(file)


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["params/heads.low.W", "optimiser/network.conv1.W/m"])
def test_numbers_that_are_not_finite(file: Path, name: str, number: float) -> None:
    with np.load(file) as saved:
        array = saved[name]
    array.flat[1] = number
    rewrite(file, **{name: array})
    assert "expected finite numbers" in fault(file)


@pytest.mark.parametrize(
    "header",
    [
        {"step": -1},
        {"step": 10**30},
        {"step": 1.0},
        {"step": "1"},
        {"facts": []},
        {"facts": {"best": "0.5"}},
        {"facts": {"best": 0.5, "more": 1}},
        {"facts": {"run": ["a"]}},
        {"extra": 1},
        {"version": [2]},
        {"format": {}},
    ],
)
def test_headers_with_other_values(file: Path, header: dict[str, Any]) -> None:
    rewrite(file, header)
    fault(file)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"step": ' + "1" * 5000 + "}", '{"a":' * 100_000, "", "NaN"])
def test_headers_that_break_a_parser(file: Path, text: str) -> None:
    np.savez(file, header=np.array(text))
    fault(file)
