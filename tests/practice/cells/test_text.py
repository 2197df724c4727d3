"""The text and the LaTeX say what the evaluator computes."""

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from minireid.practice.cells.definition import Definition, draw_arrays, forward, values
from minireid.practice.cells.reference import reference, source
from minireid.practice.cells.student import definition_of, latex_page, page, stub
from minireid.practice.cells.text import latex, text
from tests.practice.cells.latex_reader import computed

KINDS = ("cell", "loss")
WORDS = "tanh arctan sin exp log sqrt arcsinh cosh maximum mean sum pi"
NUMPY = {name: getattr(np, name) for name in WORDS.split()}
NUMPY["sigmoid"] = lambda a: 1 / (1 + np.exp(-a))


def some(kind: str, count: int = 150) -> list[tuple[Definition, dict]]:
    definitions = [definition_of(f"reader {n}", kind=kind) for n in range(count)]
    return [(d, draw_arrays(d, np.random.default_rng(n))) for n, d in enumerate(definitions)]


@pytest.mark.parametrize("kind", KINDS)
def test_python_reads_the_text_as_the_evaluator_computes_it(kind: str) -> None:
    for definition, arrays in some(kind):
        true = values(definition, arrays)
        for equation in definition.equations:
            got = eval(text(equation.right), {**NUMPY, **true})
            np.testing.assert_array_equal(got, true[equation.name], err_msg=text(equation.right))


@pytest.mark.parametrize("kind", KINDS)
def test_latex_read_back_is_the_same(kind: str) -> None:
    parser = MathTextParser("path")
    for definition, arrays in some(kind):
        true = values(definition, arrays)
        for equation in definition.equations:
            written = latex(equation.right)
            np.testing.assert_allclose(computed(written, true), true[equation.name], rtol=1e-12, err_msg=written)
        parser.parse(f"${latex(definition.equations[-1].right)}$")


def test_latex_by_hand() -> None:
    lines = latex_page(definition_of("s9")).splitlines()
    assert latex(("**", ("/", "a", "b"), 2)) == r"\left(\frac{a}{b}\right)^{2}"
    assert latex(("*", ("/", "a", "b"), "c")) == r"\frac{a}{b} \odot c"
    assert lines[1] == r"  a_f &= x \, W_f + b_f \\"
    assert lines[5] == r"  a_g &= \left(x \, W_g\right) \odot \left(1 + h' \odot u_g\right) + b_g \\"
    assert lines[11] == r"  h &= \left(1 - o\right) \odot h' + o \odot s"
    assert (lines[0], lines[-1]) == (r"\begin{align}", r"\end{align}")


def test_brackets_where_they_are_needed_and_only_there() -> None:
    assert text(("*", ("@", "x", "W"), "g")) == "(x @ W) * g"
    assert text(("+", ("@", "x", "W"), "b")) == "x @ W + b"
    assert text(("-", "a", ("-", "b", "c"))) == "a - (b - c)"
    assert text(("/", ("*", 0.5, "a"), ("*", "b", "c"))) == "0.5 * a / (b * c)"
    assert text(("**", ("+", "a", 1), 2)) == "(a + 1)**2" and text(("**", ("sigmoid", "a"), 1.5)) == "sigmoid(a)**1.5"
    assert text(("exp", ("negative", ("*", 2, "a")))) == "exp(-2 * a)"
    assert text(("negative", ("+", "a", "b"))) == "-(a + b)"


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_function_is_the_evaluator(kind: str) -> None:
    for definition, arrays in some(kind, 30):
        got = reference(definition)(*(arrays[name] for name in definition.arguments()))
        for name, true in forward(definition, arrays).items():
            np.testing.assert_array_equal(got[name], true)
        assert "backward" not in source(definition)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_to_write_in_is_python_and_says_it_all(kind: str) -> None:
    for definition, _ in some(kind, 30):
        written = stub(definition, "s1")
        space: dict = {}
        exec(written, space)
        for name in definition.functions():
            with pytest.raises(NotImplementedError, match=f"write {name}"):
                space[name](*[None] * space[name].__code__.co_argcount)
        assert page(definition) in written and all(f"{name} (" in written for name in definition.params)
        assert max(map(len, written.splitlines())) <= 130
        assert "\0" not in written + page(definition)
