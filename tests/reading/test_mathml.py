"""Equations as MathML: typical lines to the letter, a test for each rule, and every line of the package."""

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minireid.reading.mathml import equation, line, parts

PACKAGE = Path(__file__).parents[2] / "minireid"
TIMES = '<mo lspace="0" rspace="0.17em">&#x2062;</mo>'
APPLY = '<mo lspace="0" rspace="0">&#x2061;</mo>'
COMMA = '<mo lspace="0" rspace="0.22em">,</mo>'
OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'
PRIME = '<mo lspace="0" rspace="0">′</mo>'
THIN, WIDE = '<mspace width="0.17em"></mspace>', '<mspace width="0.3em"></mspace>'
FORMULA, REMARK = "formula", "remark"


def lines() -> list[str]:
    """All labelled equations of the package, and the lines that go on below one."""
    found = []
    for folder in ("layers", "losses", "networks"):
        for file in sorted((PACKAGE / folder).glob("*.py")):
            document = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            found += re.findall(r"^    (?:[FCLHP]\d\w?'?| {3}) +(\w.*=.*)", document, flags=re.MULTILINE)
    return found


def inside(text: str) -> str:
    return equation(text).removeprefix('<math display="inline"><mrow>').removesuffix("</mrow></math>")


def plain(text: str) -> str:
    """MathML as the old plain text, with what has been decided: _{ } ^{ } and fractions as {a}/{b}."""
    return flat(ElementTree.fromstring(equation(text)))


def flat(node: ElementTree.Element) -> str:
    children = [flat(child) for child in node]
    forms = {
        "msub": "{}_{{{}}}",
        "msup": "{}^{{{}}}",
        "msubsup": "{}_{{{}}}^{{{}}}",
        "mfrac": "{{{}}}/{{{}}}",
        "munder": "{}_over{{{}}}",
        "msqrt": "√{{{}}}",
        "mspace": " ",
    }
    text = forms[node.tag].format(*children) if node.tag in forms else (node.text or "") + "".join(children)
    return text.replace("\u2061", "").replace("\u2062", " ")


@pytest.mark.parametrize(
    ("text", "xml"),
    [
        ("y = x W + b", f"<mi>y</mi><mo>=</mo><mi>x</mi>{TIMES}<mi>W</mi><mo>+</mo><mi>b</mi>"),
        ("q = r h'", f"<mi>q</mi><mo>=</mo><mi>r</mi>{TIMES}<mrow><mi>h</mi>{PRIME}</mrow>"),
        (
            "z = sigmoid(az)",
            f"<mi>z</mi><mo>=</mo><mrow><mi>sigmoid</mi>{APPLY}<mrow>{OPEN}"
            f"<msub><mi>a</mi><mrow><mi>z</mi></mrow></msub>{CLOSE}</mrow></mrow>",
        ),
        (
            "x * Wz",
            "<mi>x</mi><mo>∗</mo><msub><mi>W</mi><mrow><mi>z</mi></mrow></msub>",
        ),
        (
            "r_t = r_(t-1)",
            "<msub><mi>r</mi><mrow><mi>t</mi></mrow></msub><mo>=</mo>"
            "<msub><mi>r</mi><mrow><mrow><mi>t</mi><mo>−</mo><mn>1</mn></mrow></mrow></msub>",
        ),
        (
            "d[p]^2",
            "<msubsup><mi>d</mi><mrow><mi>p</mi></mrow><mrow><mn>2</mn></mrow></msubsup>",
        ),
        ("u = x / s", "<mi>u</mi><mo>=</mo><mfrac><mi>x</mi><mi>s</mi></mfrac>"),
        ("s = sqrt(x . x)", "<mi>s</mi><mo>=</mo><msqrt><mrow><mi>x</mi><mo>·</mo><mi>x</mi></mrow></msqrt>"),
        (
            "y = 1 / (1 + e^-x)",
            "<mi>y</mi><mo>=</mo><mfrac><mn>1</mn><mrow><mn>1</mn><mo>+</mo>"
            '<msup><mi>e</mi><mrow><mo form="prefix">−</mo><mi>x</mi></mrow></msup></mrow></mfrac>',
        ),
        (
            "m_t = sum over i < t of  alpha_ti h_i",
            "<msub><mi>m</mi><mrow><mi>t</mi></mrow></msub><mo>=</mo>"
            '<munder displaystyle="true"><mo>∑</mo><mrow><mi>i</mi><mo>&lt;</mo><mi>t</mi></mrow></munder>'
            f"{THIN}<msub><mi>α</mi><mrow><mi>t</mi><mi>i</mi></mrow></msub>{TIMES}"
            "<msub><mi>h</mi><mrow><mi>i</mi></mrow></msub>",
        ),
        (
            "y = max(x, 0)",
            f"<mi>y</mi><mo>=</mo><mrow><mi>max</mi>{APPLY}<mrow>{OPEN}<mi>x</mi>{COMMA}<mn>0</mn>{CLOSE}</mrow></mrow>",
        ),
        ("y = log s", f"<mi>y</mi><mo>=</mo><mi>log</mi>{THIN}<mi>s</mi>"),
        ("y = (1/x)", "<mi>y</mi><mo>=</mo><mrow><mo>(</mo><mfrac><mn>1</mn><mi>x</mi></mfrac><mo>)</mo></mrow>"),
        ("y = 1 - rate if", f"<mi>y</mi><mo>=</mo><mn>1</mn><mo>−</mo><mi>rate</mi>{WIDE}<mtext>if</mtext>"),
        ("f = x as one vector", f"<mi>f</mi><mo>=</mo><mi>x</mi>{WIDE}<mtext>as one vector</mtext>"),
        ("update gate: old & new", "<mtext>update gate: old &amp; new</mtext>"),
    ],
)
def test_to_the_letter(text: str, xml: str) -> None:
    assert inside(text) == xml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x[n, i s + kh - p, c]", "x_{n,i s+kh−p,c}"),
        ("logp[n, labels[n]]", "logp_{n,labels_{n}}"),
        ("ag_t = 0", "a_{g,t}=0"),
        ("mask_t = 1", "mask_{t}=1"),
        ("conv_block(m1)", "conv_block(m_{1})"),
        ("y = verification_weight V", "y=verification_weight V"),
        ("a = dp + kh + KH + vc + acandidate + xC", "a=dp+kh+KH+v_{c}+a_{candidate}+x_{C}"),
        ("e^x[n, j]", "e^{x_{n,j}}"),
        ("A[t]^T B", "A_{t}^{T} B"),
        ("y = max(0, d)^2", "y=max(0,d)^{2}"),
        ("y = -1/N  sum over n of  x", "y=−{1}/{N} ∑_over{n} x"),
        ("y = 1/(KH KW) x", "y={1}/{KH KW} x"),
        ("y = 1/lengths[n]", "y={1}/{lengths_{n}}"),
        ("y = max over kh < KH, kw < KW of  x", "y=max_over{kh<KH,kw<KW} x"),
        ("y = softmax over i of s", "y=softmax_over{i} s"),
        ("y = mean over the anchors n of  x", "y=mean_over{the anchors n} x"),
        ("y = u / |u|", "y={u}/{|u|}"),
        ("s_ti = w . [h_i ; g_t]", "s_{ti}=w·[h_{i};g_{t}]"),
        ("y = (1 - smoothing) [k = 1]", "y=(1−smoothing) [k=1]"),
        ("y = 2(x)(z)", "y=2 (x) (z)"),
        ("y = -log s[p]", "y=−log s_{p}"),
        ("y = log(x)", "y=log(x)"),
        ("y = sum over i", "y=sum over i"),
        ("y = softmax cross-entropy over the clip's end", "y=softmax cross-entropy over the clip's end"),
        ("y = mask x with probability 1 - rate, else 0", "y=mask x with probability 1−rate, else 0"),
        ("y = s1 (4x4)", "y=s_{1} (4×4)"),
        ("y >= x +- 1 != 2 <= 3 -> z", "y≥x±1≠2≤3→z"),
    ],
)
def test_rules(text: str, said: str) -> None:
    assert plain(text) == said


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "z = sigmoid(az),  az = x Wz + h' Uz + bz          update gate: how much of the state is replaced",
            [
                (FORMULA, "z = sigmoid(az)"),
                (FORMULA, "az = x Wz + h' Uz + bz"),
                (REMARK, "update gate: how much of the state is replaced"),
            ],
        ),
        ("q = 0   vc: a new bias", [(FORMULA, "q = 0"), (FORMULA, "vc:"), (REMARK, "a new bias")]),
        ("l = 1   where same[p]: pull", [(FORMULA, "l = 1"), (FORMULA, "where same[p]:"), (REMARK, "pull")]),
        ("o = f(x)   eq. 3, 4: o_t = 0", [(FORMULA, "o = f(x)"), (REMARK, "eq. 3, 4:"), (FORMULA, "o_t = 0")]),
        ("c = 0   a start; h_0 = 0", [(FORMULA, "c = 0"), (REMARK, "a start;"), (FORMULA, "h_0 = 0")]),
        ("c = 0   push apart, up to d = 1", [(FORMULA, "c = 0"), (REMARK, "push apart, up to d = 1")]),
        ("c = 0   candidate", [(FORMULA, "c = 0"), (REMARK, "candidate")]),
        ("c = 0   128", [(FORMULA, "c = 0"), (REMARK, "128")]),
        ("m = 0   2x2, stride 2; each", [(FORMULA, "m = 0"), (REMARK, "2x2, stride 2; each")]),
        ("y   = s1 and s2", [(FORMULA, "y   = s1 and s2")]),
        ("z = conv2d(x; W, b)", [(FORMULA, "z = conv2d(x; W, b)")]),
        ('t = 0   (how="a"), or s = 1', [(FORMULA, "t = 0"), (REMARK, '(how="a"), or'), (FORMULA, "s = 1")]),
    ],
)
def test_parts(text: str, found: list[tuple[str, str]]) -> None:
    assert parts(text) == found


def test_line_leaves_words_outside_the_formulas() -> None:
    html = line("s_l = h_l of the last frame, for each   for all i < t: each & `depth`")
    assert re.sub("<math.*?</math>", "M", html) == (
        'M of the last frame, for each\u2003 for all M: <span class="remark">each &amp; <code>depth</code></span>'
    )


def test_a_bracket_of_words_is_no_formula() -> None:
    assert re.sub("<math.*?</math>", "M", line("y = x of each (or another)")) == "M of each (or another)"


def test_a_remark_that_ends_in_or_leads_on() -> None:
    html = line('(how="a"), or s = 1')
    assert re.sub("<math.*?</math>", "M", html) == '<span class="remark">(how=&quot;a&quot;), or</span> M'


def test_a_comma_before_words_stays_with_its_formula() -> None:
    assert re.sub("<math.*?</math>", "M", line("y = 1 - rate, else 0")) == "M, else M"


def test_there_are_lines() -> None:
    assert len(lines()) > 130
    assert "l[p] = -log(1 - s[p])                          elsewhere" in lines()


@pytest.mark.parametrize("text", lines())
def test_every_line_of_the_package(text: str) -> None:
    root = ElementTree.fromstring(equation(text))
    page = ElementTree.fromstring(f"<p>{line(text)}</p>")
    assert parts(text)[0][0] == FORMULA
    for formula in (root, *page.iter("math")):
        for node in formula.iter():
            assert "^" not in (node.text or "")
            assert "_" not in (node.text or "") or re.fullmatch("[a-z]+(_[a-z]{2,})+", node.text or "")
            assert node is formula or not node.tail


@given(st.one_of(st.text(), st.text("xhaW01[](){}|^_'/.,;: =<-*&\"` ")))
def test_any_text_is_well_formed(text: str) -> None:
    ElementTree.fromstring(equation(text))
    ElementTree.fromstring(f"<p>{line(text)}</p>")


@pytest.mark.parametrize("text", ["x = " + "(" * 5000, "x = " + "e^" * 5000, "x = a over", "x = sum over", "x = |", ""])
def test_odd_text_is_well_formed(text: str) -> None:
    ElementTree.fromstring(equation(text))
    ElementTree.fromstring(f"<p>{line(text)}</p>")
