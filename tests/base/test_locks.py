"""One process in a folder: the lock ends with the process, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minireid.base.errors import InputError
from minireid.base.locks import alone_in

pytest.importorskip("fcntl", reason="locks of folders: not on Windows")
HOLD = """
import sys, time
from pathlib import Path
from minireid.base.locks import alone_in
with alone_in(Path(sys.argv[1]), "test"):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    with alone_in(tmp_path, "train"):
        with pytest.raises(InputError, match="another train is at work in"), alone_in(tmp_path, "train"):
            pass
    with alone_in(tmp_path, "train"):
        assert not os.listdir(tmp_path)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_holds_nothing(tmp_path: Path, how: signal.Signals) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "inside\n"
    with pytest.raises(InputError, match="another test is at work"), alone_in(tmp_path, "test"):
        pass
    holder.send_signal(how)
    holder.wait()
    with alone_in(tmp_path, "test"):
        assert not os.listdir(tmp_path)


def test_a_folder_that_is_renamed_stays_locked(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with alone_in(tmp_path / "old", "test"):
        (tmp_path / "old").rename(tmp_path / "new")
        with pytest.raises(InputError, match="at work"), alone_in(tmp_path / "new", "test"):
            pass


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot open it"), alone_in(tmp_path / "nothing", "test"):
        pass
