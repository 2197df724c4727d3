"""What is taken for the machine's memory, and the limit that is made of it."""

from pathlib import Path

import pytest

from minireid.base import memory

resource = pytest.importorskip("resource", reason="Windows has no limits of this kind")


def limit() -> int:
    return resource.getrlimit(resource.RLIMIT_DATA)[0]


def test_the_limit_holds_inside_and_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = limit()
    monkeypatch.setattr(memory, "there_is", lambda: 2**40)
    with memory.no_more_than_there_is():
        assert limit() == 2**40
        monkeypatch.setattr(memory, "there_is", lambda: 2**50)
        with memory.no_more_than_there_is():
            assert limit() == 2**40, "one that is stricter stays"
    assert limit() == before
    monkeypatch.setattr(memory, "there_is", lambda: None)
    with memory.no_more_than_there_is():
        assert limit() == before


@pytest.mark.parametrize(
    ("groups", "files", "limits"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "4096\n", "memory.max": "8192"}, [4096, 8192]),
        ("4:memory:/a\n1:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "512\n", "a/memory.max": "7"}, [512]),
        ("4:memory:/gone\n", {"memory/memory.limit_in_bytes": "512\n"}, [512]),  # in a container: its own is the root
        ("0::/\n", {}, []),
        ("", {}, []),
    ],
)
def test_groups(groups: str, files: dict, limits: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    real = memory.read
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    monkeypatch.setattr(memory, "read", lambda file: groups if file == "/proc/self/cgroup" else real(file))
    assert memory.of_cgroups() == limits


def test_there_is_what_the_system_says() -> None:
    found = memory.there_is()
    assert found is None or 2**28 < found < 2**50
