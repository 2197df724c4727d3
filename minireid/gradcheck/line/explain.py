"""From a wrong backward to findings: which line, which values, why, and the line as it should be."""

import ast
import contextlib
import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.effects import effects
from minireid.gradcheck.cause.scope import show
from minireid.gradcheck.finding import Explanation, Finding, Line
from minireid.gradcheck.line.absent import absent, shown
from minireid.gradcheck.line.bench import Change, replaced
from minireid.gradcheck.line.follow import following
from minireid.gradcheck.line.judge import Fault, Judge
from minireid.gradcheck.line.keeping import forward_mend
from minireid.gradcheck.line.kept import wrongly_kept
from minireid.gradcheck.line.mend import Mend
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.program import Program
from minireid.gradcheck.line.readers import claim_by_readers
from minireid.gradcheck.line.search import mends_of, mends_of_exception
from minireid.gradcheck.line.suspects import family_of, root_of, suspects_of, unused
from minireid.gradcheck.line.trace import Event, Tracer
from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.line.unset import never_set
from minireid.gradcheck.line.whole import Whole
from minireid.gradcheck.tensor.problem import Problem

MOST = 4  # findings
SECONDS = 5.0  # of processor time for the first reading, after which no further search is begun; then as much again
LONGER = 8  # characters: another explanation whose change is that much longer is not told


Proof = Callable[[Callable[..., Any]], bool]


def explain(
    problem: Problem, proofs: Callable[[], list[Proof]], notes: list[str], whole: Problem | None = None
) -> list[Finding] | None:
    """What is wrong, in the order of execution; None if the source of the backward cannot be followed.

    Where nothing that was found makes everything right, false names are believed, and all is tried once more.

    proofs: gives functions that tell whether a changed backward is right, each on another draw. notes: gets a sentence
    if the search was stopped. whole: the person's own
    problem, where it is large, and this one perhaps a smaller one: the values of a line are measured there.
    """
    tracer = Tracer()

    def once() -> Any:
        return problem.backwards(problem.backward)

    with following(tracer, once) as program:
        tracer.program = program
        if not program.statements:
            return None
        judge = Judge(problem, tracer, Truth(problem, tracer))
        judge.settle()
        claim_by_readers(judge, program)
        larger = Whole(whole, tracer) if whole else None
        first = Explainer(judge, program, proofs, larger)
        found = first.findings()
        if first.settled or all(f.causes for f in found):
            return found
        late, believed = not first.in_time(), believe(judge)
        if claim_by_readers(judge, program, bold=True) or believed:
            second = Explainer(judge, program, proofs, larger)
            other = second.findings()
            if second.settled:
                return other
        if late:
            notes.append(f"the search for the cause was stopped after {SECONDS:g} s of processor time")
        return found


def believe(judge: Judge) -> bool:
    """Believe values that have exactly the name of what they should be, although that explains nothing by itself.

    With two wrong lines in a row, a right value before the second one makes no later value right.
    """
    open_ = judge.ignored - judge.sites_of_the_loss()
    sites = {e.site.number for e in judge.plain.events if e.site.number in open_ and e.norm > 0
             and judge.recognise(e) is None and judge.claims.by_own_name(e)}  # fmt: skip
    judge.ignored -= sites
    judge.believed |= sites
    if sites:
        judge.settle()
    return bool(sites)


def place(finding: Finding) -> tuple[str, int]:
    return (finding.line.function, finding.line.number) if finding.line else ("", 0)


class With(ast.NodeTransformer):
    """Puts an expression in the place of a name."""

    def __init__(self, name: str, value: ast.expr) -> None:
        self.name, self.value = name, value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.value if node.id == self.name else node


class Explainer:
    """Turns the faults of one run into findings."""

    def __init__(
        self, judge: Judge, program: Program, proofs: Callable[[], list[Proof]], whole: Whole | None = None
    ) -> None:
        self.judge, self.program, self.proofs, self.whole = judge, program, proofs, whole
        self.end = time.thread_time() + SECONDS
        proofs()  # made now: later a change may be in place, and where both passes are one function the loss has it too
        self.run = judge.mended()
        self.mender = Mender(judge, program, self.run, lambda backward: proofs()[0](backward))
        self.mender.end = self.end
        self.changes: list[Change] = []
        self.change_of: dict[int, Change] = {}  # by the id of the finding
        self.sure_of_cause = False  # by what is missing or kept, without a change that proves it
        self.kept: list[Finding] | None = None  # a change of what the forward keeps that makes everything right
        self.settled = False  # whether the fixes of the findings make every gradient right

    def findings(self) -> list[Finding]:
        found = self.search()
        self.settled |= bool(self.kept)
        return found

    def search(self) -> list[Finding]:
        left, found, faults = dict(self.run.faults), list[Finding](), list[Fault]()
        while left and len(found) < MOST and (not found or self.in_time()):
            fault = next(iter(left.values()))
            finding, fixed = self.finding(fault)
            if self.kept:
                return self.kept
            if finding.causes or all(place(finding) != place(other) for other in found):
                found.append(finding)
                faults.append(fault)
            for site in {fault.site, *fixed}:
                left.pop(site, None)
        for n, fault in enumerate(faults):
            if self.changes and not found[n].causes and self.in_time():
                found[n] = self.finding(fault)[0]  # once more, with the others mended
        if not found and self.judge.plain.error is not None:
            return self.raised()
        for proved in (self.where_it_is_made(found, faults), self.proved(found)):
            if proved:
                self.settled = True
                return proved
        if self.sure_of_cause or not self.in_time():
            return found
        return self.in_the_forward((-1, 0, 1), 2.0) or found

    def in_time(self) -> bool:
        return time.thread_time() < self.end

    def where_it_is_made(self, found: list[Finding], faults: list[Fault]) -> list[Finding]:
        """One finding in place of several that change one name in the same way: the change of what the name is given.

        Where the line of an activation is left out, W and b are wrong, but the mistake is in what both read.
        """
        changes = [self.change_of.get(id(finding)) for finding in found]
        change = changes[0] if len(found) > 1 else None
        if change is None or not isinstance(change.old, ast.Name) or not isinstance(change.new, ast.expr):
            return []
        if any(c is None or not same_change(c, change) for c in changes):
            return []
        assigning = [s for s in self.program.statements if isinstance(s.node, ast.Assign)
                     and s.function is change.statement.function]  # fmt: skip
        made = [s for s in assigning if [show(t) for t in s.node.targets] == [change.old.id]]  # type: ignore[attr-defined]
        if len(made) != 1:
            return []
        value = made[0].node.value  # type: ignore[attr-defined]
        new = With(change.old.id, value).visit(copy.deepcopy(change.new))
        if not self.proves([Change(made[0], value, new)]):
            return []
        (first, *_), line = found[0].causes, self.line(faults[0], made[0].line, made[0].function.name)
        line = replace(line, before=tuple(name for name in line.before if name != change.old.id))
        return [Finding(line, [replace(first, fix=show(replaced(made[0].node, value, new)))])]

    def raised(self) -> list[Finding]:
        """The backward raised an exception: the line, and a change with which every gradient is right."""
        if not self.run.statements:
            return []
        statement = self.program.statements[self.run.statements[-1]]
        function = statement.function.name
        mends = [m for m in mends_of_exception(self.mender)[:6] if self.proves([m.change])]
        number = mends[0].line if mends else statement.line
        function = mends[0].statement.function.name if mends else function
        line = Line(function, number, self.text(number, function))
        return [Finding(line, [Explanation(m.cause, m.text, m.after()) for m in mends[:1]])]

    def finding(self, fault: Fault) -> tuple[Finding, frozenset[int]]:
        """The finding on a fault, and the sites of the faults that its mend makes right too."""
        born = next((e for e in self.run.events if e.object is fault.first.object), fault.first)
        if np.asarray(fault.first.object).dtype.kind in "iu":
            text = (
                f"{shown(born)} is an array of whole numbers: everything after the point is cut off; make it of floats"
            )
            self.sure_of_cause = True
            return Finding(self.line(fault, born.line), [Explanation(Cause.INTEGERS, text)]), self.same_family(fault)
        unset = never_set(self.mender, fault)
        mends = [unset] if unset is not None else mends_of(self.mender, fault)
        best = self.sure(mends, len(self.run.faults))
        lacks = None
        if (best is None or best.tier > 0) and self.kept is None:
            self.kept = self.in_the_forward((-1,), 1.0)
        kept = wrongly_kept(self.mender, fault) if best is None or best.tier > 0 else None
        if kept is not None and (kept.sure or best is None):
            line = self.line(fault, kept.line, kept.function)
            self.sure_of_cause = True
            return Finding(line, [Explanation(kept.cause, kept.text)]), self.same_family(fault)
        if best is None or best.tier == 2:
            lacks = absent(self.judge, self.run, self.mender.parts[fault.site][0], "")
        if best is None:
            self.sure_of_cause |= lacks is not None
            causes = [Explanation(lacks.cause, lacks.text)] if lacks else self.effects(fault)
            if lacks is None and (root := root_of(self.mender, fault)) is not None:
                line = self.line(fault, root.line, root.function.name)
                return Finding(line, unused(root)), self.same_family(fault)
            return Finding(self.line(fault, lacks.near if lacks else 0), causes), self.same_family(fault)
        cause, text = (lacks.cause, lacks.text) if lacks else (best.cause, best.text)
        if lacks:
            text = f"{text}; {best.text}"
        self.changes.append(best.change)
        self.mender.bench.mended = [*self.changes]
        finding = Finding(
            self.line(fault, best.line, best.statement.function.name), [Explanation(cause, text, best.after())]
        )
        others = [Explanation(m.cause, m.text, m.after()) for m in mends[:6] if m is not best and m.cause is not cause
                  and m.fixed == best.fixed and m.tier == best.tier and m.size <= best.size + LONGER
                  and self.proves([m.change])]  # fmt: skip
        self.change_of[id(finding)] = best.change
        finding.causes += list({o.cause: o for o in reversed(others)}.values())[::-1][:2]
        return finding, best.fixed

    def same_family(self, fault: Fault) -> frozenset[int]:
        """The faults that are made of the same unknown value: they are not told as mistakes of their own."""
        return frozenset(f.site for f in family_of(self.mender, fault, suspects_of(self.mender, fault)))

    def sure(self, mends: list[Mend], count: int) -> Mend | None:
        """The best mend; where it mends everything, the best one that is right on other draws too."""
        for mend in mends[:12]:
            if len(mend.fixed) < count:
                return mend
            if self.proves([mend.change]):
                return mend
        return None

    def proves(self, changes: list[Change]) -> bool:
        return self.mender.holds(changes, lambda backward: all(proof(backward) for proof in self.proofs()))

    def proved(self, found: list[Finding]) -> list[Finding]:
        """The findings, if their fixes together make every gradient right; else none, and the fixes are taken out."""
        fixes = [f for f in found if f.causes and f.causes[0].fix]
        if found and len(fixes) == len(found) and self.proves(self.changes):
            return found
        so_far: list[Change] = []
        for finding in found:
            if finding.causes and finding.causes[0].fix:
                change = self.change_of[id(finding)]
                if self.helps(so_far, change):
                    so_far.append(change)
                else:
                    finding.causes = []  # it fits one value by accident: what is not certain is not said
        return []

    def helps(self, so_far: list[Change], change: Change) -> bool:
        """Whether a change makes a wrong gradient right, and no right one wrong, after those before it."""
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(None):
                with self.mender.bench.applied(so_far):
                    before = self.wrong_gradients()
                with self.mender.bench.applied([*so_far, change]):
                    return self.wrong_gradients() < before
        except Exception:  # a changed program may fail in any way
            return False

    def wrong_gradients(self) -> set[str]:
        problem, truth = self.judge.problem, self.judge.truth
        returned = dict(leaves(problem.gradients()))
        wrong = set()
        for name, event in truth.inputs.items():
            a = np.asarray(returned.get(name))
            right = a.shape == event.shape and truth.is_by(truth.tracer.print_of(a), float(np.linalg.norm(a)), event)
            if not right:
                wrong.add(name)
        return wrong

    def in_the_forward(self, tiers: tuple[int, ...], seconds: float) -> list[Finding]:
        """A change of what the forward keeps that makes every gradient right."""
        faults = list(self.run.faults.values())
        if not any(self.mender.reads_cache(fault) for fault in faults):
            return []
        mend = forward_mend(self.mender, tiers, seconds)
        if mend is None or not self.proves([mend.change]):
            return []
        line = self.line(faults[0], mend.line, mend.statement.function.name)
        return [Finding(line, [Explanation(mend.cause, mend.text, mend.after())])]

    def effects(self, fault: Fault) -> list[Explanation]:
        """What the computed and the true values show, where no change was found."""
        event, claim = self.mender.parts[fault.site][0].final or fault.events[0]
        if (
            event.value is None
            or claim.value is None
            or claim.value.size > self.judge.largest
            or event.shape != claim.shape
        ):
            return []
        found = effects(event.value, self.judge.wanted(event, claim), self.sizes(), {})
        if self.whole is not None:  # a factor without a name may be another one on the person's own arrays
            found = [e for e in found if e.cause is not Cause.FACTOR_MISSING]
        return found[:2]

    def measured(self, event: Event, claim: Event) -> bool:
        """Whether the true value is known entry by entry, and can be compared."""
        if event.value is None or claim.value is None or event.shape != claim.shape:
            return False
        return claim.value.size <= self.judge.largest

    def sizes(self) -> dict[str, int]:
        named: dict[int, str] = {}
        for event in self.judge.truth.events:
            if event.kind == "argument" and event.frame.number == 1:
                for axis, size in enumerate(event.shape):
                    length = f"{size} (axis {axis} of {event.name})" if self.whole is None else ""
                    named.setdefault(size, length or f"the length of axis {axis} of {event.name}")
        return {text: size for size, text in named.items()}

    # The line

    def line(self, fault: Fault, number: int = 0, function: str = "") -> Line:
        parts = self.mender.parts[fault.site][0]
        event, claim = parts.final or fault.events[0]
        at = self.mender.pieces.place(parts.blamed or event)
        statement = at[1] if at else None
        line = number or (statement.line if statement and event.kind not in ("item", "return") else event.line)
        own = function or (statement.function.name if statement else event.site.function)
        text = self.text(line, own)
        found = Line(own, line, text, variable=shown(event), before=tuple(self.right_before(fault)))
        rounds = ", ".join(f"{k} = {v}" for k, v in event.loops.items() if " " not in k)
        if rounds:
            found = replace(found, where=f"at {rounds}")
        if self.whole is not None:
            first = next(iter(self.run.faults)) == fault.site and self.judge.wanted_factor(event) == 1
            return replace(found, **self.whole.worst(event, claim)) if first else found
        if not self.measured(event, claim):
            return found
        true, computed = self.judge.wanted(event, claim), np.asarray(event.value)
        off = np.abs(computed - true)
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.nan_to_num(off, nan=np.inf)), off.shape))
        count = int((~(off <= 1e-7 * max(np.abs(true).max(), 1e-300))).sum())
        return replace(found, index=worst, computed=float(computed[worst]), true=float(true[worst]),
                       wrong=f"{count} of {off.size} entries wrong")  # fmt: skip

    def text(self, line: int, function: str) -> str:
        for statement in self.program.statements:
            node = statement.function
            if node.name == function and node.lineno <= line <= (node.end_lineno or line):
                return self.program.text(statement, line)
        return ""

    def right_before(self, fault: Fault) -> list[str]:
        """Names of gradients before the fault that are right."""
        found: dict[str, None] = {}
        for event in self.run.events:
            if event.number >= fault.first.number:
                break
            key = (event.number, event.leaf)
            if event.kind in ("assign", "add", "argument") and key not in self.judge.constant and self.right(event):
                found[event.name] = None
        return list(found)

    def right(self, event: Event) -> bool:
        key = (event.number, event.leaf)
        if event.site.number in self.run.faults or event.site.number in self.judge.ignored:
            return False
        if event.kind == "argument" and event.frame.number == self.judge.claims.top:
            return True
        return bool(self.judge.claimed.get(key)) and key in self.judge.final


def same_change(one: Change, other: Change) -> bool:
    alike = one.statement.function is other.statement.function and isinstance(one.new, ast.expr)
    return alike and show(one.old) == show(other.old) and show(one.new) == show(other.new)
