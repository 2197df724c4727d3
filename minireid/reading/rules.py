"""Which rule leads from a use of a variable to the term of its gradient: read off the expression that it stands in."""

import ast

FUNCTIONS = {
    "tanh": "y = tanh(a): da = dy (1 - y²)",
    "sigmoid": "y = sigmoid(a): da = dy y (1 - y)",
    "exp": "y = exp(a): da = dy y",
    "log": "y = log(a): da = dy / a",
    "sqrt": "y = sqrt(a): da = dy / (2 y)",
    "maximum": "y = max(a, b): the larger one gets dy, the other 0",
    "sum": "y = sum of a: every entry of a gets dy",
    "mean": "y = mean of n entries: every entry gets dy / n",
    "where": "y = where(m, a, b): a gets dy where m is true, b elsewhere",
}


def rule_of(statement: ast.stmt, line: int, columns: tuple[int, int]) -> str:
    """The rule for the use at these columns (bytes) of a line; empty where none is known."""
    parents = {child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)}
    use = next((n for n in parents if isinstance(n, ast.expr) and n.lineno == line
                and (n.col_offset, n.end_col_offset) == columns), None)  # fmt: skip
    while use is not None and isinstance(parents.get(use), (ast.Attribute, ast.Subscript, ast.UnaryOp)):
        use = parents[use]  # type: ignore[assignment]  # x.T, h[:, t], -x: the rule is that of what they stand in
    above = parents.get(use) if use is not None else None
    if isinstance(above, ast.BinOp):
        return of_operation(above, above.left is use)
    if isinstance(above, ast.Call):
        name = ast.unparse(above.func).removesuffix(".forward").rpartition(".")[2]
        return FUNCTIONS.get(name, f"the backward of {name}" if ast.unparse(above.func).endswith(".forward") else "")
    return ""


def of_operation(node: ast.BinOp, left: bool) -> str:
    if isinstance(node.op, ast.MatMult):
        return "y = A B: dA = dy Bᵀ" if left else "y = A B: dB = Aᵀ dy"
    if isinstance(node.op, ast.Mult):
        return "y = a b, element by element: da = dy b" if left else "y = a b, element by element: db = dy a"
    if isinstance(node.op, ast.Div):
        return "y = a / b: da = dy / b" if left else "y = a / b: db = -dy y / b"
    if isinstance(node.op, ast.Add):
        return "y = a + b: both get dy (summed over the axes along which one was repeated)"
    if isinstance(node.op, ast.Sub):
        return "y = a - b: da = dy" if left else "y = a - b: db = -dy"
    return ""
