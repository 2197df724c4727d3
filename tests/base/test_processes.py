"""Worker processes end with the process that started them: for each way to start them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minireid.base.processes import undisturbed
from minireid.base.signals import Stopped

PARENT = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from minireid.base.processes import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(2, mp_context=get_context(sys.argv[1]), initializer=end_with_parent)
    work = [pool.submit(time.sleep, 600) for _ in range(2)]
    while sum(future.running() for future in work) < 2:
        time.sleep(0.01)
    time.sleep(0.5)
    print(*pool._processes, flush=True)
    time.sleep(600)
"""


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_end_when_their_parent_is_killed(method: str, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), method],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )
    workers = process.stdout.readline().split()  # type: ignore[union-attr]
    assert len(workers) == 2 and all(map(alive, workers))
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(alive, workers))


@pytest.mark.parametrize("fault", [None, RuntimeError("a worker has gone")])
@pytest.mark.parametrize("sent, raised", [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Stopped)])
def test_a_signal_waits_until_processes_have_started(
    sent: signal.Signals, raised: type[BaseException], fault: Exception | None
) -> None:
    """It is raised at the end, also in place of what it made of the processes."""
    before, done = signal.getsignal(sent), []
    with pytest.raises(raised) as found, undisturbed():
        os.kill(os.getpid(), sent)
        time.sleep(0.05)
        done.append("started")
        if fault:
            raise fault
    assert found.type is raised and done == ["started"] and signal.getsignal(sent) is before


def test_what_is_started_meanwhile_never_hears_ctrl_c() -> None:
    program = "import signal, time; print('up', flush=True); time.sleep(100)"
    with undisturbed():
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
