"""Reads the LaTeX of an equation and computes it: a second source for what minireid/practice/cells/text.py writes."""

import re
from typing import Any

import numpy as np

TOKEN = re.compile(r"\s*(\\left\(|\\right\)|\\operatorname\{\w+\}(?:_\{\\mathrm\{\w+\}\})?|\\mathrm\{\w+\}|\\[a-zA-Z]+"
                   r"|\\,|\d+\.?\d*(?:e-?\d+)?|[a-zA-Z]_[a-zA-Z]|[a-zA-Z]'?|[-+^_{}(),])")  # fmt: skip
CALLS = {
    r"\sigma": lambda a: 1 / (1 + np.exp(-a)),
    r"\operatorname{arsinh}": np.arcsinh,
    r"\operatorname{mean}_{\mathrm{pairs}}": np.mean,
    r"\operatorname{mean}_{\mathrm{features}}": lambda a: np.mean(a, axis=1),
    r"\operatorname{sum}_{\mathrm{pairs}}": np.sum,
    **{rf"\{name}": getattr(np, name) for name in ("tanh", "arctan", "sin", "exp", "log", "cosh")},
}


class Reader:
    """Recursive descent: sum, product, power, atom."""

    def __init__(self, latex: str, values: dict[str, Any]) -> None:
        self.tokens = TOKEN.findall(latex)
        assert re.sub(r"\s", "", latex) == re.sub(r"\s", "", "".join(self.tokens)), latex
        self.values = values

    def whole(self) -> Any:
        found = self.sum()
        assert not self.tokens, self.tokens
        return found

    def next(self, expected: str = "") -> str:
        token = self.tokens.pop(0)
        assert not expected or token == expected, (token, expected)
        return token

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def sum(self) -> Any:
        sign = -1 if self.peek() == "-" and self.next() else 1
        found = sign * self.product()
        while self.peek() in ("+", "-"):
            found = found + self.product() if self.next() == "+" else found - self.product()
        return found

    def product(self) -> Any:
        found = self.power()
        while self.peek() in (r"\odot", r"\,"):
            entries = self.next() == r"\odot" or not isinstance(found, np.ndarray)
            other = self.power()
            found = found * other if entries else found @ other
        return found

    def power(self) -> Any:
        found = self.atom()
        if self.peek() == "^":
            self.next()
            return found ** self.group()
        return found

    def group(self) -> Any:
        self.next("{")
        found = self.sum()
        self.next("}")
        return found

    def bracket(self) -> Any:
        self.next(r"\left(")
        found = self.sum()
        self.next(r"\right)")
        return found

    def atom(self) -> Any:
        token = self.peek()
        if token == r"\left(":
            return self.bracket()
        self.next()
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return np.sqrt(self.group())
        if token == r"\max":
            self.next(r"\left(")
            self.next("0")
            self.next(",")
            inside = self.sum()
            self.next(r"\right)")
            return np.maximum(0, inside)
        if token in CALLS:
            return CALLS[token](self.bracket())
        if token[0].isdigit():
            return float(token)
        return self.name(token)

    def name(self, token: str) -> Any:
        if token == r"\pi":
            return float(np.pi)
        plain = token.removeprefix(r"\mathrm{").removesuffix("}").replace("_", "")
        value = self.values[plain.replace("'", "_prev")]
        if self.peek() == "_":
            self.next()
            return value[self.group()]
        return value


def computed(latex: str, values: dict[str, Any]) -> Any:
    return Reader(latex, values).whole()
