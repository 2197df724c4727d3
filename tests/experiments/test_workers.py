"""`minireid sweep` on Dask: the same bits as in one process, whoever is killed, stopped or far away."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minireid.cli import main
from minireid.experiments import workers
from minireid.recipes.text import to_toml
from tests import small_data
from tests.experiments.test_sweep import trials_of

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="needs Dask: pip install -e '.[sweep]'")
psutil = pytest.importorskip("psutil", reason="needs psutil, which comes with Dask: pip install -e '.[sweep]'")

PATIENCE = 300  # seconds


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder, a recipe of some seconds, and a sweep of it in one process: 1 row x 2 splits x 1 seed."""
    place = tmp_path_factory.mktemp("place")
    small_data.write_prepared(place / "prepared")
    (place / "small.toml").write_text(to_toml(small_data.recipe("training.epochs=80")))
    assert main([*sweep(place, place / "serial"), "--workers", "0"]) == 0
    return place


def sweep(place: Path, out: Path) -> list[str]:
    recipe = str(place / "small.toml")
    return ["sweep", str(place / "prepared"), "--recipe", recipe, "--splits", "2", "--out", str(out)]


@contextlib.contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, as a terminal makes them, and no trace of it afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def hears_ctrl_c() -> None:
    """In the new process: what a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    while not true():
        assert process.poll() is None and time.monotonic() - began < PATIENCE, "waited in vain"
        time.sleep(0.02)


def in_the_middle(log: Path) -> bool:
    """Whether the trial of this log is past its third epoch."""
    return log.read_bytes().count(b"\n") > 6


def at_work(out: Path) -> bool:
    return any(map(in_the_middle, out.glob("*/*.*/log.jsonl")))


def workers_of(process: subprocess.Popen[str]) -> list[Any]:
    return [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]


def trains(worker: Any) -> bool:
    logs = [Path(file.path) for file in worker.open_files() if file.path.endswith("log.jsonl")]
    return any(map(in_the_middle, logs))


def test_a_worker_is_killed_and_the_bits_are_the_same(place: Path, tmp_path: Path) -> None:
    """Two workers, a trial each; one is killed in the middle of its."""
    out = tmp_path / "sweep"
    with started("minireid.cli", *sweep(place, out), "--workers", "2") as process:
        wait_until(lambda: at_work(out), process)
        next(filter(trains, workers_of(process))).kill()
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and "Traceback" not in said, said
    assert len(re.findall(r"small split \d seed 0: rank-1", said)) == 2
    assert len(re.findall(r"going on after step \d+", said)) == 1, said
    assert trials_of(out) == trials_of(place / "serial")
    assert not list(out.glob("*/split*.*"))


def test_ctrl_c_reaches_all_processes_and_loses_only_what_was_at_work(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    with started("minireid.cli", *sweep(place, out), "--workers", "1") as process:
        wait_until(lambda: (out / "small" / "split0_seed0").exists() and at_work(out), process)
        mine = workers_of(process)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # nobody waits patiently
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "Traceback" not in said, said
    assert "stopped: 1 of 2 trials finished; the same command continues" in said
    assert not any(worker.is_running() for worker in mine)
    assert main([*sweep(place, out), "--workers", "0"]) == 0
    assert trials_of(out) == trials_of(place / "serial")


def test_ctrl_c_while_the_workers_start_waits_until_they_have(place: Path, tmp_path: Path) -> None:
    with started("minireid.cli", *sweep(place, tmp_path / "sweep"), "--workers", "1") as process:
        assert process.stdout is not None
        while "starting 1 worker" not in process.stdout.readline():
            pass
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "Traceback" not in said, said
    assert "stopped: 0 of 2 trials finished; the same command continues" in said


@pytest.mark.parametrize("group", [False, True])
def test_sigterm_ends_the_workers_too(group: bool, place: Path, tmp_path: Path) -> None:
    """Sent to the sweep alone, as `timeout` does, or to all its processes, as a cluster does."""
    out = tmp_path / "sweep"
    with started("minireid.cli", *sweep(place, out), "--workers", "2") as process:
        wait_until(lambda: at_work(out), process)
        mine = workers_of(process)
        (os.killpg if group else os.kill)(process.pid, signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143 and "Traceback" not in said, said
    assert "trials finished; the same command continues" in said
    assert mine and not any(worker.is_running() for worker in mine)
    assert main([*sweep(place, out), "--workers", "0"]) == 0
    assert trials_of(out) == trials_of(place / "serial")


def test_a_scheduler_and_its_workers_started_by_dasks_own_commands(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths too: the workers stand in other folders."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.chdir(tmp_path)
    port = address.partition(":")[2]
    where = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--idle-timeout", "600")
    one_thread = (
        "--nthreads",
        "1",
        "--memory-limit",
        "0",
        "--no-dashboard",
        "--local-directory",
        str(tmp_path),
        "--death-timeout",
        "60",
    )
    with (
        started("dask", "scheduler", *where, "--port", port),
        started("dask", "worker", address, *one_thread),
        started("dask", "worker", address, *one_thread),
    ):
        here = os.path.relpath(place)
        assert main([*sweep(Path(here), Path("sweep")), "--scheduler", address]) == 0
    assert trials_of(tmp_path / "sweep") == trials_of(place / "serial")


def test_no_scheduler_answers(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WAIT", 0.5)
    for address in ("127.0.0.1:9", "nowhere"):
        assert main([*sweep(place, tmp_path / "sweep"), "--scheduler", address]) == 2
        said = capsys.readouterr()
        assert f"no Dask scheduler answers at {address}" in said.err and said.err.count("\n") == 1
        assert not (tmp_path / "sweep").exists()
