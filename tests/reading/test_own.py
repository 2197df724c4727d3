"""`minireid read` on the command line, and a student's own file."""

from pathlib import Path

import pytest

from minireid.cli import main
from minireid.layers import gru

WRONG = ('dq = dac @ p["Uc"].T', 'dq = dac @ p["Uc"]')


@pytest.fixture
def wrong_gru(tmp_path: Path) -> Path:
    text = Path(gru.__file__).read_text("utf-8")
    assert text.count(WRONG[0]) == 1
    path = tmp_path / "my_gru.py"
    path.write_text(text.replace(*WRONG), encoding="utf-8")
    return path


def read(*words: str | Path) -> int:
    return main(["read", *map(str, words), "--no-open"])


def test_a_wrong_file_shows_its_line_and_its_first_wrong_entry(wrong_gru: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert read(wrong_gru, "--like", "gru", "--out", target) == 0
    html = target.read_text("utf-8")
    number = next(n for n, line in enumerate(wrong_gru.read_text("utf-8").splitlines(), 1) if WRONG[1] in line)
    assert f"Line {number}:" in html and "transposed" in html
    assert f'<div class="row wrong" id="L{number}"' in html
    assert "WRONG" in html


def test_the_default_name_is_that_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert read("tanh") == 0
    assert capsys.readouterr().out == "written: tanh.html\n"
    assert (tmp_path / "tanh.html").stat().st_size < 1.5e6


def test_the_browser_is_opened_only_if_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    target = tmp_path / "tanh.html"
    assert read("tanh", "--out", target) == 0 and not opened
    assert main(["read", "tanh", "--out", str(target)]) == 0 and opened == [target.resolve().as_uri()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected a page"),
        (("gru", "--bug", "3"), "expected a page"),
        (("gruu",), "gru"),
        (("missing.py", "--like", "gru"), "there is no file missing.py"),
        (("missing.py",), "expected --like"),
        (("--bug", "9999"), "9999"),
        (("gru", "--out", "page.txt"), "expected --out to end in .html"),
        (("gru", "--out", "nowhere/page.html"), "expected a folder nowhere"),
        (("--all", "."), "expected a new folder"),
        (("--all", "nowhere/site"), "expected a folder nowhere"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert read(*words) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def forward(:\n", "line 1"),
        ("x = 1\n", "step_forward"),
        ("def forward(x, p):\n    raise ValueError('no')\ndef backward(dh, cache):\n    return 1\n", "ValueError: no"),
        ("while True: pass\n", "not finished after 3 seconds"),
    ],
)
def test_files_that_cannot_be_read_are_one_line(text: str, said: str, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    seconds = "3" if "while" in text else "60"
    code = read(path, "--like", "elman", "--out", tmp_path / "page.html", "--time-limit", seconds)
    error = capsys.readouterr().err
    assert code == 2 and said in error and len(error.splitlines()) == 1


def test_a_backward_that_returns_nothing_of_use_is_read_with_a_note(tmp_path: Path) -> None:
    path, target = tmp_path / "bad.py", tmp_path / "page.html"
    path.write_text(
        "def forward(x):\n    return x * 1.0, x\n\ndef backward(dy, cache):\n    return 1\n", encoding="utf-8"
    )
    assert read(path, "--like", "tanh", "--out", target) == 0
    assert "expected" in target.read_text("utf-8")


def test_a_file_with_a_step_alone_is_read_as_a_step(tmp_path: Path) -> None:
    text = Path(gru.__file__).read_text("utf-8")
    path, target = tmp_path / "steps.py", tmp_path / "page.html"
    path.write_text(text[: text.index("def forward(x, p):")].replace(*WRONG), encoding="utf-8")
    for like in ("gru", "gru/step"):
        assert read(path, "--like", like, "--out", target) == 0
        html = target.read_text("utf-8")
        assert "transposed" in html and '"loop":""' in html  # no rounds: one step
    assert read(path, "--like", "gruu", "--out", tmp_path / "other.html") == 2
