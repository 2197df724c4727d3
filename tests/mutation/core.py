"""Mutation testing of the checker's own core: how many small mistakes in it do its tests notice?

    pip install -e '.[test,mutation]'
    python -m tests.mutation.core [FILE ...] [--one-in 8] [--seed 0]        FILE: compare, judge, ...; all by default

The mutants are those of tests/mutation/run.py. TESTS says which tests run against which file: the quickest first, up to
the first that fails, without those that need more than LONG seconds. Each mutant is tested in a fork of a process that
has loaded the layers already. All of it happens in a copy of the project.

--one-in 8 takes an eighth of the places that can be changed, drawn from the seed. Mutants that change nothing are
listed in tests/mutation/equivalent.toml, as those of the layers. Exit 1 where the tests notice fewer than 95 % of
the others.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code

from tests.mutation.operators import Provider
from tests.mutation.run import EQUIVALENT, copy_project, mutations, occurrences

ROOM, TEST_ROOM = Path("minireid/gradcheck"), "tests/gradcheck"
TESTS = {
    "tensor/compare": ["tensor/test_compare", "tensor/test_slopes", "tensor/test_rounding", "test_check"],
    "tensor/slopes": ["tensor/test_slopes", "tensor/test_compare", "tensor/test_scales", "test_check"],
    "tensor/rounding": ["tensor/test_rounding"],
    "tensor/faults": ["tensor/test_faults", "test_check"],
    "check": ["test_check", "tensor/test_rounding", "tensor/test_faults", "line/test_exercised", "front/test_losses"],
    "line/judge": ["line/test_judge", "line/test_losses"],
    "line/truth": ["line/test_truth", "line/test_judge"],
}
LONG = 2  # seconds of processor time
SECONDS = 120  # of processor time: a mutant that is not done by then runs for ever, and that is noticed
MEMORY = 4 << 30  # bytes: a power in place of a product can ask for any number
GOAL = 0.95
COLUMNS = ("file", "places", "mutants", "equivalent", "noticed", "survived", "share")


def main() -> int:
    files = {Path(name).name: name for name in TESTS}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="*", help="compare, judge, ...; all where none is named")
    parser.add_argument("--one-in", type=int, default=1, help="of so many mutants one is run")
    parser.add_argument("--seed", type=int, default=0, help="draws which")
    given = parser.parse_args()
    if not files.keys() >= set(given.file) or given.one_in < 1:
        parser.error(f"expected files among {' '.join(files)}, and --one-in of 1 or more")
    plugins.OPERATOR_PROVIDERS["array"] = Provider()
    print(("{:<16}" + "{:>12}" * 6).format(*COLUMNS), flush=True)
    with tempfile.TemporaryDirectory() as copy:
        copy_project(Path(copy))
        Path(copy, "numba.py").write_text("raise ImportError")  # convolutions by im2col will do
        with contextlib.chdir(copy):
            preload(copy)
            counts = [tally(files[name], given.one_in, given.seed) for name in given.file or files]
    noticed, survived = (sum(column) for column in zip(*counts))
    share = noticed / max(noticed + survived, 1)
    print(f"noticed {noticed} of {noticed + survived}: {share:.2%}")
    return 0 if share >= GOAL else 1


def preload(copy: str) -> None:
    """Load what no mutant changes, from the copy: NumPy, the layers, the networks."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("minireid", "tests")]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = copy
    sys.path.insert(0, copy)
    importlib.import_module("minireid.gradcheck.cases.pages")
    for name in [name for name in sys.modules if name.startswith("minireid.gradcheck")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def tally(name: str, one_in: int, seed: int) -> tuple[int, int]:
    """How many mutants of a file are noticed, how many not. Prints what to look at, then a row."""
    path, tests = ROOM / f"{name}.py", [f"{TEST_ROOM}/{test}.py" for test in TESTS[name]]
    times = Path("times.json")
    times.write_text("{}")
    status, output = forked(tests, times)  # as it is
    if status:
        sys.exit(f"the tests of {name} fail before anything is changed:\n{output}")
    source, reasons = path.read_text(), dict(EQUIVALENT.get(name, {}))
    places = occurrences(source)
    picked = sorted(random.Random(seed).sample(range(len(places)), -(-len(places) // one_in)))
    equivalent, noticed, survived = 0, 0, 0
    for operator, occurrence in mutations(source, [places[k] for k in picked]):
        mutant = mutate_code(source, plugins.get_operator(operator)(), occurrence)
        path.write_text(mutant)
        status, output = forked(tests, times)
        number, line = changed_place(source, mutant)
        what = f"{name}:{number:<4} {operator.partition('/')[2]:<40} {line}"
        if status:
            noticed += 1
            if status in (-signal.SIGXCPU, -signal.SIGKILL):
                print(f"    timed out  {what}", flush=True)
        elif line in reasons:
            equivalent += 1
        else:
            survived += 1
            print(f"    survived   {what}", flush=True)
    path.write_text(source)
    share = noticed / max(noticed + survived, 1)
    numbers = (len(places), noticed + survived + equivalent, equivalent, noticed, survived)
    print(f"{name:<16}" + "".join(f"{n:>12}" for n in numbers) + f"{share:>12.1%}", flush=True)
    return noticed, survived


def forked(tests: list[str], times: Path) -> tuple[int, str]:
    """(status, output) of the tests in a process of their own. status: 0 if all pass; below 0 a signal."""
    log = Path("output.txt")
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), log.open("w") as file:
            os.setpgid(0, 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            options = "-x -q --tb=line -p no:cacheprovider -p no:hypothesispytest -p no:xdist -o addopts= -m".split()
            options += ["not slow", "--import-mode=importlib", "-k", "not pytorch"]
            os._exit(pytest.main([*options, *tests], [Quickest(times)]))
        os._exit(99)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), log.read_text()


class Quickest:
    """A pytest plugin: the quickest tests first, by the times of the first run; those that take long are left out."""

    def __init__(self, times: Path) -> None:
        self.times, self.known = times, json.loads(times.read_text())
        self.measured: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items):
        if self.known:
            items[:] = [item for item in items if self.known.get(item.nodeid, 0) <= LONG]
            items.sort(key=lambda item: self.known.get(item.nodeid, 0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        before = time.process_time()  # other programs do not count
        result = yield
        self.measured[item.nodeid] = time.process_time() - before
        return result

    def pytest_sessionfinish(self):
        if not self.known:
            self.times.write_text(json.dumps(self.measured))


def changed_place(source: str, mutant: str) -> tuple[int, str]:
    """(the number of the first changed line, what the mutant says there, without its comment)."""
    old, new = source.splitlines(), mutant.splitlines()
    first = next(k for k, (a, b) in enumerate(zip(old, new)) if a != b)
    rest = next(k for k, (a, b) in enumerate(zip(old[::-1], new[::-1])) if a != b)
    lines = new[first : max(len(new) - rest, first + 1)]
    return first + 1, " ".join(re.sub("  # .*", "", line).strip() for line in lines)


if __name__ == "__main__":
    sys.exit(main())
