"""Planting a bug: the page of a layer or loss with one small edit in it, as text or as a module that runs."""

import ast
import linecache
from pathlib import Path
from types import ModuleType

from minireid.zoo.bug import Bug

PACKAGE = Path(__file__).parents[1]

# A kernel alone is no layer. These lines make one of it, so that its page is checked like any other.
KERNEL_TO_LAYER = '''

# The layer around the three functions above, so that `minireid gradcheck` can run them with --like conv2d.

from types import SimpleNamespace  # noqa: E402

from minireid.layers import conv2d  # noqa: E402

these = SimpleNamespace(forward=forward, backward_input=backward_input, backward_weights=backward_weights)


def forward(x, p, *, stride=1, padding=0, kernel=None):  # noqa: F811
    """x (N, H, W, C_in) -> y (N, HO, WO, C_out), cache. Whatever kernel is asked for, it is the one of this page."""
    return conv2d.forward(x, p, stride=stride, padding=padding, kernel=these)


backward = conv2d.backward
'''


def page(bug: Bug) -> Path:
    """The file that the bug is planted in."""
    return PACKAGE.joinpath(*bug.module.split(".")).with_suffix(".py")


def like(bug: Bug) -> str:
    """The name of the layer or loss that the broken page should be like: what `minireid gradcheck --like` takes."""
    return "conv2d" if bug.module.startswith("kernels.") else page(bug).stem


def clean_source(bug: Bug) -> str:
    """The page as it should be, with the layer around it where it is a kernel."""
    text = page(bug).read_text(encoding="utf-8")
    return text + KERNEL_TO_LAYER if bug.module.startswith("kernels.") else text


def source(bug: Bug) -> tuple[str, int]:
    """The broken page, and the number (from 1) of the first line that differs from the clean one.

    ValueError where the page has changed so that the bug's `old` is no longer in its function, or more than once.
    """
    clean = clean_source(bug)
    first, last = function_lines(clean, bug.function)
    lines = clean.splitlines(keepends=True)
    function = "".join(lines[first - 1 : last])
    found = function.count(bug.old)
    if found != 1:
        raise ValueError(
            f"zoo: expected {bug.old!r} once in {bug.function} of {page(bug).name}, found it {found} times: "
            f"the bug '{bug.title}' has to follow the page"
        )
    broken = "".join([*lines[: first - 1], function.replace(bug.old, bug.new), *lines[last:]])
    return broken, next(n for n, (a, b) in enumerate(zip(lines, broken.splitlines(keepends=True)), 1) if a != b)


def function_lines(text: str, name: str) -> tuple[int, int]:
    """Number of the first and of the last line of the first function of this name. ValueError where there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno, node.end_lineno or node.lineno
    raise ValueError(f"zoo: expected a function {name}, found none")


def load(bug: Bug) -> ModuleType:
    """The broken page as a module; inspect.getsource works on its functions. ValueError as for `source`."""
    text, _ = source(bug)
    filename = f"<zoo: {bug.module}, {bug.title}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = ModuleType(f"zoo_{like(bug)}")
    module.__file__ = filename
    exec(compile(text, filename, "exec"), module.__dict__)
    return module
