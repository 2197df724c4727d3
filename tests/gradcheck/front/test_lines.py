"""A row of source: colours, indentation, the marks of a wrong line."""

import re

from minireid.gradcheck.front import lines

TEXT = """    def f(x):
        '''One,
        two.'''
        return 2 * x if x < "a&b" else None  # why"""


def pieces(text: str, first: int = 1) -> dict[int, list[tuple[str, str]]]:
    """By line: (class, piece of the text)."""
    rows = dict(enumerate(text.split("\n"), first))
    found = lines.colours_of(text, first)
    return {n: [(kind, rows[n][a:b].strip()) for a, b, kind in columns] for n, columns in found.items()}


def test_keywords_strings_numbers_and_comments_have_a_class() -> None:
    found = pieces(TEXT, 7)
    assert found[7] == [("k", "def")]
    assert found[8] == [("s", "'''One,")] and found[9] == [("s", "two.'''")]
    assert found[10] == [("k", "return"), ("d", "2"), ("k", "if"), ("s", '"a&b"'), ("k", "else"), ("k", "None"),
                         ("c", "# why")]  # fmt: skip


def test_what_is_no_python_has_no_colours() -> None:
    assert lines.colours_of("x = (1", 1) == {} and lines.colours_of("  x\n y", 1) == {}


def test_the_text_is_whole_whatever_is_coloured() -> None:
    colours = lines.colours_of(TEXT, 1)
    for n, text in enumerate(TEXT.split("\n"), 1):
        body = lines.coloured(text, lines.indent_of(text), colours[n])
        shown = re.sub(r"<[^>]*>", "", lines.row(n, text, body))
        assert shown == str(n) + text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace(
            "'", "&#x27;"
        )


def test_tags_are_put_in_before_their_columns() -> None:
    text = "    a = 12"
    body = lines.coloured(text, 4, [(8, 10, "d")], {4: ["<u>"], 10: ["</u>"], 8: ["<i>", "</i>"]})
    assert body == '<u>a = <i></i><span class="d">12</span></u>'


def test_the_wrong_row_has_a_class_an_arrow_and_words() -> None:
    right, wrong = (lines.row(3, "x", "x", wrong=w, attributes=' id="L3"', side="<i></i>") for w in (False, True))
    assert (
        right
        == '<div class="row" id="L3"><span class="num">3</span><span class="text" style="--in:0">x</span><i></i></div>'
    )
    assert wrong == right.replace('"row"', '"row wrong"').replace(
        ">3<", '><b class="arrow" role="img" aria-label="wrong line">→</b>3<'
    )
    assert ".row.wrong { border-left: 4px double" in lines.style() and "background: var(--no-back)" in lines.style()


def test_a_line_without_text_is_short() -> None:
    assert lines.row(4, "   ", "", wrong=False) == '<div class="row empty"><span class="num">4</span></div>'


def test_a_scope_stands_before_every_rule() -> None:
    assert all(rule.startswith(".here .") for rule in lines.style(".here ").splitlines())
    assert all("," not in rule.partition("{")[0] for rule in lines.RULES)


def contrast(one: str, two: str) -> float:
    """WCAG 2: of two colours, #rrggbb."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_all_colours_can_be_read_on_the_page_and_on_the_mark() -> None:
    for palette in (lines.LIGHT, lines.DARK):
        found = dict(re.findall(r"--([\w-]+): (#\w{6});", palette))
        for back in ("page", "no-back"):
            for name in ("text", "quiet", "no", "k", "s", "d"):
                assert contrast(found[name], found[back]) >= 4.5, (name, back)
