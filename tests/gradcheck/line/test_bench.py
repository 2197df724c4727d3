"""Changes are tried on a stretch of the program or on all of it, and everything is put back."""

import ast

import numpy as np
import pytest

from minireid.gradcheck.line.bench import Bench, Change, Instance, Stretch, names_changed, new_code, parents, replaced
from tests.gradcheck.line.following import followed
from tests.gradcheck.planting import module

PAGE = """
    import numpy as np

    FACTOR = 3.0

    def helper(a, *, power=2):
        b = a ** power
        return b

    def f(x, y, *, by=1.0):
        "What it is."
        total = np.zeros(2)
        for i in range(2):
            total[i] = helper(x[i]) - helper(y[i])
        if by:
            total = total * FACTOR
        return total
"""
X, Y = np.array([2.0, 5.0]), np.array([3.0, 7.0])


@pytest.fixture
def bench():
    """(the page, a bench, its statements by their text)."""
    page = module(PAGE)
    with followed(lambda: page.f(X, Y), kinds=frozenset()) as tracer:
        program = tracer.program
        yield page, Bench(program, 1e-9), {program.text(s): s for s in program.statements}


def expression(text):
    return ast.parse(text, mode="eval").body


def stretch(statement, read, *instances):
    return Stretch(statement.function, [statement.node], expression(read), list(instances))


def test_a_stretch_gives_its_value(bench):
    _, bench, statements = bench
    s = statements["total = total * FACTOR"]
    space = bench.space(s)
    assert space["FACTOR"] == 3.0 and "__tracer__" not in space
    names = {"total": X.copy()}
    assert bench.right(stretch(s, "total", Instance(names, [3 * X])), None, space)
    assert bench.right(stretch(s, "total", Instance(names, [Y, 3 * X])), None, space), "any of the targets"
    assert not bench.right(stretch(s, "total", Instance(names, [2 * X])), None, space)
    assert not bench.right(stretch(s, "total", Instance(names, [3 * X]), Instance(names, [X])), None, space), (
        "every one"
    )


def test_a_change_is_tried_and_the_program_stays(bench):
    _, bench, statements = bench
    s = statements["total = total * FACTOR"]
    trial = stretch(s, "total", Instance({"total": X.copy()}, [X + 3]))
    change = Change(s, s.node.value, expression("total + FACTOR"))
    assert bench.right(trial, change, bench.space(s)) and not bench.right(trial, None, bench.space(s))
    assert ast.unparse(s.node) == "total = total * FACTOR"


def test_names_are_not_spoiled_by_what_is_tried(bench):
    _, bench, statements = bench
    s = statements["total[i] = helper(x[i]) - helper(y[i])"]
    names = {"total": np.zeros(2), "x": X.copy(), "y": Y.copy(), "i": 1}
    trial = stretch(s, "total", Instance(names, [np.array([0.0, -24.0])]))
    for _ in range(2):
        assert bench.right(trial, None, bench.space(s))
    assert not names["total"].any()


def test_only_a_part_of_the_value_may_count(bench):
    _, bench, statements = bench
    s = statements["total = total * FACTOR"]
    names = {"total": X.copy()}
    assert bench.right(stretch(s, "total", Instance(names, [np.array(15.0)], index=1)), None, bench.space(s))


@pytest.mark.parametrize("new", ["1 / 0", "no_such", "total.no_such", "print('here')", "[total]", "total[0]", "'text'"])
def test_what_fails_is_not_right(bench, new, capsys):
    _, bench, statements = bench
    s = statements["total = total * FACTOR"]
    trial = stretch(s, "total", Instance({"total": X.copy()}, [3 * X]))
    assert not bench.right(trial, Change(s, s.node.value, expression(new)), bench.space(s))
    assert capsys.readouterr().out == ""


def test_a_return_is_read_too(bench):
    _, bench, statements = bench
    s = statements["return b"]
    assert bench.right(stretch(s, "__returned__", Instance({"b": X}, [X])), None, {})


def test_changes_of_the_whole_program_for_a_while(bench):
    page, bench, statements = bench
    one, other = statements["b = a ** power"], statements["total = total * FACTOR"]
    changes = [Change(one, one.node.value, expression("a + power")), Change(other, other.node, [ast.Pass()])]
    for change in changes:
        ast.fix_missing_locations(
            ast.Module(change.new if isinstance(change.new, list) else [ast.Expr(change.new)], [])
        )
    code, before = page.f.__code__, page.f(X, Y)
    with bench.applied(changes):
        np.testing.assert_array_equal(page.f(X, Y), X - Y)
        np.testing.assert_array_equal(page.f(X, Y, by=0.0), X - Y)
    assert page.f.__code__ is code
    np.testing.assert_array_equal(page.f(X, Y), before)


def test_after_an_exception_the_program_is_as_before(bench):
    page, bench, statements = bench
    s, code = statements["b = a ** power"], page.helper.__code__
    with pytest.raises(ZeroDivisionError), bench.applied([Change(s, s.node.value, expression("a / 0"))]):
        page.helper(1)
    with pytest.raises(SyntaxError), bench.applied([Change(s, s.node, [ast.copy_location(ast.Break(), s.node)])]):
        pass
    assert page.helper.__code__ is code


def test_a_changed_closure_keeps_what_it_closes_over():
    scale = 3.0

    def f(x):
        y = x * scale
        return y

    with followed(lambda: f(X), kinds=frozenset()) as tracer:
        bench = Bench(tracer.program, 1e-9)
        s = tracer.program.statements[0]
        assert bench.space(s)["scale"] == 3.0
        with bench.applied([Change(s, s.node.value.op, ast.Add())]):
            np.testing.assert_array_equal(f(X), X + 3)


def test_the_block_that_two_statements_share(bench):
    _, bench, statements = bench
    first, inside, last = (
        statements[t] for t in ("total = np.zeros(2)", "total[i] = helper(x[i]) - helper(y[i])", "return total")
    )
    block, i, j = bench.common(first, last)
    assert block is first.block and (i, j) == (first.position, last.position)
    block, i, j = bench.common(first, inside)
    assert block is first.block and isinstance(block[j], ast.For)
    assert bench.common(last, first) is None
    assert [type(b[k]) for b, k in bench.chain(inside.function, inside.node)] == [ast.For, ast.Assign]


def test_parents_of_every_statement():
    text = "for i in x:\n    if i:\n        a = 1\n    else:\n        b = 2\ntry:\n    c = 3\nexcept E:\n    d = 4"
    block = ast.parse(text).body
    table = dict(parents(block, None))
    assert len(table) == 7
    (a,) = [n for n in ast.walk(ast.Module(block, [])) if isinstance(n, ast.Assign) and n.targets[0].id == "a"]
    inner, position, above = table[id(a)]
    assert inner[position] is a and isinstance(above, ast.If)


def test_replacing_shares_what_is_not_on_the_way():
    tree = ast.parse("a = b + c\nd = e").body
    node, old = tree[0], tree[0].value.left
    new = replaced(node, old, ast.Name("z", ast.Load()))
    assert ast.unparse(new) == "a = z + c" and ast.unparse(node) == "a = b + c"
    assert new.value.right is node.value.right and replaced(node, tree[1], node) is node
    block = ast.Module(tree, [])
    assert ast.unparse(replaced(block, tree[0], [tree[1], tree[1]])) == "d = e\nd = e\nd = e"
    loop = ast.parse("for i in x:\n    a = 1").body[0]
    assert ast.unparse(replaced(loop, loop.body[0], [])) == "for i in x:\n    pass"


def test_names_that_a_statement_may_change():
    text = "a += 1\nb[0] = c\nself.d = e\nnp.add.at(f, i, g)\nh.sort()\nj = k + l"
    assert names_changed(ast.parse(text).body) == {"a", "b", "self", "f", "i", "g", "h"}


def test_defaults_and_decorators_of_a_changed_function(bench):
    page, bench, statements = bench
    s = statements["b = a ** power"]
    code = new_code(s, [Change(s, s.node.value, expression("a * power"))], page.helper)
    assert code.co_name == "helper" and code.co_filename == page.__file__
    assert code.co_varnames[:2] == ("a", "power") and code.co_kwonlyargcount == 1
