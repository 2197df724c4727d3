"""Progress bars: counted right, rare where nobody watches, and absent where nobody asked."""

import io
import sys

import pytest

from minireid.base.progress import bar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_everything_passes_through_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    for shown in (True, False):
        assert list(bar([3, 1, 2], unit="frame", desc="walkers", shown=shown)) == [3, 1, 2]
        said = capsys.readouterr()
        assert said.out == "" and bool(said.err) == shown
    assert not shown


def test_a_log_file_is_not_flooded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that is drawn 10 times a second would fill a file: there, twenty seconds must pass."""
    for stream, seconds in ((Screen(), 0.5), (io.StringIO(), 20.0)):
        monkeypatch.setattr(sys, "stderr", stream)
        with bar(total=5000, initial=4000, unit="step") as counter:
            assert counter.mininterval == seconds and counter.n == 4000
            for _ in range(1000):
                counter.update()
        assert stream.getvalue().count("\r") <= 2 + 1
        assert "5000/5000" in stream.getvalue()
