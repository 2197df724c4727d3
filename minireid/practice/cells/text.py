"""An expression as text that Python can read, and as LaTeX."""

import re

from minireid.practice.cells.expression import Expression

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # how strongly an operation binds its operands
INFIX = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "**": POWER}
LATEX_CALLS = {
    "sigmoid": r"\sigma",
    "arcsinh": r"\operatorname{arsinh}",
    "mean": r"\operatorname{mean}_{\mathrm{pairs}}",
    "mean of each row": r"\operatorname{mean}_{\mathrm{features}}",
    "sum": r"\operatorname{sum}_{\mathrm{pairs}}",
}


def text(expression: Expression) -> str:
    """x @ Wz + h_prev * uz + bz: @ is the matrix product, * goes entry by entry."""
    if not isinstance(expression, tuple):
        return str(expression)
    operation, *operands = expression
    if operation in INFIX:
        left, right = (bracketed(text(o), n) for o, n in zip(operands, brackets(expression)))
        return f"{left}**{right}" if operation == "**" else f"{left} {operation} {right}"
    if operation == "negative":
        return f"-{bracketed(text(operands[0]), binding(operands[0]) < PRODUCT)}"
    if operation == "rows":
        return f"{operands[0]}[{operands[1]}]"
    if operation == "positive part":
        return f"maximum(0, {text(operands[0])})"
    if operation == "mean of each row":
        return f"mean({text(operands[0])}, axis=1)"
    return f"{operation}({text(operands[0])})"


def binding(expression: Expression) -> int:
    if not isinstance(expression, tuple):
        return ATOM
    return SIGN if expression[0] == "negative" else INFIX.get(expression[0], ATOM)


def brackets(expression: Expression) -> tuple[bool, bool]:
    """Whether the left and the right operand need brackets.

    For Python, @ and * bind alike. A person cannot be expected to know: (x @ Wz) * g has brackets.
    """
    operation, left, right = expression
    binds, inner = INFIX[operation], left[0] if isinstance(left, tuple) else ""
    mixed = binds == binding(left) == PRODUCT and inner != operation and "@" in (inner, operation)
    power = operation == "**" and binding(left) == POWER
    return binding(left) < binds or mixed or power, binding(right) <= binds


def bracketed(inner: str, needed: bool) -> str:
    return f"({inner})" if needed else inner


def latex(expression: Expression) -> str:
    r"""x W_z + h' \odot u_z + b_z"""
    if not isinstance(expression, tuple):
        return latex_name(str(expression))
    operation, *operands = expression
    inner = [latex(operand) for operand in operands]
    if operation == "/":
        return rf"\frac{{{inner[0]}}}{{{inner[1]}}}"
    if operation in INFIX:
        left, right = (rf"\left({o}\right)" if n else o for o, n in zip(inner, latex_brackets(expression)))
        if operation == "**":
            return f"{left}^{{{inner[1]}}}"
        if operation == "@" or (operation == "*" and not isinstance(operands[0], (tuple, str))):
            return rf"{left} \, {right}"
        return rf"{left} \odot {right}" if operation == "*" else f"{left} {operation} {right}"
    if operation == "negative":
        return f"-{inner[0]}"
    if operation == "rows":
        return f"{inner[0]}_{{{inner[1]}}}"
    if operation == "sqrt":
        return rf"\sqrt{{{inner[0]}}}"
    if operation == "positive part":
        return rf"\max\left(0, {inner[0]}\right)"
    return rf"{LATEX_CALLS.get(operation, chr(92) + operation)}\left({inner[0]}\right)"


def latex_brackets(expression: Expression) -> tuple[bool, bool]:
    """As in the text, but a fraction needs none beside a product, only below a power."""
    operation, left, right = expression
    sides = list(brackets(expression))
    for n, side in enumerate((left, right)):
        if isinstance(side, tuple) and side[0] == "/":
            sides[n] = operation == "**"
    return sides[0], sides[1]


def latex_name(name: str) -> str:
    """Wz: W_z; h_prev: h'; a number or a plain name as it is."""
    if name in ("loss", "pull", "push", "same", "pi"):
        return rf"\{name}" if name == "pi" else rf"\mathrm{{{name}}}"
    if name.endswith("_prev"):
        return f"{name.removesuffix('_prev')}'"
    found = re.fullmatch(r"([a-zA-Z])([a-zA-Z])", name)
    return f"{found[1]}_{found[2]}" if found else name
