"""A problem in exact fractions: what is given, the lines that solve it, and the mistakes that change a line.

A line is Python text, such as dz = dh * (c - h_prev). A mistake replaces one or more lines. Its answer is found by
computing all lines again. Values are Fractions, or NumPy arrays of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isqrt
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

LONGEST = 500  # upper limit of all numerators and denominators: the student computes by hand
WIDEST = 100  # characters per line of a printed solution


class Line(NamedTuple):
    """The right side of `name = text`, and the equation of the page that it belongs to."""

    text: str
    equation: str


class Mistake(NamedTuple):
    """cause: its name; why: one sentence; lines: the wrong lines, {name: text}."""

    cause: str
    why: str
    lines: dict[str, str]


@dataclass(frozen=True)
class Problem:
    """asks: the names that may be asked for, each with the index of one entry, or () if it is a number."""

    kind: str
    given: dict[str, Any]
    lines: dict[str, Line]
    mistakes: Sequence[Mistake]
    asks: Mapping[str, tuple[int, ...]]

    def values(self, wrong: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The given values and the value of every line, in order. wrong: lines that replace the right ones."""
        values = dict(self.given)
        for name, line in self.lines.items():
            code = compiled((wrong or {}).get(name, line.text))
            value = eval(code, {"norm": norm}, values)  # the text comes from this package, never from the user
            values[name] = Fraction(value) if isinstance(value, int) else value
        return values

    def entry(self, ask: str, values: dict[str, Any]) -> Fraction:
        """The entry of `ask` that is asked for."""
        return values[ask][self.asks[ask]] if self.asks[ask] else values[ask]

    def answer(self, ask: str) -> Fraction:
        return self.entry(ask, self.values())

    def needed(self, ask: str) -> list[str]:
        """The names of the lines that lead to `ask`, in order; `ask` is the last."""
        found = {ask}
        for name in reversed(self.lines):
            if name in found:
                found.update(names(self.lines[name].text))
        return [name for name in self.lines if name in found]

    def outcomes(self, ask: str) -> list[tuple[Mistake, Fraction]]:
        """Every mistake on the way to `ask`, with the answer that it leads to."""
        way = set(self.needed(ask))
        on_the_way = [mistake for mistake in self.mistakes if way & set(mistake.lines)]
        return [(mistake, self.entry(ask, self.values(mistake.lines))) for mistake in on_the_way]

    def fits(self) -> bool:
        """Are all numbers short enough, and do all mistakes lead to different wrong answers, whatever is asked?"""
        right = self.values()
        numbers = [number for name in self.lines for number in np.ravel(right[name])]
        if max(max(abs(number.numerator), number.denominator) for number in numbers) > LONGEST:
            return False
        ways = {ask: set(self.needed(ask)) for ask in self.asks}
        seen = {ask: {self.entry(ask, right)} for ask in self.asks}
        for mistake in self.mistakes:
            values = self.values(mistake.lines)
            for ask in self.asks:
                if ways[ask] & set(mistake.lines):
                    end = self.entry(ask, values)
                    if end in seen[ask]:
                        return False
                    seen[ask].add(end)
        return True

    def name(self, ask: str) -> str:
        """dUc[0, 1], or dUc if it is a number."""
        return f"{ask}[{', '.join(map(str, self.asks[ask]))}]" if self.asks[ask] else ask

    def solution(self, ask: str) -> str:
        """Line by line: the equation, the rule, the numbers in it, the value."""
        values = self.values()
        width = max(len(line.equation) for line in self.lines.values())
        rows = []
        for name in self.needed(ask):
            text, equation = self.lines[name]
            parts = [*dict.fromkeys([name, text, put_in(text, values), shown(values[name])])]  # P = 3, not P = 3 = 3
            row = " = ".join(parts)
            if len(row) > WIDEST:
                row = f"{name} = " + f"\n{' ' * (4 + width + 2 + len(name))} = ".join(parts[1:])
            rows.append(f"    {equation:<{width}}  {row}")
        if self.asks[ask]:
            rows.append(f"    {'':<{width}}  {self.name(ask)} = {self.answer(ask)}")
        return "\n".join(rows)


@cache
def compiled(text: str) -> CodeType:
    """Compiles each text once: until a problem fits, dozens are drawn and thousands of lines computed."""
    return compile(text, "line", "eval")


def names(text: str) -> list[str]:
    """The names in a line, each once, in order."""
    return list(dict.fromkeys(re.findall(r"(?<!\.)\b[a-zA-Z]\w*", text)))


def put_in(text: str, values: dict[str, Any]) -> str:
    """The line with numbers instead of names, in brackets where they could be misread."""

    def number(found: re.Match[str]) -> str:
        value = values.get(found[0], found[0])
        brackets = isinstance(value, Fraction) and (value < 0 or (" / " in text and value.denominator > 1))
        return f"({value})" if brackets else shown(value)

    return re.sub(r"(?<!\.)\b[a-zA-Z]\w*", number, text)


def shown(value: Any) -> str:
    """A value as text: 3/5, [1/2, 3] (shape (2,) or (1, 2)), or [[1, 2], [3, 4]]."""
    if not isinstance(value, np.ndarray):
        return str(value)
    rows = value[0] if value.ndim == 2 and len(value) == 1 else value
    return f"[{', '.join(shown(row) for row in rows)}]"


def norm(v: np.ndarray) -> Fraction:
    """sqrt(v . v), exactly. ValueError if that is not a fraction."""
    square = Fraction(v @ v)
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    if root * root != square:
        raise ValueError(f"the root of {square} is not a fraction")
    return root


def pick(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    """One of the options, unchanged: rng.choice would convert them to an array."""
    return options[int(rng.integers(len(options)))]
