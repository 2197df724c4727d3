"""No command needs a network or asks for one: each is run with every way out cut off, and every try is written down."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import small_data

CUT = '''
import os
import socket


def told(what, address):
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{what} {address}\\n")


def is_local(address):
    """A path, or an address of this machine alone. An empty host stands for every network that it is in."""
    return not isinstance(address, tuple) or address[0] in ("localhost", "::1") or address[0].startswith("127.")


def cut(name, place):
    """The same method of a socket. Where its address is not of this machine, it writes that down and fails."""
    real = getattr(socket.socket, name)

    def method(self, *arguments):
        if not is_local(arguments[place]):
            if self.type == socket.SOCK_STREAM or name != "connect":  # connect of a datagram socket sends nothing
                told(name, arguments[place])
            raise OSError(101, "Network is unreachable")
        return real(self, *arguments)

    setattr(socket.socket, name, method)


def deaf(host, *arguments, real=socket.getaddrinfo, **words):
    if host not in (None, "localhost", "", "::1", socket.gethostname()) and not str(host).startswith("127."):
        told("getaddrinfo", host)
        raise socket.gaierror(-2, "Name or service not known")
    return real(host, *arguments, **words)


for name, place in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("bind", 0)):
    cut(name, place)
socket.getaddrinfo = deaf
'''
LO_UP = 'ip link set lo up && exec "$@"'  # a new namespace has no network at all, not even to itself


class Cut:
    """Runs commands in `folder`, cut off from every network: by the system where it allows it, and in Python."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "network.log"
        (folder / "cut").mkdir()
        (folder / "cut" / "sitecustomize.py").write_text(CUT, encoding="utf-8")
        self.log.touch()
        prefix = ["unshare", "--net", "sh", "-c", LO_UP, "sh"]
        possible = shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
        self.prefix = prefix if possible else []

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        here = Path(__file__).parents[2]
        ours = {"PYTHONPATH": os.pathsep.join([str(self.folder / "cut"), str(here)]), "NETWORK_LOG": str(self.log)}
        command = [*self.prefix, sys.executable, *words]
        return subprocess.run(command, cwd=self.folder, env={**os.environ, **ours}, capture_output=True, text=True)


def seedless() -> list[str]:
    """The changes that make a recipe fit the tiny people, without the seed: a sweep sets it."""
    changes = [change for change in small_data.CHANGES if not change.startswith("training.seed")]
    return [word for change in changes for word in ("--set", change)]


@pytest.fixture
def cut(tmp_path: Path) -> Cut:
    return Cut(tmp_path)


def test_the_cut_cuts(cut: Cut) -> None:
    """Otherwise the next test would show nothing. 192.0.2.1 is an address that nobody has."""
    for line, noted in (
        ("socket.socket().connect(('192.0.2.1', 80))", "connect ('192.0.2.1', 80)\n"),
        ("sys.exit(socket.socket().connect_ex(('192.0.2.1', 80)))", "connect_ex ('192.0.2.1', 80)\n"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 80))", "sendto ('192.0.2.1', 80)\n"),
        ("urllib.request.urlopen('http://nobody.invalid')", "getaddrinfo nobody.invalid\n"),
        ("socket.create_server(('', 0))", "bind ('', 0)\n"),
    ):
        done = cut.run("-c", f"import socket, sys, urllib.request; {line}")
        assert done.returncode == 1, done.stderr
        assert cut.log.read_text() == noted
        cut.log.write_text("")
    alone = "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()).close()"
    assert cut.run("-c", f"import socket; {alone}").returncode == 0 and cut.log.read_text() == ""


@pytest.mark.slow
def test_every_command_works_without_a_network(cut: Cut) -> None:
    small_data.write_prepared(cut.folder / "prepared")
    small = small_data.as_changes()
    commands = [
        ["minireid", "demo", "--quick", "--threads", "1"],
        ["minireid", "train", "prepared", "--out", "run", "--threads", "1", *small],
        ["minireid", "evaluate", "run", "--threads", "1"],
        ["minireid", "read", "gru", "--no-open", "--out", "gru.html"],
        ["minireid", "gradcheck", "gru", "linear"],
        ["minireid", "paper", "gru"],
        ["minireid", "trace", "--recipe", "msp_src"],
        ["minireid", "recipe", "show", "msp_src"],
        [
            "minireid",
            "sweep",
            "prepared",
            "--recipe",
            "src",
            "--splits",
            "1",
            "--workers",
            "0",
            "--out",
            "one",
            *seedless(),
        ],
        ["minireid", "table", "one"],
    ]
    for words in commands:
        done = cut.run("-m", *words)
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert cut.log.read_text() == "", words


@pytest.mark.slow
def test_workers_of_a_sweep_talk_on_this_machine_only(cut: Cut) -> None:
    pytest.importorskip("distributed", reason="needs Dask: pip install -e '.[test]'")
    small_data.write_prepared(cut.folder / "prepared")
    words = ["sweep", "prepared", "--recipe", "src", "--splits", "2", "--workers", "2", "--out", "two", *seedless()]
    done = cut.run("-m", "minireid", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cut.log.read_text() == ""
