"""The plain-text equations of a docstring, set as MathML Core.

Which of a line's words are prose, and which are names, was decided by reading all pages. Unknown text stays text.

    h_t  h_(t-1)  alpha_ti     subscripts. A long tail after a long head (conv_block) is a name in code, and stays whole
    Wz  bz  az  vc  xC  m1     the second letter or number is a subscript, see SUBSCRIPTED. dp, kh and KH stay whole
    x[n, t]                    the index is a subscript too, after a comma if there is one already
    sum over n of x            a sign with the condition underneath; max, min, mean and softmax likewise
"""

import re
from collections import deque
from html import escape
from itertools import groupby

from minireid.reading.prose import GREEK, SUBSCRIPTED, Item, parts, tokenize

__all__ = ["equation", "line", "parts"]

Tokens = deque[Item]

SIGNS = {"-": "−", "*": "∗", ".": "·", "<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "+-": "±", "...": "…"}
CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|"}
BIG = {"sum": "<mo>∑</mo>", **{name: f"<mi>{name}</mi>" for name in ("max", "min", "mean", "softmax")}}
TIMES = '<mo lspace="0" rspace="0.17em">&#x2062;</mo>'
APPLY = '<mo lspace="0" rspace="0">&#x2061;</mo>'
THIN, WIDE, QUAD = (f'<mspace width="{width}em"></mspace>' for width in (0.17, 0.3, 1.5))


def equation(text: str) -> str:
    """The equations of one line, and its remarks, in one <math>."""
    xml = ""
    for kind, part in parts(text):
        xml += (join(items(part)) if kind == "formula" else mtext(part)) + (WIDE if leads_on(part) else QUAD)
    return math(xml.removesuffix(QUAD))


def line(text: str) -> str:
    """One line as HTML that can wrap: formulas in <math>, the words between them as text, remarks in a span."""
    html = ""
    for kind, part in parts(text):
        html += f'<span class="remark">{prose(part)}</span>' if kind == "remark" else wrapping(items(part))
        html += " " if leads_on(part) else "\u2003 "
    return html.strip()


def leads_on(part: str) -> bool:
    return part.endswith((":", ";", " or"))


def items(text: str) -> list[Item]:
    try:
        return row(deque(tokenize(text)))
    except RecursionError:  # a thousand brackets
        return [("text", text)]


def row(tokens: Tokens, stop: str = "") -> list[Item]:
    """Factors, signs and words up to `stop`, which is taken too."""
    found: list[Item] = []
    while tokens:
        kind, text = tokens[0]
        words = found[-1][1] if found and found[-1][0] == "text" else ""
        if text == stop:
            tokens.popleft()
            break
        if text in BIG and len(tokens) > 1 and tokens[1] == ("text", "over") and ("text", "of") in tokens:
            found.append(("big", big(tokens)))
        elif kind in ("text", "other") or (words and text in {",", ";", ":"}):
            tokens.popleft()
            if words:
                found.pop()
            found.append(("text", words + (" " if words and kind == "text" else "") + text))
        elif kind == "operator" and text not in CLOSING:
            tokens.popleft()
            found.append(operator(text, alone=not found or found[-1][0] in ("operator", "separator")))
        else:
            found.append(factor(tokens))
    return found


def operator(text: str, alone: bool) -> Item:
    if text in {",", ";", ":"}:
        return "separator", text
    prefix = ' form="prefix"' if alone and text in {"-", "+"} else ""
    return "operator", f"<mo{prefix}>{escape(SIGNS.get(text, text))}</mo>"


def big(tokens: Tokens) -> str:
    """sum over ... of: the sign and its condition, not what is summed."""
    sign = BIG[tokens.popleft()[1]]
    tokens.popleft()
    return f'<munder displaystyle="true">{sign}<mrow>{join(row(tokens, "of"))}</mrow></munder>'


def factor(tokens: Tokens) -> Item:
    """One thing with its scripts, or a fraction of two."""
    xml = scripted(tokens)
    kind = "function" if xml == "<mi>log</mi>" else "factor"
    while tokens and tokens[0] == ("operator", "/"):
        tokens.popleft()
        xml = f"<mfrac>{without_brackets(xml)}{without_brackets(scripted(tokens))}</mfrac>"
    return kind, xml


def scripted(tokens: Tokens) -> str:
    below: list[str] = []
    above: list[str] = []
    xml = base(tokens, below)
    while tokens and (tokens[0] == ("attached", "[") or tokens[0][1] in {"'", "^", "_"}):
        sign = tokens.popleft()[1]
        if sign == "'":
            xml = f'<mrow>{xml}<mo lspace="0" rspace="0">′</mo></mrow>'
        elif sign == "[":
            below.append(join(row(tokens, "]")))
        elif sign == "^":
            minus = operator(tokens.popleft()[1], True)[1] if tokens and tokens[0][1] == "-" else ""
            above.append(minus + without_brackets(scripted(tokens)))
        else:
            below.append(subscript(tokens))
    under, over = (f"<mrow>{inside}</mrow>" for inside in ("<mo>,</mo>".join(below), "".join(above)))
    if below and above:
        return f"<msubsup>{xml}{under}{over}</msubsup>"
    return f"<msub>{xml}{under}</msub>" if below else f"<msup>{xml}{over}</msup>" if above else xml


def subscript(tokens: Tokens) -> str:
    """What follows an underscore: each letter of h_ti is an index of its own."""
    kind, text = tokens[0] if tokens else ("", "")
    if kind == "name":
        tokens.popleft()
        return "".join(f"<mi>{letter}</mi>" for letter in text)
    return without_brackets(base(tokens, []))


def base(tokens: Tokens, below: list[str]) -> str:
    """A name, a number, a call or a bracket. A subscript that is part of the name goes into `below`."""
    kind, text = tokens.popleft() if tokens else ("text", "")
    if kind == "name":
        split = SUBSCRIPTED.fullmatch(text)
        head, *tail = [group for group in split.groups() if group] if split else [text]
        below += [f"<mn>{script}</mn>" if script.isdigit() else f"<mi>{script}</mi>" for script in tail]
        name = f"<mi>{GREEK.get(head, head)}</mi>"
        if not tokens or tokens[0] != ("attached", "("):
            return name
        tokens.popleft()
        body = bracketed("(", tokens)
        return f"<msqrt>{without_brackets(body)}</msqrt>" if text == "sqrt" else f"<mrow>{name}{APPLY}{body}</mrow>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "size":
        return "<mrow>{}<mo>×</mo>{}</mrow>".format(*(f"<mn>{number}</mn>" for number in text.split("x")))
    return bracketed(text, tokens) if text in CLOSING else mtext(text)


def bracketed(opening: str, tokens: Tokens) -> str:
    body = join(row(tokens, CLOSING[opening]))
    fixed = "" if "<mfrac>" in body else ' stretchy="false"'
    return f"<mrow><mo{fixed}>{opening}</mo>{body}<mo{fixed}>{CLOSING[opening]}</mo></mrow>"


def without_brackets(xml: str) -> str:
    """Nothing but a round bracket loses its signs: over and under a line, and in an exponent, they say nothing."""
    inside = re.fullmatch(r"<mrow><mo[^>]*>\(</mo>(.*)<mo[^>]*>\)</mo></mrow>", xml)
    return f"<mrow>{inside[1]}</mrow>" if inside else xml


def join(found: list[Item]) -> str:
    """Side by side: a product is close, words are further apart, signs bring their own space."""
    xml = ""
    for (before, _), (kind, text) in zip([("", ""), *found], found):
        if before not in ("", "operator") and kind not in ("operator", "separator"):
            between = THIN if before in ("big", "function") else TIMES if before == "factor" else ""
            xml += WIDE if "text" in (before, kind) else between
        comma = f'<mo lspace="0" rspace="0.22em">{text}</mo>'
        xml += mtext(text) if kind == "text" else comma if kind == "separator" else text
    return xml


def wrapping(found: list[Item]) -> str:
    """Words leave the formula, and so does a comma before them: a narrow page can break the line there."""
    html: list[str] = []
    for words, group in groupby(found, key=lambda item: item[0] == "text"):
        run = list(group)
        end = run.pop()[1] if run[-1][0] == "separator" else ""
        html.append(" ".join(prose(text) for _, text in run) if words else math(join(run)) + end)
    return " ".join(html)


def prose(text: str) -> str:
    """Escaped, and `names` in code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def math(xml: str) -> str:
    return f'<math display="inline"><mrow>{xml}</mrow></math>'


def mtext(text: str) -> str:
    return f"<mtext>{escape(text)}</mtext>"
