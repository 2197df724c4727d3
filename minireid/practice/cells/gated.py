"""A gated cell of one's own: how the state is updated, which gates there are, what each sees, how each is bent.

`draw` chooses a plan; `build` makes the equations of it. The state stays bounded by construction:
    (1 - z) h' + z g      lies between the old state and the candidate, which is squashed
    squash(f h' + i g)    is squashed
    f c' + i g            f is bounded below 1 for bounded inputs, as it does not see the cell
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from minireid.practice.cells.activations import GATES, NUMBERS, SHOWN, SQUASHES, with_number
from minireid.practice.cells.definition import Definition, Equation, with_functions
from minireid.practice.cells.expression import Expression, summed, uses
from minireid.practice.cells.identity import Choices


class Sees(NamedTuple):
    """What goes into an activation. x: times a matrix, or not. h: "matrix", "vector" (entry by entry) or "" (not).
    gain: the part of h multiplies that of x, in place of being added. cell: a peephole."""

    x: bool
    h: str
    gain: bool
    cell: bool = False


class Plan(NamedTuple):
    """update: a key of UPDATES. shown: how a cell state is shown, or "". reset: "", "before" or "after" the product.
    gates: what each gate sees. candidate: what the candidate sees. shared: one matrix U for all gates that have one."""

    update: str
    shown: str
    reset: str
    gates: dict[str, Sees]
    candidate: Sees
    shared: bool


LEAKY: Expression = ("+", ("*", ("-", 1, "z"), "h_prev"), ("*", "z", "g"))
KEEPING: Expression = ("+", ("*", "z", "h_prev"), ("*", ("-", 1, "z"), "g"))
FADED: Expression = ("+", ("*", ("-", 1, "z"), ("*", "f", "h_prev")), ("*", "z", "g"))
TWICE: Expression = ("+", ("*", ("-", 1, "m"), "h_prev"), ("*", "m", "g"))
SUM: Expression = ("+", ("*", "f", "h_prev"), ("*", "i", "g"))
CELL_LEAKY: Expression = ("+", ("*", ("-", 1, "i"), "c_prev"), ("*", "i", "g"))
CELL_KEEPING: Expression = ("+", ("*", "f", "c_prev"), ("*", ("-", 1, "f"), "g"))
CELL_SUM: Expression = ("+", ("*", "f", "c_prev"), ("*", "i", "g"))

# the gates, and the new state or the new cell
UPDATES: dict[str, tuple[str, Expression]] = {
    "leaky": ("z", LEAKY),
    "keeping": ("z", KEEPING),
    "faded": ("zf", FADED),
    "twice": ("zk", TWICE),
    "sum": ("fi", SUM),
    "cell leaky": ("i", CELL_LEAKY),
    "cell keeping": ("f", CELL_KEEPING),
    "cell sum": ("fi", CELL_SUM),
}
NOTES = {
    "z": "update gate", "k": "second update gate", "f": "forget gate", "i": "input gate", "o": "output gate",
    "r": "reset gate", "g": "candidate", "c": "cell", "h": "state",
}  # fmt: skip
SKELETONS = [
    (update, shown, reset)
    for update, (gates, _) in UPDATES.items()
    for shown in (("plain", "gated", "leaky") if update.startswith("cell") else ("",))
    for reset in ("", "before", "after")
    if len(gates) + (shown in ("gated", "leaky")) + bool(reset) <= 3
]
INPUTS = [
    Sees(True, "matrix", False), Sees(True, "matrix", True), Sees(True, "vector", False), Sees(True, "vector", True),
    Sees(True, "", False), Sees(False, "matrix", False), Sees(False, "vector", False),
]  # fmt: skip
CANDIDATE = [sees for sees in INPUTS if sees.x and sees.h]
FULL = Sees(True, "matrix", False)
LEAST, MOST = 19, 33  # uses of names: each is a term of the backward, so all students have about the same work


def draw(student: str, course: str) -> Definition:
    """The cell of this student. Both words are tidied before (identity.tidy)."""
    attempt = 0
    while True:
        choices = Choices("gated cell, edition 1", course, student, str(attempt))
        plan = draw_plan(choices)
        if sensible(plan):
            return build(plan, choices)
        attempt += 1


def draw_plan(choices: Choices) -> Plan:
    update, shown, reset = choices.pick(SKELETONS)
    cell = update.startswith("cell")

    def sees(options: list[Sees], peephole: bool) -> Sees:
        chosen = choices.pick(options)
        return chosen._replace(cell=peephole and choices.pick((False, True)))

    gates = {name: sees(INPUTS, peephole(update, name)) for name in gate_names(update, shown, reset)}
    return Plan(update, shown, reset, gates, sees(CANDIDATE, cell), choices.pick((False, True)))


def peephole(update: str, gate: str) -> bool:
    """Whether a gate may see the cell. Where f c' is not balanced by 1 - f, f may not: it could hold itself open."""
    return update.startswith("cell") and not (update == "cell sum" and gate == "f")


def gate_names(update: str, shown: str, reset: str) -> list[str]:
    return [*("r" if reset else ""), *UPDATES[update][0], *("o" if shown in ("gated", "leaky") else "")]


def sensible(plan: Plan) -> bool:
    """Whether some gate sees x, some gate the state; the work is usual; and no page of minireid has this form."""
    gates = plan.gates.values()
    matrices = sum(gate.h == "matrix" for gate in gates)
    if not any(gate.x for gate in gates) or not any(gate.h for gate in gates):
        return False
    if plan.shared and matrices < 2:
        return False
    if plan.reset == "after" and (plan.candidate.h != "matrix" or plan.candidate.gain):
        return False
    if all(sees == FULL for sees in (*gates, plan.candidate)) and not plan.shared:
        return False  # GRU and LSTM
    return LEAST <= work(plan) <= MOST


def work(plan: Plan) -> int:
    """How many uses of names the equations have, each name once for each equation."""
    sees = (*plan.gates.values(), plan.candidate)
    count = sum(2 * s.x + 2 * bool(s.h) + 2 * s.cell + 1 + 1 for s in sees)  # W x, U h, v c, b, and the activation
    update = len({*uses(UPDATES[plan.update][1])})
    extra = {"twice": 2, "sum": 1}.get(plan.update, 0)
    return count + update + extra + 2 * bool(plan.reset) + {"": 0, "plain": 1, "gated": 3, "leaky": 4}[plan.shown]


def build(plan: Plan, choices: Choices) -> Definition:
    """The definition. The activations, one for each gate, are drawn here."""
    equations: list[Equation] = []
    params: dict[str, tuple[str, ...]] = {}
    cell = plan.update.startswith("cell")

    def bent(name: str, functions: dict[str, Expression], inner: str, note: str = "") -> None:
        function = with_number(choices.pick([*functions.values()]), choices.pick(NUMBERS))
        equations.append(Equation(name, with_functions(inner, function), note or NOTES.get(name, "")))

    def gate(name: str, cell_name: str) -> None:
        inner = activated(name, plan.gates[name], params, "h_prev", cell_name, "U" if plan.shared else "")
        equations.append(Equation(f"a{name}", inner))
        bent(name, GATES, f"a{name}")

    for name in plan.gates:
        if name != "o":
            gate(name, "c_prev")
    candidate(plan, equations, params)
    bent("g", SQUASHES, "ag")
    update = UPDATES[plan.update][1]
    if plan.update == "twice":
        equations.append(Equation("m", ("*", "z", "k"), "both gates together"))
    if plan.update == "sum":
        equations.append(Equation("ah", update))
        bent("h", SQUASHES, "ah")
    else:
        equations.append(Equation("c" if cell else "h", update, NOTES["c" if cell else "h"]))
    if cell:
        show(plan, equations, gate, bent)
    states = ("h", "c") if cell else ("h",)
    return Definition(
        "cell",
        title(plan),
        {"x": ("N", "D"), **{f"{state}_prev": ("N", "S") for state in states}},
        {},
        params,
        tuple(equations),
        states,
        {"N": "clips", "D": "inputs", "S": "states"},
    )


def show(plan: Plan, equations: list[Equation], gate, bent) -> None:
    """From the cell to the state."""
    if plan.shown == "plain":
        bent("h", SHOWN, "c")
        return
    gate("o", "c")
    bent("s", SQUASHES if plan.shown == "leaky" else SHOWN, "c", "the cell, squashed")
    shown: Expression = ("*", "o", "s")
    if plan.shown == "leaky":
        shown = ("+", ("*", ("-", 1, "o"), "h_prev"), shown)
    equations.append(Equation("h", shown, NOTES["h"]))


def candidate(plan: Plan, equations: list[Equation], params: dict[str, tuple[str, ...]]) -> None:
    """The equations of ag, with the reset gate where it belongs."""
    if plan.reset == "after":
        params |= {"Ug": ("S", "S")}
        equations.append(Equation("q", ("@", "h_prev", "Ug"), "the state after its product"))
        params |= {"Wg": ("D", "S")}
        terms: list[Expression] = [("@", "x", "Wg"), ("*", "r", "q")]
        if plan.candidate.cell:
            params |= {"vg": ("S",)}
            terms.append(("*", "c_prev", "vg"))
        params |= {"bg": ("S",)}
        equations.append(Equation("ag", summed([*terms, "bg"])))
        return
    if plan.reset == "before":
        equations.append(Equation("q", ("*", "r", "h_prev"), "the state that the candidate sees"))
    state = "q" if plan.reset == "before" else "h_prev"
    equations.append(Equation("ag", activated("g", plan.candidate, params, state, "c_prev", "")))


def activated(
    gate: str, sees: Sees, params: dict[str, tuple[str, ...]], state: str, cell: str, shared: str
) -> Expression:
    """x @ W + h_prev @ U + c_prev * v + b, of what it sees. Adds the parameters to `params`."""

    def parameter(letter: str, *shape: str) -> str:
        name = shared if letter == "U" and shared else letter + gate
        params[name] = shape
        return name

    terms: list[Expression] = []
    if sees.x:
        terms.append(("@", "x", parameter("W", "D", "S")))
    if sees.h:
        seen: Expression = (
            ("@", state, parameter("U", "S", "S")) if sees.h == "matrix" else ("*", state, parameter("u", "S"))
        )
        if sees.gain:
            terms[-1] = ("*", terms[-1], ("+", 1, seen))
        else:
            terms.append(seen)
    if sees.cell:
        terms.append(("*", cell, parameter("v", "S")))
    return summed([*terms, parameter("b", "S")])


def title(plan: Plan) -> str:
    """In a few words: "2 gates, a cell state, reset before the product"."""
    count = len(plan.gates)
    parts = [f"{count} gate{'s' if count > 1 else ''}"]
    parts += ["a cell state"] if plan.update.startswith("cell") else ["no cell state"]
    parts += [f"reset {plan.reset} the product"] if plan.reset else []
    parts += ["peepholes"] if any(sees.cell for sees in (*plan.gates.values(), plan.candidate)) else []
    parts += ["one matrix for several gates"] if plan.shared else []
    return ", ".join(parts)


def plans() -> Iterator[Plan]:
    """Every plan that can be drawn."""
    for update, shown, reset in SKELETONS:
        names = gate_names(update, shown, reset)
        cell = update.startswith("cell")
        options = [every(INPUTS, peephole(update, name)) for name in names]
        for gates in product(*options):
            for seen, shared in product(every(CANDIDATE, cell), (False, True)):
                plan = Plan(update, shown, reset, dict(zip(names, gates)), seen, shared)
                if sensible(plan):
                    yield plan


def every(options: list[Sees], cell: bool) -> list[Sees]:
    return [sees._replace(cell=peephole) for sees in options for peephole in ((False, True) if cell else (False,))]


def activations_of(plan: Plan) -> int:
    """In how many ways the activations of a plan can be drawn."""
    gate, squash, shown = (len(functions) * len(NUMBERS) for functions in (GATES, SQUASHES, SHOWN))
    last = {"": squash if plan.update == "sum" else 1, "plain": shown, "gated": shown, "leaky": squash}[plan.shown]
    return gate ** len(plan.gates) * squash * last
