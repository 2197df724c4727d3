"""Following changes nothing that a function computes, reaches all of a person's code, and ends without a trace."""

import ast
import contextlib
import functools
import inspect
import statistics

import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.gradcheck.line.follow import following, is_users
from minireid.gradcheck.line.program import named, terms_of
from minireid.gradcheck.line.taps import TRACER, repeatable
from minireid.gradcheck.line.trace import BACKWARD, FORWARD
from minireid.gradcheck.tensor.problem import fresh
from minireid.layers import gru, linear
from tests.gradcheck.line.following import followed, recorded
from tests.gradcheck.planting import line_of, module

CASES = [
    case for case in page_cases(np.random.default_rng(0), Sizes()) if case.name not in ("conv2d/direct", "conv_block")
]
X = np.array([1.0, 2.0, 3.0])


def bits(value):
    return [(name, np.asarray(leaf).dtype, np.asarray(leaf).tobytes()) for name, leaf in leaves(value)]


def names_in(tracer, function):
    return [e.name for e in tracer.events if e.site.function == function]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_results_are_the_same_to_the_last_bit(case):
    rng = np.random.default_rng(1)

    def both(dys=()):
        *ys, cache = case.forward(*(map_leaves(np.copy, a) for a in case.arrays), **fresh(case.config))
        dys = dys or [map_leaves(lambda leaf: rng.normal(size=np.shape(leaf))[()], y) for y in ys]
        got = case.backward(*(map_leaves(np.copy, dy) for dy in dys), cache)
        return dys, bits({"y": dict(enumerate(ys)), "g": dict(enumerate(got if isinstance(got, tuple) else (got,)))})

    dys, before = both()
    code = case.forward.__code__
    with followed(lambda: both(dys)) as tracer:
        for kinds in (FORWARD, BACKWARD, frozenset()):
            tracer.start(kinds)
            assert both(dys)[1] == before
            assert bool(tracer.events) == bool(kinds)
    assert both(dys)[1] == before and case.forward.__code__ is code


def test_a_function_stays_the_same_object_with_its_name_and_defaults():
    page = module("""
        def forward(x, by=2.0, *, power=3):
            "Text."
            return x * by ** power, None
    """)
    f, kept = page.forward, page.forward
    before = f.__code__, f.__defaults__, f.__kwdefaults__, f.__doc__, inspect.signature(f), set(vars(page))
    with followed(lambda: f(X)):
        assert page.forward is kept and f.__code__ is not before[0] and f.__name__ == "forward"
        assert (f.__defaults__, f.__kwdefaults__, f.__doc__, inspect.signature(f)) == before[1:5]
        np.testing.assert_array_equal(f(X)[0], 8 * X)
        np.testing.assert_array_equal(f(X, 1.0, power=7)[0], X)
    assert (f.__code__, f.__defaults__, f.__kwdefaults__, f.__doc__, inspect.signature(f), set(vars(page))) == before


def test_an_exception_comes_through_and_everything_is_put_back(rng):
    x, p = rng.normal(size=(3, 5)), {"W": np.zeros((4, 2)), "b": np.zeros(2)}
    code = linear.forward.__code__
    with pytest.raises(ValueError, match="matmul"), followed(lambda: linear.forward(x, p)) as tracer:
        tracer.start(FORWARD)
        linear.forward(x, p)
    assert linear.forward.__code__ is code and TRACER not in vars(linear)
    assert len(tracer.frames) == 1, "the call is over"


def test_the_traceback_has_the_line_of_the_file():
    page = module("""
        def forward(x):
            y = x * 2
            raise KeyError("here")
    """)
    with followed(lambda: page.forward(X)), pytest.raises(KeyError) as raised:
        page.forward(X)
    assert raised.traceback[-1].lineno + 1 == line_of(page, "raise KeyError")


def test_a_closure_keeps_what_it_closes_over():
    count = 0
    scale = np.array([1.0, 2.0, 4.0])

    def forward(x, *, power=2):
        nonlocal count
        count += 1
        y = (x * scale) ** power
        return y, x

    with followed(lambda: forward(X)) as tracer:
        np.testing.assert_array_equal(forward(X)[0], (X * scale) ** 2)
        assert [e.line for e in tracer.events if e.kind == "assign"] == [forward.__code__.co_firstlineno + 3]
        scale = 2 * scale
        np.testing.assert_array_equal(forward(X)[0], (X * scale) ** 2, err_msg="the cell is shared")
    forward(X)
    assert count == 4


class Base:
    rate = 3.0

    def scaled(self, x):
        y = x * self.rate
        return y


class Layer(Base):
    def __init__(self):
        self.calls = 0

    def scaled(self, x):
        self.calls += 1
        own = super().scaled(x) + self.shift
        return self.squared(own) + self.same(own)

    @property
    def shift(self):
        value = 1.0
        return value

    @staticmethod
    def squared(a):
        b = a * a
        return b

    @classmethod
    def same(cls, a):
        c = a * cls.rate
        return c


def test_methods_properties_and_super_are_followed():
    layer = Layer()
    expected = layer.scaled(X)
    with followed(lambda: layer.scaled(X)) as tracer:
        np.testing.assert_array_equal(layer.scaled(X), expected)
        seen = {e.name for e in tracer.events if e.kind == "assign"}
    assert {"own", "y", "value", "b", "c"} <= seen and layer.calls == 3
    np.testing.assert_array_equal(layer.scaled(X), expected)


def test_helpers_in_another_file_are_followed():
    other = module("""
        def squashed(a):
            s = a / (1 + a)
            return s
    """)
    page = module("""
        def forward(x):
            y = squashed(x)
            return y, y
    """)
    page.squashed = other.squashed
    with followed(lambda: page.forward(X)) as tracer:
        np.testing.assert_array_equal(page.forward(X)[0], X / (1 + X))
        assert {"a", "s"} <= set(names_in(tracer, "squashed"))
    assert TRACER not in vars(page) and TRACER not in vars(other)


def twice(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        result = function(*arguments, **options)
        return 2 * result

    return wrapper


@twice
@twice
def decorated(a):
    b = a + 1
    return b


def test_decorated_functions_are_followed():
    with followed(lambda: decorated(X)) as tracer:
        np.testing.assert_array_equal(decorated(X), 4 * (X + 1))
        assert "b" in names_in(tracer, "decorated") and "result" in names_in(tracer, "wrapper")
    np.testing.assert_array_equal(decorated(X), 4 * (X + 1))


def test_every_call_of_a_recursion_is_a_frame_of_its_own():
    page = module("""
        def power(x, n):
            if n == 0:
                return x * 0 + 1
            y = x * power(x, n - 1)
            return y
    """)
    with followed(lambda: page.power(X, 3)) as tracer:
        np.testing.assert_array_equal(page.power(X, 3), X**3)
        ys = [e for e in tracer.events if e.name == "y" and e.kind == "assign"]
    assert len({e.frame.number for e in ys}) == 3
    for n, event in enumerate(ys, 1):
        np.testing.assert_array_equal(event.value, X**n)


GENERATORS = """
    import numpy as np

    def parts(x):
        for i in range(3):
            part = x[i]
            yield part * 2

    def forward(x, *, rng, more):
        noise = rng.normal(size=x.shape)
        a = np.array([v for v in parts(x)])
        b = np.array(list(parts(x)))
        first = next(parts(x))
        c = sum(v for v in x) + sum(more(3))
        y = a + b + c + first + noise
        return y, parts(x)
"""


def test_generators_are_not_disturbed():
    page = module(GENERATORS)

    def run():
        return page.forward(X, rng=np.random.default_rng(0), more=lambda n: (k for k in range(n)))

    expected, _ = run()
    with followed(run) as tracer:
        for _ in range(3):
            tracer.start(FORWARD)
            got, waiting = run()
            np.testing.assert_array_equal(got, expected)
            assert next(waiting) == 2, "a generator that is half used when the next run begins"
            (y,) = [e for e in tracer.events if e.name == "y" and e.kind == "assign"]
            assert y.frame.function == "forward"
    assert list(waiting) == [4, 6]


def test_nested_functions_and_classes_are_followed_where_they_run():
    page = module("""
        def forward(x):
            scale = 2.0

            def inner(a):
                b = a * scale
                return b

            def each():
                yield from (inner(x), inner(x))

            assert len(list(each())) == 2

            class Holder:
                value = 3.0

            y = inner(x) + (lambda a: a * Holder.value)(x)
            return y, inner
    """)
    with followed(lambda: page.forward(X)) as tracer:
        y, inner = page.forward(X)
        np.testing.assert_array_equal(y, 5 * X)
        assert "b" in names_in(tracer, "inner")
    np.testing.assert_array_equal(inner(X), 2 * X, err_msg="a function that was made meanwhile works afterwards too")


def test_libraries_are_not_followed():
    def forward(x):
        y = np.linalg.norm(x) + statistics.fmean(x) + functools.reduce(max, x)
        z = np.einsum("i,i->", x, x) + np.apply_along_axis(np.sum, 0, x)
        return y + z, None

    with followed(lambda: forward(X)) as tracer:
        forward(X)
        assert set(tracer.program.functions) == {"forward"}
        assert {s.function.name for s in tracer.program.statements} == {"forward"}
    assert not is_users(np.linalg.__file__) and not is_users(statistics.__file__) and not is_users("<frozen os>")
    assert not is_users(inspect.getfile(following)) and not is_users(inspect.getfile(leaves)) and is_users(gru.__file__)


@pytest.mark.parametrize("folder", ["/home/a/.local/lib/python3.11/site-packages", "/usr/lib/python3/dist-packages"])
def test_packages_outside_of_the_environment_are_libraries_too(folder):
    """`pip install --user numpy`, or an environment with --system-site-packages: NumPy is not searched for mistakes."""
    assert not is_users(f"{folder}/numpy/linalg/_linalg.py") and is_users("/home/a/packages/layers.py")


def test_source_without_lines_is_left_alone():
    scope: dict = {}
    exec("def forward(x):\n    y = x * 2\n    return y, x", scope)
    bare = lambda x: (x * 2, x)  # noqa: E731
    for function in (scope["forward"], bare):
        code = function.__code__
        with followed(lambda f=function: f(X)) as tracer:
            assert not tracer.program.statements and function.__code__ is code
            np.testing.assert_array_equal(function(X)[0], 2 * X)


def test_two_lambdas_in_one_line_stay_two():
    page = module("""
        double, triple = (lambda x: 2 * x), (lambda x: 3 * x)

        def forward(x):
            y = double(x) + triple(x) * triple(x)
            return y, x
    """)
    with followed(lambda: page.forward(X)):
        np.testing.assert_array_equal(page.forward(X)[0], 2 * X + 9 * X * X)


def test_what_does_not_run_is_not_followed():
    page = module("""
        def forward(x):
            return x * 2, x

        def backward(dy, x):
            return 2 * dy
    """)
    with followed(lambda: page.forward(X)) as tracer:
        assert set(tracer.program.functions) == {"forward"}


def test_what_ran_before_an_exception_is_followed():
    page = module("""
        def forward(x):
            y = x * 2
            raise ValueError
    """)
    with followed(lambda: page.forward(X)) as tracer:
        with contextlib.suppress(ValueError):
            page.forward(X)
        assert "y" in names_in(tracer, "forward")


def test_statements_know_their_line_their_loops_and_their_block():
    page = module("""
        def forward(x):
            total = 0.0
            for i in range(2):
                while i < 5:
                    i += 7
                total = total + x[i - 7]
            return total, None
    """)
    with followed(lambda: page.forward(X)) as tracer:
        statements = {tracer.program.text(s): s for s in tracer.program.statements}
    inner, outer = statements["i += 7"], statements["total = total + x[i - 7]"]
    assert (inner.line, outer.line) == (line_of(page, "i += 7"), line_of(page, "total = total +"))
    assert [type(loop) for loop in inner.loops] == [ast.For, ast.While] and len(outer.loops) == 1
    assert all(s.block[s.position] is s.node for s in statements.values())
    assert ast.unparse(outer.node) == "total = total + x[i - 7]", "the tree of a statement has no taps"


def test_the_order_of_evaluation_stays():
    page = module("""
        seen = []

        def note(a):
            seen.append(a)
            return a

        def forward(x):
            d = {note("k"): note(1) + note(2), "l": note(3)}
            d[note("m")] = note(4)
            y = x * note(5) if note(True) and not note(False) else note(6)
            a = b = note(7)
            d["l"], c = note(8), note(9)
            d["l"] += note(10)
            assert note(11), "a message"
            return y, (a, b, c, d)
    """)
    page.forward(X)
    expected, page.seen[:] = list(page.seen), []
    with followed(lambda: page.forward(X)):
        page.seen.clear()
        page.forward(X)
    assert page.seen == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dz", "dz"),
        ("grads['W']", "grads.W"),
        ("self.dW", "self.dW"),
        ("dx[:, t]", "dx"),
        ("a.b['c'].d", "a.b.c.d"),
        ("f(x)", ""),
        ("f(x).y", ""),
    ],
)
def test_names_of_places(text, name):
    assert named(ast.parse(text, mode="eval").body) == name


def test_terms_of_a_sum():
    terms = terms_of(ast.parse("a * b + c - (d + e @ f) - g", mode="eval").body)
    assert [ast.unparse(t) for t in terms] == ["a * b", "c", "d", "e @ f", "g"]


@pytest.mark.parametrize(
    ("index", "again"),
    [("'dW' + str(n)", True), ("np.arange(n), y", True), ("n := 2", False), ("np.random.randint(3)", False)],
)
def test_an_index_that_does_no_harm_is_evaluated_again(index, again):
    assert repeatable(ast.parse(f"x[{index}]", mode="eval").body.slice) is again


def test_an_entry_whose_key_is_put_together_by_a_call_is_an_event():
    page = module("""
        def backward(w):
            grads = {}
            for n in (1, 2):
                grads["dW" + str(n)] = n * w
            return grads
    """)
    events = recorded(lambda: page.backward(np.ones(3)), BACKWARD)
    assert [e.name for e in events if e.kind == "store"] == ["grads.dW1", "grads.dW2"]
