"""SIGTERM is what Ctrl-C is: one line, nothing half-written, nobody left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from minireid.base import signals
from minireid.base.exits import exit_code
from minireid.base.signals import signals_raise, waiting

ROOT = Path(__file__).parents[2]
PATIENCE = 100  # seconds, for a machine with much else to do
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def send(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def test_sigterm_stops_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert exit_code(send, before="tool: ") == 143
    assert capsys.readouterr() == ("", "tool: stopped\n")
    assert signal.getsignal(signal.SIGTERM) is before
    assert exit_code(lambda: send(signal.SIGINT)) == 130


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_library_makes_another_exception_of_one(number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """NumPy's import does: a KeyboardInterrupt inside it comes out as an ImportError."""

    def imported() -> None:
        try:
            send(number)
        except KeyboardInterrupt:
            raise ImportError("cannot load module more than once per process") from None

    assert exit_code(imported, before="tool: ") == code
    assert capsys.readouterr() == ("", "tool: stopped\n")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_that_comes_where_python_drops_exceptions(
    number: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class Falls:
        def __del__(self) -> None:
            send(number)

    def work() -> None:
        falls = Falls()
        del falls
        time.sleep(PATIENCE)

    hook = sys.unraisablehook
    assert exit_code(work, before="tool: ") == code
    assert capsys.readouterr() == ("", "tool: stopped\n") and sys.unraisablehook is hook


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_ignored_stays_so(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert exit_code(lambda: send(number)) == 0
    finally:
        signal.signal(number, before)


def test_both_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with signals_raise(), waiting(signal.SIGINT, signal.SIGTERM) as came:
        send()
        send(signal.SIGINT)
        assert came == [15, 2]
    assert signals.stopped_code() == 130


def test_other_threads_hear_nothing_and_break_nothing() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(exit_code(lambda: None)))
    thread.start()
    thread.join()
    assert codes == [0]


# Processes.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "command",
    [
        "sys.argv[1:] = ['recipe', 'show', 'msp_src']; from minireid.cli import main; code = main()",
        "sys.argv[1:] = ['own', 'nowhere', 'out']; from data_tools.commands import started; code = started('prepare')",
    ],
)
def test_a_signal_after_the_end_changes_nothing(command: str, number: int, tmp_path: Path) -> None:
    """Python needs some time to take itself down."""
    program = f"import os, sys; {command}; os.kill(os.getpid(), {int(number)}); print('to the end'); sys.exit(code)"
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == (0 if "recipe" in command else 2) and found.stdout.endswith("to the end\n")


def started(*command: str, cwd: Path) -> subprocess.Popen[str]:
    """In a session of its own, so that what it leaves behind can be found."""
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )


def hears_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def session(number: int) -> list[int]:
    """Its processes that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its) == number and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@needs_proc
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_walkers_end_with_their_parent(number: int, code: int, tmp_path: Path) -> None:
    """Also one that is killed: its workers would wait for work for ever."""
    process = started("data_tools.walkers", "out", "--people", "200", "--workers", "2", cwd=tmp_path)
    try:
        wait_until(lambda: len(list(tmp_path.glob("out.partial/multi_shot/*/*"))) > 2)
        assert len(session(process.pid)) == 3
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == code and "Traceback" not in said
        wait_until(lambda: not session(process.pid))
    finally:
        process.kill()
    if number == signal.SIGTERM:
        assert said.splitlines()[-1] == "stopped: nothing was written" and not list(tmp_path.iterdir())


def test_ctrl_c_while_the_command_is_loaded(tmp_path: Path) -> None:
    """The parser and what it imports are ours already: one line. `hold` stands for a slow disk."""
    program = (
        "import sys, time\n"
        "class Hold:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'minireid.commands.parser':\n"
        "            print('loading', flush=True)\n"
        "            time.sleep(60)\n"
        "sys.meta_path.insert(0, Hold())\n"
        "from minireid.cli import main\n"
        "sys.exit(main(['recipe']))\n"
    )
    (tmp_path / "hold.py").write_text(program)
    process = started("hold", cwd=tmp_path)
    try:
        assert process.stdout is not None and process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130 and said == "minireid: stopped\n"


@pytest.mark.parametrize("module", ["minireid.cli", "data_tools.commands.prepare", "data_tools.commands.walkers"])
def test_nothing_slow_is_imported_before_ctrl_c_is_heard(module: str) -> None:
    slow = "{'numpy', 'PIL', 'tqdm', 'msgspec', 'multiprocessing', 'tomllib', 'ctypes', 'argparse', 'typing', 'signal'}"
    program = f"import sys, {module}; print(sorted({slow} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout == "[]\n"
