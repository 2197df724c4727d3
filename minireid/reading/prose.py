"""Which stretches of a docstring's line are formulas, and which words are prose. Decided by reading all pages."""

import re
from itertools import pairwise

__all__ = ["GREEK", "SUBSCRIPTED", "Item", "parts", "tokenize"]

Item = tuple[str, str]  # its kind, and its text

TOKEN = re.compile(
    r"""(?P<text> "[^"]*" | `[^`]*` | [A-Za-z]{2,}(?:-[A-Za-z]{2,})+ | [A-Za-z]+'[a-z]+
        | \((?:or|and|as|if|the)[ ][^()]*\) )
      | (?P<size> \d+x\d+ )
      | (?P<number> \d+(?:\.\d+)? )
      | (?P<name> (?!(?:alpha|beta|gamma|lambda|sigma)_)[A-Za-z][A-Za-z0-9]+(?:_[A-Za-z0-9]{2,})+
        | [A-Za-z][A-Za-z0-9]* )
      | (?P<prime> ' )
      | (?P<attached> (?<=[A-Za-z0-9'\])])[(\[] )
      | (?P<operator> <= | >= | != | -> | \+- | \.\.\. | (?<=\s)\.(?=\s) | [-+*/=<>,;:()\[\]{}|^_] )
      | (?P<other> \S )""",
    re.VERBOSE,
)
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "lambda": "λ", "sigma": "σ"}
SUBSCRIPTED = re.compile("([A-Z])([a-z])|([a-z])([A-Z])|([abv])([a-z])|(a)(candidate)|([A-Za-z])([0-9]+)")
RELATIONS = {"=", "<", ">", "<=", ">=", "!=", "->"}
ARITHMETIC = {"+", "-", "*", "/"}
GLUE = set("all an and as at be by each else for from if in is of on one or over the to where with".split())
IN_FORMULAS = {"where", "for", "all", "pair", "sum", "max", "over", "of"}  # words that may stand before its first sign


def parts(text: str) -> list[Item]:
    """Formulas and remarks, cut at three spaces, at a comma and two, and at a colon that ends or begins a formula."""
    found = []
    for stretch in re.split(r",? {3,}(?! *=)|, {2,}", clean(text).strip()):
        cuts = [cut.end() for cut in re.finditer("[:;] |, or ", stretch) if balanced(stretch[: cut.start()])]
        pieces: list[Item] = []
        for start, end in pairwise([0, *cuts, len(stretch)]):
            piece = stretch[start:end].strip()
            kind = "formula" if is_formula(piece) else "remark"
            if pieces and kind == pieces[-1][0] == "remark":
                piece = f"{pieces.pop()[1]} {piece}"
            pieces.append((kind, piece))
        found += [(kind, piece) for kind, piece in pieces if piece]
    return found


def clean(text: str) -> str:
    """Without the characters that XML forbids."""
    return re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def balanced(text: str) -> bool:
    return sum(text.count(sign) for sign in "([") == sum(text.count(sign) for sign in ")]")


def is_formula(text: str) -> bool:
    """Has it a relation with no prose before it? Without a relation: is every name a short one?"""
    tokens = [*tokenize(text), ("", "")]
    depth = 0
    for n, (_, sign) in enumerate(tokens):
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        if sign in RELATIONS and depth == 0:
            return all(kind not in ("text", "other") or word in IN_FORMULAS for kind, word in tokens[:n])
    long = [
        word
        for (kind, word), after in pairwise(tokens)
        if kind in ("text", "other") or (kind == "name" and len(word) > 2 and after[0] != "attached")
    ]
    short = all(word in IN_FORMULAS or word in GREEK or SUBSCRIPTED.fullmatch(word) for word in long)
    return short and any(kind == "name" for kind, _ in tokens)


def tokenize(text: str) -> list[Item]:
    tokens = [(match.lastgroup or "other", match[0]) for match in TOKEN.finditer(text)]
    return [("text" if is_word(tokens, n) else kind, word) for n, (kind, word) in enumerate(tokens)]


def is_word(tokens: list[Item], n: int) -> bool:
    """A small word such as "of", or a longer one beside another. Beside a sign it is a name: loss = ..., 1 - rate."""
    kind, word = tokens[n]
    if kind != "name" or not word.isalpha():
        return False
    padded = [("", ""), *tokens, ("", "")]
    before, after = padded[n], padded[n + 2]
    signs = after[1] in ARITHMETIC | RELATIONS | {"^", "_", "'"} or before[1] in ARITHMETIC
    if len(word) < 3 or signs or after[0] == "attached":
        return word in GLUE
    return word in GLUE or any(other in GLUE or re.fullmatch("[A-Za-z-]{3,}", other) for _, other in (before, after))
