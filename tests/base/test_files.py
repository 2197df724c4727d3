"""Files are written whole or not at all, and what stands in the way is one line."""

import os
from pathlib import Path
from typing import Any

import pytest

from minireid.base.errors import InputError
from minireid.base.files import (
    check_folder,
    check_target,
    make_folder,
    names_in,
    read_bytes,
    read_text,
    write_bytes,
    write_text,
)


def fault(path: Path, content: bytes = b"new") -> str:
    """What writing there is answered with."""
    with pytest.raises(InputError) as found:
        write_bytes(path, content)
    text = str(found.value)
    assert text.startswith(f"cannot write {path} (") and "\n" not in text
    return text


def test_what_is_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    for content in (b"", b"\x00\r\n\xff", b"x" * 1_000_000):
        write_bytes(tmp_path / "a.bin", content)
        assert (tmp_path / "a.bin").read_bytes() == content
    write_text(tmp_path / "b.txt", "µ\nline\r\n")
    assert (tmp_path / "b.txt").read_bytes() == b"\xc2\xb5\nline\r\n"
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "b.txt"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    seen, real = [], os.replace

    def replace(source: Any, target: Any) -> None:
        seen.append((Path(source).read_bytes(), Path(target).read_bytes(), Path(source).parent))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_bytes(path, b"new")
    assert seen == [(b"new", b"old", tmp_path)], "written beside it: another disk could not be renamed from"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("where", ["replace", "fsync"])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_full_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, old: bytes | None
) -> None:
    path = tmp_path / "a.bin"
    if old is not None:
        path.write_bytes(old)

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, where, full)
        assert "No space left on device" in fault(path)
    assert os.listdir(tmp_path) == (["a.bin"] if old is not None else [])
    assert old is None or path.read_bytes() == old
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_crash_in_the_middle_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def pressed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", pressed)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.bin"]


def test_no_folder_to_write_into(tmp_path: Path) -> None:
    assert "No such file or directory" in fault(tmp_path / "nowhere" / "a.bin")
    (tmp_path / "file").write_text("not a folder")
    assert "Not a directory" in fault(tmp_path / "file" / "a.bin")
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_of_that_name_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    (tmp_path / "a.bin" / "thesis.txt").write_text("years of work")
    fault(tmp_path / "a.bin")
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin" / "thesis.txt").read_text() == "years of work"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "Permission denied" in fault(tmp_path / "a.bin")
    finally:
        tmp_path.chmod(0o700)


def test_a_target_is_looked_at_before_long_work(tmp_path: Path) -> None:
    check_target(tmp_path / "a.png", ".png")
    (tmp_path / "b.png").write_bytes(b"old")
    check_target(tmp_path / "b.png", ".png")  # may be written over
    check_target(Path("a.png"), ".png")  # the folder one is in
    with pytest.raises(InputError, match=r"end in \.png, got .*a\.jpg"):
        check_target(tmp_path / "a.jpg", ".png")
    with pytest.raises(InputError, match=r"expected a folder .*nowhere to write a\.png into"):
        check_target(tmp_path / "nowhere" / "a.png", ".png")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="expected a folder"):
        check_target(tmp_path / "file" / "a.png", ".png")
    assert sorted(os.listdir(tmp_path)) == ["b.png", "file"]


# Reading.


def unreadable(path: Path, **how: Any) -> str:
    with pytest.raises(InputError) as found:
        read_bytes(path, "a recipe", **how)
    text = str(found.value)
    assert text.startswith(f"expected a recipe at {path}, ") and "\n" not in text
    return text


def test_only_ordinary_files_of_a_sane_size_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"\xff12")
    assert read_bytes(file, "a recipe", largest=3) == b"\xff12" and read_text(file, "a recipe") == "\ufffd12"
    assert "more than" in unreadable(file, largest=2)
    assert "found a folder" in unreadable(tmp_path)
    assert "found none" in unreadable(tmp_path / "b.bin")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "found none" in unreadable(tmp_path / "link")
    assert "cannot read it (Not a directory)" in unreadable(file / "below")
    assert "cannot read it (File name too long)" in unreadable(tmp_path / ("x" * 300))
    with pytest.raises(InputError, match="null"):
        read_bytes(tmp_path / "a\0b", "a recipe")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe, socket or device" in unreadable(tmp_path / "pipe")
    assert "a pipe, socket or device" in unreadable(Path("/dev/zero"))


def test_folders(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir() and make_folder(tmp_path / "a") == tmp_path / "a"
    assert names_in(tmp_path / "a") == {"b"} and names_in(tmp_path / "none") == set()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match="cannot make the folder"):
            make_folder(path)
    with pytest.raises(InputError, match="cannot list it"):
        names_in(tmp_path / "file")


def test_a_folder_for_results_is_looked_at_before_long_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(InputError, match=r"expected --out to be a folder, .*file is a file"):
            check_folder(path)
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "below")
    assert os.listdir(tmp_path) == ["file"]
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(InputError, match="no permission to write into"):
        check_folder(tmp_path / "new" / "below")


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        check_target(tmp_path / "a.png", ".png")
    with pytest.raises(InputError, match="File name too long"):
        check_target(tmp_path / ("x" * 300) / "a.png", ".png")
    check_target(tmp_path / "b.png", ".png")
