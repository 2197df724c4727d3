"""Checkpoints: what is saved comes back bit for bit; anything else is one clear line."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.trees import leaves
from minireid.training.checkpoint import Checkpoint, load, save

PARAMS = {
    "network": {"conv1": {"W": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "b": np.float32([1e-45, -0.0])}},
    "heads": {"low": {"W": np.ones((2, 3), np.float32)}},
}
STATES = {"network.conv1.W": {"m": np.full((2, 3, 4), np.pi, np.float32), "k": np.array(7)}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save(tmp_path / "checkpoint.npz", Checkpoint(12, PARAMS, STATES, {"best": 0.25}))
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
    assert (step, facts) == (12, {"best": 0.25})
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
        save(file, Checkpoint(13, PARAMS, {}, {"best": 0.5}))
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
    assert "damaged" in fault(tmp_path / "folder.npz")


def test_other_files(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    file.write_text("not an archive")
    assert "not a checkpoint" in fault(file)
    np.savez(file, **{"params/x": np.ones(2)})
    assert "not a checkpoint" in fault(file)
    np.savez(file, header=np.array("[]"))
    assert "checkpoint" in fault(file)
    with file.open("wb") as stream:
        np.save(stream, np.ones(3))
    assert "not a checkpoint" in fault(file)
    np.savez(file, header=np.array({"format": "minireid-checkpoint"}, dtype=object))
    assert "not a checkpoint" in fault(file)


@pytest.mark.parametrize(
    "header, says",
    [
        ({"version": 3}, "version 2 .*got minireid-checkpoint version 3"),
        ({"version": None}, "version None"),
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
