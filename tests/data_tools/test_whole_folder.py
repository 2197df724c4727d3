"""A prepared folder is whole under its name at every moment: two at once, kills, links, names that no disk takes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data_tools import whole_folder
from data_tools import write_prepared as module
from data_tools.commands.prepare import main
from data_tools.write_prepared import prepare
from minireid.base.errors import InputError
from minireid.data.prepared import check_hash, open_prepared

MakeRaw = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def beside(out: Path) -> list[str]:
    return sorted(entry.name for entry in out.parent.iterdir() if entry.name != "raw")


def started(raw: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "data_tools.prepare", "prid2011", str(raw), str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("first", [False, True])
def test_of_two_at_once_the_second_stops(
    first: bool, make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real second process comes while the first, here, is in the middle of its work. Other options, so other frames.

    first: a prepared folder was at OUT before.
    """
    raw, out = make_raw(), tmp_path / "out"
    if first:
        prepare("prid2011", raw, out, flow=False, progress=False)
    others: list[tuple[int, str]] = []
    work = module._prepare_track

    def meanwhile(*arguments: object) -> object:
        with lock:
            if not others:
                second = started(raw, out, "--size", "32x16", "--force")
                others.append((second.wait(), second.stderr.read()))
        return work(*arguments)  # type: ignore[arg-type]

    lock = threading.Lock()
    monkeypatch.setattr(module, "_prepare_track", meanwhile)
    prepared = open_prepared(prepare("prid2011", raw, out, force=True, progress=False))
    ((code, said),) = others
    assert code == 2 and said.startswith("error: another data_tools.prepare is at work in ") and said.count("\n") == 1
    check_hash(out / "frames.npy", prepared.index.sha256)
    assert prepared.frames.shape[1:] == (64, 32, 5) and beside(out) == ["out"]


def test_what_another_made_meanwhile_is_not_replaced(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one ends after this one has looked at OUT, and before this one locks it."""
    raw, out = make_raw(), tmp_path / "out"
    announce, running = module._announce, [False]

    def slow(*arguments: object) -> str:
        if not running[0]:
            running[0] = True
            prepare("prid2011", raw, out, size=(16, 8), progress=False)
        return announce(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_announce", slow)
    with pytest.raises(InputError, match=r"has made .*out meanwhile: run it again"):
        prepare("prid2011", raw, out, progress=False)
    assert open_prepared(out).height == 16 and beside(out) == ["out"]


def test_a_folder_that_was_renamed_before_it_was_locked_is_not_used(tmp_path: Path, monkeypatch) -> None:
    alone = whole_folder.alone_in

    @contextmanager
    def late(folder: Path, what: str) -> Iterator[None]:
        with alone(folder, what):
            os.rename(folder, tmp_path / "out")  # the other one ends
            yield

    monkeypatch.setattr(whole_folder, "alone_in", late)
    with (
        pytest.raises(InputError, match="another test has just ended"),
        whole_folder.whole_or_nothing(tmp_path / "out", "test"),
    ):
        raise AssertionError("it must not get here")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("can_swap", [True, False])
def test_force_killed_at_any_call_leaves_a_whole_folder(
    can_swap: bool, make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed after the first, second, ... call that changes names: OUT is the old folder or the new.

    Without the system call there is one moment without OUT. The next `prepare`, of whatever options, puts it back.
    """
    if can_swap and not whole_folder._swap(*(made(tmp_path / name) for name in ("one", "two"))):
        pytest.skip("this system cannot swap two folders in one call")
    raw, out = make_raw({("a", 1): 2, ("b", 1): 2}), tmp_path / "place" / "out"
    kill_after = """
import os, shutil, sys
from data_tools import whole_folder
from data_tools.write_prepared import prepare
left = int(sys.argv[3])
def counted(call):
    def run(*arguments, **named):
        global left
        done = call(*arguments, **named)
        left -= 1
        if left == 0:
            os._exit(9)
        return done
    return run
can_swap = sys.argv[4] == "True"
whole_folder._swap = counted(whole_folder._swap) if can_swap else (lambda one, other: False)
os.rename, os.unlink, os.rmdir = counted(os.rename), counted(os.unlink), counted(os.rmdir)
prepare("prid2011", sys.argv[1], sys.argv[2], size=(16, 8), force=True, progress=False)
"""
    for calls in range(1, 12):
        if calls == 1:
            prepare("prid2011", raw, out, size=(8, 4), progress=False)
        command = [sys.executable, "-c", kill_after, str(raw), str(out), str(calls), str(can_swap)]
        code = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
        if can_swap:
            assert open_prepared(out).height in (8, 16), calls
        assert main(["prid2011", str(raw), str(out), "--size", "8x4"]) in (0, 2)
        check_hash(out / "frames.npy", open_prepared(out).index.sha256)
        assert open_prepared(out).height in (8, 16) and beside(out) == ["out"], calls
        prepare("prid2011", raw, out, size=(8, 4), force=True, progress=False)
        if code == 0:
            break
    assert calls > 3 and code == 0


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def test_killed_at_random_moments_and_run_again(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw, out = make_raw(), tmp_path / "place" / "out"
    whole = prepare("prid2011", raw, tmp_path / "other" / "out", progress=False)
    for n in range(6):
        process = started(raw, out, *(["--force"] if n % 2 else []))
        time.sleep(0.25 + 0.12 * n)
        process.kill()
        process.wait()
    prepare("prid2011", raw, out, progress=False)
    for name in ("frames.npy", "index.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert beside(out) == ["out"]


def test_frames_are_on_the_disk_before_they_have_their_name(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out, order = make_raw(), tmp_path / "out", []
    sync, rename = os.fsync, os.rename

    def synced(opened: int) -> None:
        order.append(os.path.basename(os.readlink(f"/proc/self/fd/{opened}")))
        sync(opened)

    def renamed(old: Path, new: Path) -> None:
        order.append(f"{Path(old).name} -> {Path(new).name}")
        rename(old, new)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to see what is synced")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    prepare("prid2011", raw, out, progress=False)
    expected = ["frames.npy", "index.json", "out.partial", "out.partial -> out", tmp_path.name]
    assert order == expected


@pytest.mark.parametrize(
    "place, says",
    [
        ("file/out", "file/out"),
        ("file/deeper/out", "file/deeper/out"),
        ("dangling", "is a link to .*nowhere, which is not there"),
        ("loop/out", "loop/out"),
        ("n" * 300, "File name too long"),
        ("n" * 250, "File name too long"),
        ("file", "holds something else"),
        ("/proc/out", "/proc/out"),
        ("null\0character", "null"),
    ],
)
def test_places_that_cannot_be_written_are_one_line(
    make_raw: MakeRaw, tmp_path: Path, capsys: Capture, place: str, says: str
) -> None:
    raw = make_raw()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = beside(tmp_path / "out")
    with pytest.raises(InputError, match=says) as fault:
        prepare("prid2011", raw, tmp_path / place, progress=False)
    assert "\n" not in str(fault.value) and beside(tmp_path / "out") == before


def test_a_folder_that_cannot_be_listed(make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the raw dataset, or OUT. Permissions do not stop every user, so the call fails here."""
    raw, listdir, locked = make_raw(), os.listdir, ["cam_b"]

    def refused(folder: object) -> list[str]:
        if str(folder).endswith(locked[0]):
            raise PermissionError(13, "Permission denied", str(folder))
        return listdir(folder)  # type: ignore[arg-type]

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(InputError, match=r"cam_b, cannot list it \(Permission denied\)"):
        prepare("prid2011", raw, tmp_path / "out", progress=False)
    locked[0] = "locked"
    with pytest.raises(InputError, match=r"locked, cannot list it \(Permission denied\)"):
        prepare("prid2011", raw, tmp_path / "locked", progress=False)


def test_through_a_link_the_folder_behind_it_is_written(make_raw: MakeRaw, tmp_path: Path) -> None:
    (tmp_path / "disk" / "big").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "big")
    prepare("prid2011", make_raw(), tmp_path / "out", progress=False)
    prepare("prid2011", tmp_path / "raw", tmp_path / "out", size=(16, 8), force=True, progress=False)
    assert (tmp_path / "out").is_symlink() and open_prepared(tmp_path / "disk" / "big").height == 16
    assert beside(tmp_path / "disk" / "big") == ["big"]


@pytest.mark.parametrize(
    "option",
    [
        "--size=６４x３２",
        "--size=²x²",
        f"--size={'9' * 6000}x32",
        "--size=64x32x1",
        "--size=64x32\n",
        "--workers=0",
        "--workers=-3",
        "--workers=1000000000",
        f"--workers={'9' * 6000}",
        "--flow-scale=-1",
        f"--flow-scale={'9' * 6000}",
        f"--{'x' * 6000}",
    ],
)
def test_strange_options_are_one_short_line(make_raw: MakeRaw, tmp_path: Path, capsys: Capture, option: str) -> None:
    assert main(["prid2011", str(make_raw()), str(tmp_path / "out"), option]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and len(said) <= 400
    assert beside(tmp_path / "out") == []
