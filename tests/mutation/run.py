"""Mutation testing of layers and losses: how many small mistakes does the mirrored test file of each page notice?

    pip install -e '.[test,mutation]'
    python -m tests.mutation.run [PAGE ...]        PAGE: gru, softmax, ...; all of them where none is named

Every operator, sign, axis, index, slice, key and constant of a page is changed in turn, by cosmic-ray with its own
operators and those of tests/mutation/operators.py. Against each changed minireid/layers/X.py runs
tests/layers/test_X.py (losses alike), without its tests against PyTorch. All of it happens in a copy of the project.

Left out: what is no Python, what changes annotations only, what another mutation has made already, and shifts and
bitwise operators in place of arithmetic, which any test notices because NumPy refuses them. A mutant that survives is
a gap in the tests, or changes nothing that anyone could notice: such are listed in tests/mutation/equivalent.toml,
each with its reason. Exit 1 where the tests notice fewer than 99 % of the others.
"""

import argparse
import ast
import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import MutationSpec, TestOutcome

from tests.mutation.operators import Provider

PROJECT = Path(__file__).parents[2]
EQUIVALENT = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
REFUSED_BY_NUMPY = re.compile(r"ReplaceBinaryOperator_\w+_(RShift|LShift|BitOr|BitAnd|BitXor)$")
SECONDS = 60  # a mutant that is not done by then runs for ever: noticed
GOAL = 0.99
COLUMNS = ("page", "mutants", "equivalent", "noticed", "by a value", "by an error", "survived", "share")


def main() -> int:
    pages = {p.stem: p for d in ("layers", "losses") for p in sorted((PROJECT / "minireid" / d).glob("[a-z]*.py"))}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", nargs="*", help="gru, softmax, ...; all where none is named")
    names = parser.parse_args().page or list(pages)
    if not pages.keys() >= set(names):
        parser.error(f"expected pages among {' '.join(pages)}")
    plugins.OPERATOR_PROVIDERS["array"] = Provider()
    print(("{:<22}" + "{:>13}" * 7).format(*COLUMNS), flush=True)
    with tempfile.TemporaryDirectory() as copy:
        copy_project(Path(copy))
        # Whether a mutant is noticed, not why: a diagnosis takes some seconds.
        Path(copy, "minireid/gradcheck/diagnose.py").write_text("def diagnose(*arguments):\n    pass\n")
        os.environ["PYTHONPATH"] = copy
        with contextlib.chdir(copy):
            counts = [test_page(pages[name].relative_to(PROJECT)) for name in names]
    noticed, survived = (sum(column) for column in zip(*counts))
    share = noticed / (noticed + survived)
    print(f"noticed {noticed} of {noticed + survived}: {share:.2%}")
    return 0 if share >= GOAL else 1


def copy_project(copy: Path) -> None:
    for folder in ("minireid", "tests"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", copy)


def test_page(page: Path) -> tuple[int, int]:
    """How many mutants of a page its mirrored test file notices, how many not. Prints a row, and what to look at."""
    hide_numba(page.stem != "conv_block_fused")
    tests = Path("tests", page.parent.name, f"test_{page.name}")
    options = "-x -q --tb=line -p no:cacheprovider -p no:hypothesispytest -k 'not pytorch'"
    command = f"{shlex.quote(sys.executable)} -m pytest {options} {tests}"
    outcome, output = run_tests(command, 10 * SECONDS)  # as it is
    if outcome is not TestOutcome.SURVIVED:
        sys.exit(f"{tests} fails before anything is changed:\n{output}")
    reasons = dict(EQUIVALENT.get(page.stem, {}))
    equivalent, by_value, by_error, survived, remarks = 0, 0, 0, 0, []
    for operator, occurrence in mutations(page.read_text(), occurrences(page.read_text())):
        mutation = MutationSpec(page, operator, occurrence, (0, 0), (0, 1))  # its place is the occurrence, not these
        result = mutate_and_test([mutation], command, SECONDS)
        line = changed_line(result.diff)
        if result.test_outcome is not TestOutcome.SURVIVED:
            wrong_value = re.search(r": (AssertionError|assert|Failed)\b", result.output)
            by_value, by_error = by_value + bool(wrong_value), by_error + (not wrong_value)
            if result.output == "timeout":  # noticed, if the machine was not just busy
                remarks.append(f"    timed out  {operator.partition('/')[2]:<40} {line}\n")
        elif reasons.pop(line, None):
            equivalent += 1
        else:
            survived += 1
            remarks.append(f"    survived   {operator.partition('/')[2]:<40} {line}\n")
    noticed = by_value + by_error
    share = noticed / max(noticed + survived, 1)
    numbers = (noticed + survived + equivalent, equivalent, noticed, by_value, by_error, survived)
    print(f"{page.stem:<22}" + "".join(f"{n:>13}" for n in numbers) + f"{share:>13.1%}")
    print("".join([*remarks, *(f"    not found  {line}\n" for line in reasons)]), end="", flush=True)
    return noticed, survived


def hide_numba(hidden: bool) -> None:
    """im2col will do for most pages: kernels are not what is changed here. conv_block_fused needs it."""
    fake = Path("numba.py")
    if hidden:
        fake.write_text("raise ImportError")
    else:
        fake.unlink(missing_ok=True)


def changed_line(diff: str) -> str:
    """What a mutant says instead, without comments. (The first four lines of a diff are its head.)"""
    return " ".join(re.sub("  # .*", "", line[1:]).strip() for line in diff.splitlines()[4:] if line[0] == "+")


def occurrences(source: str) -> list[tuple[str, int]]:
    """(operator, occurrence) of every place of source that an operator of cosmic-ray or of ours can change."""
    found, nodes = [], list(ast_nodes(get_ast(source)))
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        if not operator.arguments() and not REFUSED_BY_NUMPY.search(name):
            count = sum(len(list(operator().mutation_positions(node))) for node in nodes)
            found += [(name, occurrence) for occurrence in range(count)]
    return found


def mutations(source: str, among: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Those among the occurrences that give another program: another than source, and than those before it."""
    seen = {program(source)}
    for name, occurrence in among:
        changed = program(mutate_code(source, plugins.get_operator(name)(), occurrence) or "")
        if changed and changed not in seen:
            seen.add(changed)
            yield name, occurrence


def program(source: str) -> str:
    """What source says to Python, but for annotations and for `*` in signatures; empty where it says nothing."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            node.args, node.posonlyargs, node.kwonlyargs = [*node.posonlyargs, *node.args, *node.kwonlyargs], [], []
            node.defaults, node.kw_defaults = [*node.defaults, *filter(None, node.kw_defaults)], []
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree) if tree.body else ""


if __name__ == "__main__":
    sys.exit(main())
