"""The last handler of every command line: one line for what fails, whatever stdin, stdout and stderr are."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minireid.base import signals
from minireid.base.errors import InputError
from minireid.base.exits import LONGEST, exit_code
from minireid.cli import main

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


def raising(fault: BaseException):
    def work() -> None:
        raise fault

    return work


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_what_work_returns(result, code, capsys: Capture) -> None:
    assert exit_code(lambda: result) == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (InputError("expected a folder, got a file"), "expected a folder, got a file"),
        # The checker needs NumPy alone, `minireid train` more.
        (
            ModuleNotFoundError("No module named 'numba.core'", name="numba.core"),
            "this needs numba, found none: pip in",
        ),
        (MemoryError(), "this needs more memory than there is: choose smaller clips.length"),
        (
            MemoryError("Unable to allocate 3 GiB"),
            "more memory than there is (Unable to allocate 3 GiB): choose smaller",
        ),
        (RecursionError("maximum recursion depth exceeded"), "the input is nested too deeply"),
        (PermissionError(13, "Permission denied", "/a/b"), "cannot use /a/b (Permission denied): check the path"),
        (OSError(18, "Invalid cross-device link", "a", None, "b"), "cannot use a and b (Invalid cross-device link)"),
        (OSError(28, "No space left on device"), "cannot write (No space left on device): make room"),
        (OSError(24, "Too many open files"), "the system refused (Too many open files): check"),
        (UnicodeEncodeError("latin-1", "漢", 0, 1, "no such character"), "cannot be read or written here"),
        (InputError("two\nlines\x00 and \x1b[31mred"), r"two\nlines\x00 and \x1b[31mred"),
    ],
)
def test_what_fails_is_one_line_and_2(fault: BaseException, says: str, capsys: Capture) -> None:
    assert exit_code(raising(fault), before="tool: ") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("tool: error: ") and said.err.count("\n") == 1
    assert says in said.err


def test_a_long_value_loses_its_middle_and_the_remedy_stays(capsys: Capture) -> None:
    assert exit_code(raising(InputError(f"expected a run folder at {'a' * 5000}: check the path"))) == 2
    line = capsys.readouterr().err
    assert len(line) == LONGEST and line.startswith("error: expected a run folder at aaa")
    assert " … " in line and line.endswith("aaa: check the path\n")


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)])
def test_the_codes_of_what_is_stopped(stop: BaseException, code: int, capsys: Capture) -> None:
    assert exit_code(raising(stop), stopped="stopped: nothing was written") == code
    assert capsys.readouterr() == ("", "stopped: nothing was written\n" if code == 130 else "")


@pytest.mark.parametrize("ours", [ValueError("ours"), ModuleNotFoundError("No module", name="minireid.gone")])
def test_a_mistake_of_ours_is_not_hidden(ours: Exception) -> None:
    with pytest.raises(type(ours)):
        exit_code(raising(ours))


def test_an_exception_that_c_code_made_of_a_signal(capsys: Capture) -> None:
    """numpy's import answers Ctrl-C with ImportError now and then."""

    def work() -> None:
        signals.heard.append(15)
        raise ImportError("numpy._core.multiarray failed to import")

    assert exit_code(work) == 143
    assert capsys.readouterr().err == "stopped\n"


def test_bad_options_are_one_line(capsys: Capture) -> None:
    for words, says in (
        (["fly"], "invalid choice: 'fly'"),
        ([], "required: COMMAND"),
        (["search", "a", "b", "c", "--out", "d", "--top", "0"], "expected --top of 1 or more, got 0"),
        (["demo", "--seed", "-1"], "expected --seed of 0 or more, got -1; see minireid demo --help"),
        (["demo", "--seed", "9" * 5000], "got 99999999999999999999… (5000 characters)"),
        (["read", "a.py", "--time-limit", "nan"], "expected --time-limit as a number of seconds above 0"),
        (["gradcheck", "a.py", "--time-limit", "1e9"], "at most 3600, got 1e9"),
        (["trace", "--recipe", "x\0y"], "null character"),
    ):
        assert main(words) == 2, words
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and len(said.err) <= LONGEST
        assert said.err.startswith("minireid: error: ") and says in said.err


# In a process of its own.


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The shell's line, in which MINIREID stands for the command."""
    line = line.replace("MINIREID", f"{sys.executable} -m minireid")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    found = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, timeout=60, check=False)
    return subprocess.CompletedProcess(
        line, found.returncode, *(part.decode(errors="replace") for part in (found.stdout, found.stderr))
    )


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@needs_full
@pytest.mark.parametrize("words", ["recipe show", "--help"])
def test_a_full_disk_behind_the_output(words: str) -> None:
    found = shell(f"MINIREID {words} > /dev/full")
    assert found.returncode == 2 and found.stderr.count("\n") == 1
    assert found.stderr.startswith("minireid: error: cannot write (No space left on device): make room")


@needs_full
def test_a_full_disk_behind_the_messages() -> None:
    assert shell("MINIREID zoo show 999 2> /dev/full").returncode == 2


def test_a_reader_that_has_gone() -> None:
    found = shell("MINIREID recipe show | true; echo ${PIPESTATUS[0]}")
    assert found.stdout == "141\n" and found.stderr == ""


@pytest.mark.parametrize(("closed", "code"), [("<&-", 2), (">&-", 2), ("2>&-", 2), ("<&- >&- 2>&-", 2)])
def test_closed_streams(closed: str, code: int) -> None:
    """Files that are opened later do not take their places."""
    found = shell(f"MINIREID zoo show 999 {closed}; echo $?")
    assert found.stdout == f"{code}\n"
    assert "Traceback" not in found.stderr and found.stderr.count("\n") == ("2>&-" not in closed)


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", rb"\u6f22\xf6"), ("cp1252", b"\\u6f22\xf6")])
def test_every_character_can_be_printed(encoding: str, shown: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, work in (("stdout", lambda: print("漢ö")), ("stderr", raising(InputError("漢ö")))):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, name, stream)
        exit_code(work)
        stream.flush()
        assert shown in stream.buffer.getvalue()  # type: ignore[attr-defined]


def test_more_memory_than_there_is(capsys: Capture) -> None:
    """At once: the system promises what it has not, and would end the process much later."""
    assert main(["trace", "--set", "clips.length=1000000", "--set", "pairs.persons=100"]) == 2  # 5 TB
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "this needs more memory than there is" in said.err


def test_an_array_of_the_work_is_refused(capsys: Capture) -> None:
    assert exit_code(lambda: int(np.ones(2**46, np.uint8)[0])) == 2
    assert "Unable to allocate 64.0 TiB" in capsys.readouterr().err
