"""The table of mistakes: what stands there, what belongs there, and the name of the mistake.

A capital letter stands for any expression: `A @ B` matches every matrix product. K stands for a number. On the right
one word in angle brackets stands for several things that may belong there (choices.py finds them):

    <same>    an array of the same shape that the function has          <int>     a whole number that it has
    <factor>  a factor that may be missing: a gate, a mask, a weight    <number>  a size, a count, 2, 1/2
    <slope>   the derivative of an activation                           <axes>    axes to sum over
    <term>    a term that may be missing: gradient times something      <order>   an order of the axes
    <number+> the number next to K                                      <mask>    a mask

The checker reads the table from left to right, to mend a line. Read from right to left it plants mistakes. Rules come
in tiers: those that exchange things first, then those that put in a factor, then those that put in a term.
"""

from dataclasses import dataclass

from minireid.gradcheck.cause.causes import Cause as C


@dataclass(frozen=True)
class Rule:
    """wrong -> right. text: what to say, with {old} and {new}. where: value, index, axis or number. tier: 0, 1, 2."""

    cause: C
    wrong: str
    right: str
    text: str = "{old} stands where {new} belongs"
    where: str = "value"
    tier: int = 0


SIGNS = (
    Rule(C.SIGN, "A + B", "A - B", "+ stands where - belongs, before {B}"),
    Rule(C.SIGN, "A - B", "A + B", "- stands where + belongs, before {B}"),
    Rule(C.SIGN, "A - B", "B - A"),
    Rule(C.SIGN, "-A", "A", "the minus sign of {old} does not belong here"),
    Rule(C.SIGN, "A", "-A", "{old} has the wrong sign"),
)
TURNS = (
    Rule(C.TRANSPOSED, "A.T", "A"),
    Rule(C.TRANSPOSED, "A", "A.T"),
    Rule(C.TRANSPOSED, "A @ B", "B @ A"),
    Rule(C.TRANSPOSED, "A @ B", "A.T @ B"),
    Rule(C.TRANSPOSED, "A @ B", "A @ B.T"),
    Rule(C.TRANSPOSED, "A @ B", "B.T @ A"),
    Rule(C.TRANSPOSED, "A @ B", "B @ A.T"),
    Rule(C.TRANSPOSED, "A @ B", "B.T @ A.T"),
    Rule(C.TRANSPOSED, "A @ B.T", "B @ A"),
    Rule(C.TRANSPOSED, "A.T @ B", "B.T @ A"),
    Rule(C.TRANSPOSED, "np.dot(A, B)", "np.dot(B, A)"),
    Rule(C.TRANSPOSED, "np.dot(A, B)", "np.dot(B.T, A)"),
    Rule(C.TRANSPOSED, "np.dot(A, B)", "np.dot(B, A.T)"),
    Rule(C.TRANSPOSED, "np.dot(A, B)", "np.dot(B.T, A.T)"),
    Rule(C.TRANSPOSED, "np.outer(A, B)", "np.outer(B, A)"),
    Rule(C.TRANSPOSED, "A.reshape(B, C)", "A.reshape(C, B).T"),
    Rule(C.TRANSPOSED, "A", "A.transpose(<order>)", "the axes of {old} must be in another order: {new}"),
    Rule(C.TRANSPOSED, "A.transpose(*B)", "A.transpose(<order>)"),
    Rule(C.TRANSPOSED, "A.transpose(*B)", "A"),
    Rule(C.TRANSPOSED, "A.swapaxes(*B)", "A"),
    Rule(C.FLIPPED, "A", "A[::-1, ::-1]", "{old} must be turned round: {new}"),
    Rule(C.FLIPPED, "A[::-1, ::-1]", "A", "{old} must not be turned round"),
    Rule(C.ORDER, "A[::-1]", "A"),
    Rule(C.ORDER, "A", "A[::-1]"),
    Rule(C.ORDER, "A[:, ::-1]", "A"),
    Rule(C.ORDER, "A", "A[:, ::-1]"),
    Rule(C.ORDER, "A[..., ::-1]", "A"),
    Rule(C.FLIPPED, "A[:, :, ::-1, ::-1]", "A"),
    Rule(C.FLIPPED, "A", "A[:, :, ::-1, ::-1]"),
)
VARIABLES = (
    Rule(C.VARIABLE, "V", "<same>"),
    Rule(C.VARIABLE, "V * V", "<same> * <same>"),
)
ACTIVATIONS = (
    Rule(C.ACTIVATION, "1 - A", "1 - A * A"),
    Rule(C.ACTIVATION, "1 - A", "A * (1 - A)"),
    Rule(C.ACTIVATION, "1 - A * A", "A * (1 - A)"),
    Rule(C.ACTIVATION, "1 - A ** 2", "A * (1 - A)"),
    Rule(C.ACTIVATION, "A * (1 - A)", "1 - A * A"),
    Rule(C.ACTIVATION, "B * A * (1 - A)", "B * (1 - A * A)"),
    Rule(C.ACTIVATION, "1 - A * A", "1 - A"),
    Rule(C.ACTIVATION, "1 + A", "1 - A"),
    Rule(C.ACTIVATION, "A * A", "A"),
    Rule(
        C.TERM_MISSING,
        "A * B * (1 - B)",
        "B * (A - (A * B).sum(axis=-1, keepdims=True))",
        "this is only the diagonal of the softmax's derivative: every output depends on every input",
    ),
    Rule(
        C.TERM_MISSING,
        "B * (1 - B) * A",
        "B * (A - (A * B).sum(axis=-1, keepdims=True))",
        "this is only the diagonal of the softmax's derivative: every output depends on every input",
    ),
    Rule(
        C.TERM_MISSING,
        "A * (B * (1 - B))",
        "B * (A - (A * B).sum(axis=-1, keepdims=True))",
        "this is only the diagonal of the softmax's derivative: every output depends on every input",
    ),
    Rule(
        C.TERM_MISSING,
        "A * B",
        "A * (B - (A * B).sum(axis=-1, keepdims=True))",
        "the sum over the outputs of the softmax is missing",
    ),
    Rule(
        C.TERM_MISSING,
        "A * B",
        "B * (A - (A * B).sum(axis=-1, keepdims=True))",
        "the sum over the outputs of the softmax is missing",
    ),
    Rule(C.VARIABLE, "1 - A", "A"),
    Rule(C.VARIABLE, "V", "(1 - V)"),
    Rule(C.PRE_ACTIVATION, "V", "np.tanh(V)"),
    Rule(C.PRE_ACTIVATION, "V", "(1 / (1 + np.exp(-V)))"),
    Rule(C.PRE_ACTIVATION, "V", "np.exp(V)"),
    Rule(C.PRE_ACTIVATION, "np.tanh(A)", "A"),
    Rule(C.PRE_ACTIVATION, "F(A)", "A", "{old} stands where {new} belongs: the function is applied once too often"),
)
NUMBERS = (
    Rule(C.CONSTANT, "K * A", "A", "the factor {K} does not belong here"),
    Rule(C.CONSTANT, "A * K", "A", "the factor {K} does not belong here"),
    Rule(C.CONSTANT, "A / K", "A", "the division by {K} does not belong here"),
    Rule(C.CONSTANT, "K", "<number+>"),
    Rule(C.CONSTANT, "-K", "<number+>"),
    Rule(C.CONSTANT, "A / N", "A", "the division by {N} does not belong here"),
    Rule(C.CONSTANT, "A * N", "A", "the factor {N} does not belong here"),
    Rule(C.CONSTANT, "N * A", "A", "the factor {N} does not belong here"),
    Rule(C.CONSTANT, "N", "<number>"),
    Rule(C.CONSTANT, "A.mean(*B)", "A.sum(*B)"),
    Rule(C.CONSTANT, "A.sum(*B)", "A.mean(*B)"),
    Rule(C.CONSTANT, "np.mean(*B)", "np.sum(*B)"),
    Rule(C.CONSTANT, "np.sum(*B)", "np.mean(*B)"),
)
FACTORS = (
    Rule(C.FACTOR_EXTRA, "A * B", "A", "the factor {B} does not belong here"),
    Rule(C.FACTOR_EXTRA, "A * B", "B", "the factor {A} does not belong here"),
    Rule(C.FACTOR_EXTRA, "A / B", "A", "the division by {B} does not belong here"),
    Rule(C.FACTOR_EXTRA, "A ** K", "A", "the power in {old} does not belong here"),
    Rule(C.FACTOR_EXTRA, "A * B * D", "A * B", "the factor {D} does not belong here"),
    Rule(C.FACTOR_EXTRA, "A @ B", "A", "the product with {B} does not belong here"),
)
TERMS = (
    Rule(C.TERM_EXTRA, "A + B", "A", "the term {B} does not belong here"),
    Rule(C.TERM_EXTRA, "A + B", "B", "the term {A} does not belong here"),
    Rule(C.TERM_EXTRA, "A - B", "A", "the term {B} does not belong here"),
    Rule(C.TERM_EXTRA, "A - B", "-B", "the term {A} does not belong here"),
)
OPERATIONS = (
    Rule(C.OPERATION, "A * B", "A / B"),
    Rule(C.OPERATION, "A / B", "A * B"),
    Rule(C.OPERATION, "A * B", "A @ B"),
    Rule(C.OPERATION, "A @ B", "A * B"),
    Rule(C.OPERATION, "np.dot(A, B)", "A * B"),
    Rule(C.OPERATION, "A ** 2", "A ** 3"),
    Rule(C.OPERATION, "A ** 3", "A ** 2"),
    Rule(C.OPERATION, "A", "A ** 2"),
    Rule(C.OPERATION, "A", "np.sqrt(A)"),
    Rule(C.OPERATION, "np.sqrt(A)", "A"),
    Rule(C.OPERATION, "A * B - D", "A * (B - D)"),
    Rule(C.OPERATION, "A * B + D", "A * (B + D)"),
    Rule(C.OPERATION, "A * (B - D)", "A * B - D"),
    Rule(C.OPERATION, "A * (B + D)", "A * B + D"),
    Rule(C.OPERATION, "A + B * D", "(A + B) * D"),
    Rule(C.OPERATION, "A - B * D", "(A - B) * D"),
    Rule(C.OPERATION, "(A + B) * D", "A + B * D"),
    Rule(C.OPERATION, "(A - B) * D", "A - B * D"),
    Rule(C.OPERATION, "(A + B) @ D", "A + B @ D"),
    Rule(C.OPERATION, "A + B @ D", "(A + B) @ D"),
    Rule(C.OPERATION, "A / B * D", "A / (B * D)"),
    Rule(C.OPERATION, "A / (B * D)", "A / B * D"),
    Rule(C.OPERATION, "A / B / D", "A / B * D"),
    Rule(C.OPERATION, "A - B / D", "(A - B) / D"),
    Rule(C.OPERATION, "(A - B) / D", "A - B / D"),
    Rule(C.OPERATION, "(A * B) @ D", "(A @ D) * B"),
    Rule(C.OPERATION, "(A * B) @ D", "(B @ D) * A"),
    Rule(C.OPERATION, "(A * B).T @ D", "B.T @ (A * D)"),
    Rule(C.OPERATION, "(A * B).T @ D", "A.T @ (B * D)"),
    Rule(C.OPERATION, "A.T @ (B * D)", "(A * B).T @ D"),
    Rule(C.OPERATION, "np.maximum(A, B)", "np.minimum(A, B)"),
    Rule(C.OPERATION, "np.minimum(A, B)", "np.maximum(A, B)"),
    Rule(C.OPERATION, "A.max(*B)", "A.sum(*B)"),
    Rule(C.OPERATION, "A.argmax(*B)", "A.argmin(*B)"),
    Rule(C.OPERATION, "A.argmin(*B)", "A.argmax(*B)"),
    Rule(C.OPERATION, "F(A)", "A", "{old} stands where {new} belongs"),
    Rule(C.OPERATION, "np.clip(A, B, D)", "A", "clipping changes the gradient: it does not belong here"),
    Rule(C.CALL, "F(*A)", "<call>"),
    Rule(C.CALL, "F(A, B)", "F(B, A)", "the arguments of {old} are exchanged"),
    Rule(C.CALL, "F(A, B, D)", "F(B, A, D)", "the arguments of {old} are exchanged"),
    Rule(C.CALL, "F(A, B, D)", "F(A, D, B)", "the arguments of {old} are exchanged"),
    Rule(C.CALL, "F(A, B, D)", "F(D, B, A)", "the arguments of {old} are exchanged"),
)
MASKS = (
    Rule(C.MASK, "A > B", "A < B"),
    Rule(C.MASK, "A < B", "A > B"),
    Rule(C.MASK, "A > B", "A >= B"),
    Rule(C.MASK, "A >= B", "A > B"),
    Rule(C.MASK, "A < B", "A <= B"),
    Rule(C.MASK, "A <= B", "A < B"),
    Rule(C.MASK, "A <= B", "A > B"),
    Rule(C.MASK, "A >= B", "A < B"),
    Rule(C.MASK, "A == B", "A != B"),
    Rule(C.MASK, "A != B", "A == B"),
    Rule(C.MASK, "V > B", "<same> > B"),
    Rule(C.MASK, "V < B", "<same> < B"),
    Rule(C.MASK, "V >= B", "<same> >= B"),
    Rule(C.MASK, "V <= B", "<same> <= B"),
    Rule(C.MASK, "~A", "A", "the mask {A} must not be turned round"),
    Rule(C.MASK, "V", "~V", "the mask {old} must be turned round"),
    Rule(C.MASK, "np.where(A, B, D)", "np.where(A, D, B)", "the two cases of np.where are exchanged"),
    Rule(C.MASK, "np.where(A, B, D)", "B"),
    Rule(C.MASK, "np.where(A, B, D)", "D"),
    Rule(C.FACTOR_MISSING, "A > 0", "A", "{old} is 0 or 1, where the numbers of {A} themselves belong"),
    Rule(C.MASK, "np.logical_not(A)", "A"),
)
AXES = (
    Rule(C.AXES, "A.sum(*B)", "A.sum(axis=<axes>)"),
    Rule(C.AXES, "A.sum(*B)", "A.sum(axis=<axes>, keepdims=True)"),
    Rule(C.AXES, "np.sum(A, *B)", "np.sum(A, axis=<axes>)"),
    Rule(C.AXES, "np.sum(A, *B)", "np.sum(A, axis=<axes>, keepdims=True)"),
    Rule(C.AXES, "A.mean(*B)", "A.mean(axis=<axes>)"),
    Rule(C.AXES, "A.mean(*B)", "A.mean(axis=<axes>, keepdims=True)"),
    Rule(C.AXES, "np.mean(A, *B)", "np.mean(A, axis=<axes>)"),
    Rule(C.AXES, "np.mean(A, *B)", "np.mean(A, axis=<axes>, keepdims=True)"),
    Rule(C.AXES, "A", "A.sum(axis=<axes>)", "{old} was broadcast in the forward: it must be summed, {new}"),
    Rule(
        C.AXES, "A", "A.sum(axis=<axes>, keepdims=True)", "{old} was broadcast in the forward: it must be summed, {new}"
    ),
    Rule(C.AXES, "A[K]", "A.sum(axis=<axes>)"),
    Rule(C.AXES, "A.sum(*B)", "A", "the sum in {old} does not belong here"),
    Rule(C.AXES, "np.sum(A, *B)", "A", "the sum in {old} does not belong here"),
    Rule(C.AXES, "A.cumsum(*B)", "A.cumsum(axis=<axes>)"),
    Rule(C.AXES, "np.cumsum(A, *B)", "np.cumsum(A, axis=<axes>)"),
    Rule(C.AXES, "np.einsum(S, *B)", "np.einsum(<letters>, *B)"),
    Rule(C.AXES, "A.reshape(*B)", "A.transpose(<order>).reshape(*B)", "the axes must be exchanged before {old}"),
    Rule(C.TRANSPOSED, "A.reshape(*B)", "A.transpose(<order>)", "{old} mixes the axes up: {new}"),
    Rule(C.AXES, "A.reshape(*B)", "<reshaped>", "{old} mixes the axes up: {new}"),
    Rule(C.AXES, "A[:, None]", "A[None, :]"),
    Rule(C.AXES, "A[None, :]", "A[:, None]"),
    Rule(C.AXES, "V", "V[:, None]"),
)
INDICES = (
    Rule(C.STEP, "N", "N - 1", where="index"),
    Rule(C.STEP, "N", "N + 1", where="index"),
    Rule(C.STEP, "A - 1", "A", where="index"),
    Rule(C.STEP, "A + 1", "A", where="index"),
    Rule(C.STEP, "A - 1", "A + 1", where="index"),
    Rule(C.STEP, "A + 1", "A - 1", where="index"),
    Rule(C.INDEX, "N", "<int>", where="index"),
    Rule(C.INDEX, "K", "<int>", where="index"),
    Rule(C.INDEX, "K", "<number+>", where="index"),
    Rule(C.FLIPPED, "A - 1 - N", "N", where="index"),
    Rule(C.INDEX, "-K", "K", where="index"),
    Rule(C.INDEX, "-K", "0", where="index"),
    Rule(C.INDEX, "K", "0", where="index"),
    Rule(C.INDEX, ":, A", "<rows>", where="index"),
    Rule(C.STRIDE, "N", "N * <int>", where="index"),
    Rule(C.STRIDE, "N * A", "N", where="index"),
    Rule(C.INDEX, "V", "<indices>", where="index"),
    Rule(C.INDEX, ":", "<indices>", where="index"),
    Rule(C.INDEX, "A", ":", where="index"),
    Rule(C.INDEX, "slice", "<slice>", where="index"),
    Rule(C.INDEX, "A % B", "A // B", where="index"),
    Rule(C.INDEX, "A // B", "A % B", where="index"),
    Rule(C.INDEX, "A, B", "B, A", where="index"),
    Rule(C.INDEX, "A, B, D", "B, A, D", where="index"),
    Rule(C.INDEX, "A, B, D", "A, D, B", where="index"),
    Rule(C.INDEX, "S", "<key>", where="index"),
    Rule(C.INDEX, "A[B]", "A"),
    Rule(C.INDEX, "N - 1", "N", where="number"),
    Rule(C.INDEX, "N + 1", "N", where="number"),
    Rule(C.INDEX, "N", "N - 1", where="number"),
    Rule(C.INDEX, "N", "N + 1", where="number"),
    Rule(C.INDEX, "K", "<number+>", where="number"),
    Rule(C.INDEX, "N", "<int>", where="number"),
    Rule(C.INDEX, "K", "<int>", where="number"),
    Rule(C.ORDER, "reversed(A)", "A", "the loop runs in the wrong order", where="number"),
    Rule(C.ORDER, "range(A)", "reversed(range(A))", "the loop runs in the wrong order", where="number"),
    Rule(C.ORDER, "range(A, B)", "reversed(range(A, B))", "the loop runs in the wrong order", where="number"),
    Rule(C.ORDER, "range(A - 1, -1, -1)", "range(A)", "the loop runs in the wrong order", where="number"),
    Rule(C.INDEX, "range(A, B)", "range(B)", where="number"),
    Rule(C.INDEX, "range(A)", "range(1, A)", where="number"),
)
PUT_IN = (
    Rule(C.ACTIVATION_MISSING, "A", "A * <slope>", "the derivative of the activation is missing: {new}", tier=1),
    Rule(C.FACTOR_MISSING, "A", "A * <factor>", "the factor {choice} is missing", tier=1),
    Rule(C.MASK, "A", "A * <mask>", "the mask {choice} is missing", tier=1),
    Rule(C.FACTOR_MISSING, "A", "A / <factor>", "the division by {choice} is missing", tier=1),
    Rule(C.CONSTANT, "A", "A * <number>", "the factor {choice} is missing", tier=1),
    Rule(C.CONSTANT, "A", "A / <number>", "the division by {choice} is missing", tier=1),
    Rule(C.ACTIVATION, "A * B", "A * <slope>", "{B} stands where {choice} belongs", tier=1),
    Rule(C.ACTIVATION, "A * B * D", "A * <slope>", "{B} * {D} stands where {choice} belongs", tier=1),
    Rule(C.VARIABLE, "A * B", "A * <factor>", "the factor {B} stands where {choice} belongs", tier=1),
    Rule(C.VARIABLE, "B * A", "<factor> * A", "the factor {B} stands where {choice} belongs", tier=1),
    Rule(C.VARIABLE, "K", "<array>", tier=1),
    Rule(C.INDEX, "I", "I + <int>", "{old} counts from the start of a part: {new}", tier=1),
    Rule(C.VARIABLE, "A / B", "A * <factor>", "the division by {B} stands where the factor {choice} belongs", tier=1),
    Rule(C.MASK, "A / B", "A * <mask>", "the division by {B} stands where the mask {choice} belongs", tier=1),
    Rule(C.MASK, "A * B", "A * <mask>", "the factor {B} stands where the mask {choice} belongs", tier=1),
    Rule(C.TERM_MISSING, "A", "A + <term>", "the term {choice} is missing", tier=2),
    Rule(C.TERM_MISSING, "A", "A - <term>", "the term -{choice} is missing", tier=2),
)
RULES = (
    *SIGNS, *FACTORS, *TERMS, *VARIABLES, *NUMBERS, *AXES, *TURNS, *ACTIVATIONS, *OPERATIONS, *MASKS, *INDICES, *PUT_IN,
)  # fmt: skip
