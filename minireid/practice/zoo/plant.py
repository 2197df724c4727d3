"""Planting a bug: the page of a layer or loss with one small edit in it, as text or as a module that runs."""

import ast
import linecache
from pathlib import Path
from types import ModuleType

from minireid.practice.zoo.bug import Bug

PACKAGE = Path(__file__).parents[2]

# A kernel alone is not a layer. These lines wrap it in one, so that its page is checked like any other.
KERNEL_TO_LAYER = '''

# The layer around the three functions above, so that `minireid gradcheck` can run them with --like conv2d.

kernel_forward = forward


def forward(x, p, *, stride=1, padding=0):  # noqa: F811
    """x (N, H, W, C_in) -> y (N, HO, WO, C_out), cache."""
    y = kernel_forward(x, p["W"], p["b"], stride=stride, padding=padding)
    return y, (x, p, stride, padding)


def backward(dy, cache):
    """dy (N, HO, WO, C_out) -> dx (N, H, W, C_in), grads."""
    x, p, stride, padding = cache
    dx = backward_input(dy, p["W"], x_shape=x.shape, stride=stride, padding=padding)
    dW = backward_weights(dy, x, W_shape=p["W"].shape, stride=stride, padding=padding)
    return dx, {"W": dW, "b": dy.sum(axis=(0, 1, 2))}
'''


def page(bug: Bug) -> Path:
    """The file that the bug is planted in."""
    return PACKAGE.joinpath(*bug.module.split(".")).with_suffix(".py")


def like(bug: Bug) -> str:
    """The name of the layer or loss that the broken page should be like: what `minireid gradcheck --like` takes."""
    return "conv2d" if bug.module.startswith("kernels.") else page(bug).stem


def clean_source(bug: Bug) -> str:
    """The right page. For a kernel, with the layer around it."""
    text = page(bug).read_text(encoding="utf-8")
    return text + KERNEL_TO_LAYER if bug.module.startswith("kernels.") else text


def source(bug: Bug) -> tuple[str, int]:
    """The broken page, and the number (from 1) of the first line that differs from the clean one.

    ValueError if the page has changed and `old` no longer occurs exactly once in the function.
    """
    clean = clean_source(bug)
    first, last = function_lines(clean, bug.function)
    lines = clean.splitlines(keepends=True)
    function = "".join(lines[first - 1 : last])
    found = function.count(bug.old)
    if found != 1:
        raise ValueError(
            f"zoo: expected {bug.old!r} once in {bug.function} of {page(bug).name}, found it {found} times: "
            f"adapt the bug '{bug.title}' to the page"
        )
    broken = "".join([*lines[: first - 1], function.replace(bug.old, bug.new), *lines[last:]])
    return broken, next(n for n, (a, b) in enumerate(zip(lines, broken.splitlines(keepends=True)), 1) if a != b)


def function_lines(text: str, name: str) -> tuple[int, int]:
    """First and last line number of the first function with this name. ValueError if there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno, node.end_lineno or node.lineno
    raise ValueError(f"zoo: expected a function {name}, found none")


def load(bug: Bug) -> ModuleType:
    """The broken page as a module; inspect.getsource works on its functions. ValueError as for `source`."""
    return as_module(bug, source(bug)[0], f"<zoo: {bug.module}, {bug.title}>")


def load_clean(bug: Bug) -> ModuleType:
    """The right page in the same way: for a kernel, with the layer around it."""
    return as_module(bug, clean_source(bug), f"<zoo: {bug.module}>")


def as_module(bug: Bug, text: str, filename: str) -> ModuleType:
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = ModuleType(f"zoo_{like(bug)}")
    module.__file__ = filename
    exec(compile(text, filename, "exec"), module.__dict__)
    return module
