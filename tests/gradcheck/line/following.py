"""What several tests of the lines need: a recorded run, a truth, a judge, of functions that are followed."""

import contextlib

import numpy as np

from minireid.gradcheck.diagnose import proof
from minireid.gradcheck.line.explain import explain
from minireid.gradcheck.line.follow import following
from minireid.gradcheck.line.judge import Judge
from minireid.gradcheck.line.trace import FORWARD, Tracer, run
from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes
from minireid.layers import gru


@contextlib.contextmanager
def followed(call, kinds=FORWARD):
    """The tracer, recording, while what `call` runs is followed."""
    tracer = Tracer()
    with following(tracer, call) as program:
        tracer.program = program
        tracer.start(kinds)
        yield tracer


def recorded(call, kinds=FORWARD):
    """The events of one run."""
    with followed(call) as tracer:
        return run(tracer, kinds, call)


def problem_of(page, *arrays, seed=0, **config):
    return Problem(page.forward, page.backward, arrays, config, seed).drawn()


@contextlib.contextmanager
def judged(problem):
    """A judge of the backward, while it is followed."""
    with followed(lambda: problem.backwards(problem.backward)) as tracer:
        yield Judge(problem, tracer, Truth(problem, tracer))


def wrong_lines(problem):
    """The lines of the places that are wrong themselves, in the order of execution."""
    with judged(problem) as judge:
        return [fault.first.line for fault in judge.settle().values()]


def explained(problem):
    """The findings on a backward; other draws prove them."""
    others = [problem.redrawn(problem.seed + n) for n in (1, 2)]
    return explain(problem, lambda: [proof(p, Slopes(p)) for p in (problem, *others)], [])


def step_arrays(seed=0):
    """x, h_prev and p of a step of the GRU."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 2)), rng.normal(size=(3, 4)), gru.init(rng, 2, 4, dtype=np.float64)
