"""A small backward pass to do by hand, and what a wrong answer means."""

import argparse
import re
import sys

from minireid.base.arguments import whole

KINDS = ("gru", "gru_vectors", "contrastive", "contrastive_squared", "contrastive_linear", "contrastive_crf")


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("kind", nargs="?", choices=KINDS, default="gru", help="the problem (default: gru)")
    command.add_argument("--seed", type=whole(0), default=0, help="number of the problem (default: 0)")
    command.add_argument("--ask", metavar="dX", help="the derivative to ask for: dh_prev, dUr, dx0 …")
    command.add_argument("--answer", metavar="FRACTION", help="your answer: 3/20, -2, 0.15")
    command.add_argument("--solve", action="store_true", help="print the whole solution")
    command._negative_number_matcher = re.compile(r"-[\d./]+$")  # --answer -3/20 is a number too, not an option


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 after a wrong answer, else 0."""
    from minireid.practice.pencil import doctor

    problem, ask = doctor.draw(arguments.kind, arguments.seed, arguments.ask)
    command = f"minireid paper {problem.kind} --seed {arguments.seed} --ask {ask}"
    right = True
    if arguments.answer is None:
        print(doctor.question(problem, ask))
    else:
        right, verdict = doctor.grade(problem, ask, doctor.read(arguments.answer))
        print(verdict)
    if arguments.solve:
        print(problem.solution(ask))
    elif arguments.answer is None and sys.stdin.isatty():
        right = talk(problem, ask)
        following = f"minireid paper {arguments.kind} --seed {arguments.seed + 1}"
        print(f"the next: {following}" if right else f"\nthe solution: {command} --solve")
    elif arguments.answer is None:
        print(f"answer it:     {command} --answer FRACTION\nsee it solved: {command} --solve")
    return 0 if right else 1


def talk(problem, ask: str) -> bool:
    """Asks until the answer is right (True) or the input ends (False)."""
    from minireid.base.errors import InputError
    from minireid.practice.pencil import doctor

    while True:
        try:
            right, verdict = doctor.grade(problem, ask, doctor.read(input(f"{problem.name(ask)} = ")))
        except InputError as fault:
            right, verdict = False, str(fault)
        except EOFError:
            return False
        print(verdict)
        if right:
            return True
