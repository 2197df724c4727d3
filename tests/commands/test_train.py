"""`minireid train`: a run from the command line, stopped with Ctrl-C and gone on with."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minireid.cli import main
from minireid.data.prepared import Prepared
from minireid.training import loop
from minireid.training.run import open_run
from tests import small_data

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared")


def train(prepared: Prepared, out: Path, *words: str, changes: tuple[str, ...] = ()) -> list[str]:
    return ["train", str(prepared.path), "--out", str(out), "--threads", "1", *small_data.as_changes(*changes), *words]


def test_a_run_from_the_command_line(tmp_path: Path, prepared: Prepared, capsys: Capture) -> None:
    assert main(train(prepared, tmp_path / "run", changes=("validation.persons=1",))) == 0
    said = capsys.readouterr().out
    assert f"training msp_src into {tmp_path}/run" in said
    assert "split 0 of protocol 200: 4 persons to train, 1 held out to choose by, 5 to test" in said
    run = open_run(tmp_path / "run")
    assert run.recipe == small_data.recipe("validation.persons=1")
    same = small_data.trained(tmp_path / "same", prepared, "validation.persons=1")
    assert small_data.bits(run.path / "best.npz") == small_data.bits(same.path / "best.npz")
    assert sorted(os.listdir(run.path)) == ["best.npz", "checkpoint.npz", "log.jsonl", "recipe.toml", "run.json"]


def test_a_recipe_file_and_a_split_file(tmp_path: Path, prepared: Prepared, capsys: Capture) -> None:
    from minireid.recipes.text import to_toml

    (tmp_path / "own.toml").write_text(to_toml(small_data.recipe("training.epochs=1")))
    records = [{"train": [1, 2], "test": [3, 4]}, {"train": ["person_0009", "person_0002"], "test": [3, 10, 4]}]
    (tmp_path / "own.json").write_text(json.dumps(records))
    words = ["--recipe", str(tmp_path / "own.toml"), "--splits", str(tmp_path / "own.json"), "--split", "1"]
    assert main(["train", str(prepared.path), "--out", str(tmp_path / "run"), *words, "--set", "training.seed=7"]) == 0
    run = open_run(tmp_path / "run")
    assert (run.split, run.number, run.train, run.test) == ("own.json", 1, (2, 9), (3, 4, 10))
    assert run.recipe == small_data.recipe("training.epochs=1", "training.seed=7")


def test_short_tracks_are_skipped_and_counted(tmp_path: Path, prepared: Prepared, capsys: Capture) -> None:
    assert main(train(prepared, tmp_path / "run", changes=("clips.length=7",))) == 0
    run = open_run(tmp_path / "run")
    length = {person: min(t.length for t in prepared.tracks if t.person == person) for person in run.train}
    short = sum(frames < 7 for frames in length.values())
    assert 0 < short and run.identities == 5 - short
    assert f"5 persons to train ({short} of them left out: shorter than 7 frames)" in capsys.readouterr().out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_says_how_to_go_on(
    number: int, code: int, tmp_path: Path, prepared: Prepared, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And SIGTERM, which a cluster sends."""
    whole = small_data.trained(tmp_path / "whole", prepared)
    out, real = tmp_path / "run", loop.update

    def pressed(*arguments: Any) -> None:
        os.kill(os.getpid(), number)
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "update", pressed)
        assert main(train(prepared, out)) == code
        assert f"stopped after step 1 of 4; go on with: minireid train --resume {out}" in capsys.readouterr().out
        assert main(["train", "--resume", str(out), "--threads", "1"]) == code
        assert f"stopped after step 2 of 4; go on with: minireid train --resume {out}" in capsys.readouterr().out
    assert main(["train", "--resume", str(out), "--threads", "1"]) == 0
    assert small_data.bits(out / "checkpoint.npz") == small_data.bits(whole.path / "checkpoint.npz")
    assert small_data.log_of(open_run(out)) == small_data.log_of(whole)


def test_ctrl_c_in_a_process_of_its_own(tmp_path: Path, prepared: Prepared) -> None:
    """SIGINT after some steps: exit code 130, the way on is printed, and it leads on."""
    out, root = tmp_path / "run", str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), root]).strip(os.pathsep),
    }
    words = train(prepared, out, changes=("training.epochs=100000",))
    command = [sys.executable, "-m", "minireid.cli", *words]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        began = time.monotonic()
        while not (out / "log.jsonl").exists() or not (out / "log.jsonl").stat().st_size:
            assert time.monotonic() - began < 100 and process.poll() is None, "no step came"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in complained
    assert f"go on with: minireid train --resume {out}" in said
    done = len(small_data.log_of(open_run(out)))
    assert done > 0 and open_run(out).load().step == done and f"stopped after step {done} of 200000" in said


def test_ctrl_c_before_the_first_step_leaves_a_run_to_go_on_with(
    tmp_path: Path, prepared: Prepared, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forecast takes seconds where kernels are compiled: long enough to press Ctrl-C."""
    from minireid.training import estimate

    def pressed(*arguments: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(estimate, "forecast", pressed)
        assert main(train(prepared, tmp_path / "run")) == 130
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path / "run"), "--threads", "1"]) == 0
    whole = small_data.trained(tmp_path / "whole", prepared)
    assert small_data.bits(tmp_path / "run" / "checkpoint.npz") == small_data.bits(whole.path / "checkpoint.npz")
    assert small_data.log_of(open_run(tmp_path / "run")) == small_data.log_of(whole)


def test_protocol_178_from_the_command_line(tmp_path: Path, capsys: Capture) -> None:
    """Typed without quotation marks, which a shell would take away."""
    lengths = small_data.write_prepared(tmp_path / "prepared", lengths=(22, 23, 22, 23, 21))  # person 5 and 10: 21
    changes = ("evaluation.protocol=178", "training.epochs=1")
    assert main(train(lengths, tmp_path / "run", changes=changes)) == 0
    run = open_run(tmp_path / "run")
    assert run.split == run.recipe.evaluation.protocol == "178"
    assert sorted(run.train + run.test) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_an_edited_recipe_is_refused(tmp_path: Path, prepared: Prepared, capsys: Capture) -> None:
    """Half a run by one recipe and half by another is a run by none. minireid evaluate has --set for the rest."""
    run = small_data.new_run(tmp_path / "run", prepared)
    small_data.train(run, stop_after=2)
    file, before = run.path / "recipe.toml", small_data.listing(run.path)
    text = file.read_text()
    for old, new in (
        ("learning_rate = 0.001", "learning_rate = 0.01"),
        ("epochs = 2", "epochs = 3"),
        ("crops = 2", "crops = 3"),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        capsys.readouterr()
        assert main(["train", "--resume", str(run.path), "--threads", "1"]) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert str(run.path) in said.err and "recipe.toml: put the original file back, or train again" in said.err
        file.write_text(text)
        assert small_data.listing(run.path) == before
    assert main(["train", "--resume", str(run.path), "--threads", "1"]) == 0
    whole = small_data.trained(tmp_path / "whole", prepared)
    assert small_data.bits(run.path / "checkpoint.npz") == small_data.bits(whole.path / "checkpoint.npz")


@pytest.mark.parametrize("validated", [0, 2])
def test_the_forecast_of_memory_is_right(tmp_path: Path, validated: int) -> None:
    """Within 20 % of what the process has needed in the end, as the system counts it. Long tracks need most."""
    resource = pytest.importorskip("resource", reason="Windows does not count memory in this way")
    lengths = (130, 131) if validated else (6, 7, 8, 9)
    small_data.write_prepared(tmp_path / "prepared", persons=range(1, 21), size=(64, 32), lengths=lengths)
    words = ["train", "prepared", "--out", "run", "--set", "training.epochs=3", "--set", "clips.flow=false"]
    words += ["--set", "clips.length=6", "--set", "pairs.persons=5"]
    words += ["--set", f"validation.persons={validated}", "--set", "validation.every=1"]
    counted = "import resource; print('needed', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    program = f"from minireid.cli import main; assert main({words!r}) == 0; {counted}"
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    told, needed = re.search(r"([\d.]+) MiB of memory", found.stdout), re.search(r"needed (\d+)", found.stdout)
    assert resource and told and needed
    unit = 2**20 if sys.platform == "darwin" else 2**10
    assert 0.8 < float(told[1]) / (int(needed[1]) / unit) < 1.2
