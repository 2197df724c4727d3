"""The mutations of array code that cosmic-ray does not bring.

cosmic-ray changes numbers, True and False, and, or, not, comparisons, signs and the binary operators, all but `@`.
What goes wrong in a backward pass is more often an axis, an index, a slice, a transpose, a key or `+=`: those are here.
Each operator yields, for a node of the syntax tree, the texts that may stand in its place; one of them is one mutant.
"""

from collections.abc import Iterator
from itertools import pairwise

from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name

# names that are easily taken for one another
TWINS = {
    "maximum": "minimum", "max": "min", "min": "max", "argmax": "argmin", "sum": "mean", "mean": "sum",
    "zeros": "ones", "zeros_like": "ones_like", "take_along_axis": "take", "reversed": "list", "float32": "float64",
}  # fmt: skip


SYMMETRIC = {"max", "min", "np.maximum", "np.minimum", "np.array_equal"}  # their arguments may change places


class Rewrite(Operator):
    """A mutation given by the texts that replace a node."""

    def texts(self, node) -> Iterator[str]:
        raise NotImplementedError

    def mutation_positions(self, node):
        return [(node.start_pos, node.end_pos) for _ in self.texts(node)]

    def mutate(self, node, index):
        return Name(list(self.texts(node))[index], node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    def examples(cls):
        return ()


class MatrixProduct(Rewrite):
    """A @ B becomes A * B."""

    def texts(self, node):
        if node.type == "operator" and node.value == "@":
            yield "*"


class AugmentedAssignment(Rewrite):
    """`+=` becomes `=`, or `-=`, and the other way round."""

    def texts(self, node):
        if node.type == "operator" and node.value in ("+=", "-="):
            yield "="
            yield "-=" if node.value == "+=" else "+="


class Sign(Rewrite):
    """What is assigned, returned, or stands in a dict is negated."""

    def texts(self, node):
        if node.parent is None or node.type not in ("arith_expr", "term", "power", "atom_expr", "name"):
            return
        around = node.parent.children
        at = around.index(node)
        assigned = node.parent.type == "expr_stmt" and code(around[1]) == "=" and at == 2
        unpacked = assigned and around[0].type == "testlist_star_expr"
        in_dict = node.parent.type == "dictorsetmaker" and at % 4 == 2
        zero = code(node).startswith(("np.zeros", "np.empty"))  # minus nothing
        if not zero and ((assigned and not unpacked) or in_dict or node.parent.type == "return_stmt"):
            yield f"-({code(node)})"


class Transpose(Rewrite):
    """A.T becomes A."""

    def texts(self, node):
        if node.type == "trailer" and code(node) == ".T":
            yield ""


class Index(Rewrite):
    """An index that is no plain number becomes one more, and one less."""

    def texts(self, node):
        if in_subscript(node) and node.type in ("name", "atom_expr", "arith_expr"):
            yield f"{code(node)} + 1"
            yield f"{code(node)} - 1"


class Slice(Rewrite):
    """A slice starts one later or ends one earlier; a full one is turned round; a step is left out."""

    def texts(self, node):
        if not in_subscript(node) or ":" not in [code(child) for child in getattr(node, "children", [node])]:
            return
        start, _, rest = code(node).partition(":")
        stop, _, step = (part.strip() for part in rest.partition(":"))
        tail = f":{step}" if step else ""
        yield f"{start} + 1 : {stop}{tail}" if start.strip() else f"1:{stop}{tail}"
        yield f"{start}:{stop} - 1{tail}" if stop else f"{start}:-1{tail}"
        yield f"{start}:{stop}" if step else f"{start}:{stop}:-1"


class Order(Rewrite):
    """Two neighbours change places: axes of a subscript or shape, arguments, values that are returned or unpacked."""

    def texts(self, node):
        if node.type not in ("subscriptlist", "testlist_comp", "testlist", "testlist_star_expr", "arglist"):
            return
        parts = [code(child) for child in node.children if code(child) != ","]
        if node.type == "testlist_comp" and len(parts) == 2 and parts[1].startswith("for "):
            return
        if node.type == "arglist" and called(node) in SYMMETRIC:
            return
        for k, (one, two) in enumerate(pairwise(parts)):
            named = node.type == "arglist" and ("=" in one or "=" in two)  # the order of these means nothing
            if not named and not one.startswith("*") and not two.startswith("*"):
                yield ", ".join([*parts[:k], two, one, *parts[k + 2 :]])


class Argument(Rewrite):
    """An argument given by name is left out."""

    def texts(self, node):
        if node.type == "argument" and code(node.children[1]) == "=":
            yield "**{}"


class Key(Rewrite):
    """A key becomes one of its two neighbours among the keys of its page in the order of the alphabet."""

    def texts(self, node):
        if not is_key(node):
            return
        keys = sorted({code(leaf) for leaf in leaves(node.get_root_node()) if is_key(leaf)})
        at = keys.index(code(node))
        yield from sorted({keys[at - 1], keys[(at + 1) % len(keys)]} - {code(node)})


class Twin(Rewrite):
    """A name becomes another of the same kind."""

    def texts(self, node):
        if node.type == "name" and node.value in TWINS and node.parent.type in ("trailer", "atom_expr"):
            yield TWINS[node.value]


def code(node) -> str:
    return node.get_code(include_prefix=False)


def called(arguments) -> str:
    """The function that is called with these arguments."""
    around = arguments.parent.parent.children if arguments.parent.parent is not None else []
    return (
        "".join(code(part) for part in around[: around.index(arguments.parent)]) if arguments.parent in around else ""
    )


def in_subscript(node) -> bool:
    """Whether node is all that stands between [ and ], or one of the parts between the commas there."""
    parent = node.parent
    if parent is None or node.type == "subscriptlist":
        return False
    if parent.type == "subscriptlist":
        return code(node) != ","
    return parent.type == "trailer" and code(parent)[0] == "[" and parent.children[1] is node


def is_key(node) -> bool:
    """Whether node is a string in [ ], or before the colon of a dict."""
    if node.type != "string":
        return False
    return in_subscript(node) or (node.parent.type == "dictorsetmaker" and code(node.get_next_sibling() or node) == ":")


def leaves(node) -> Iterator:
    for child in getattr(node, "children", []):
        yield from leaves(child)
    if not hasattr(node, "children"):
        yield node


class Provider(dict):
    """What cosmic-ray asks for: the operators by name."""

    def __init__(self):
        super().__init__({operator.__name__: operator for operator in Rewrite.__subclasses__()})
