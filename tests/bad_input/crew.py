"""Several workers at once: each is a warm process, and is ended and begun anew where a case hangs or kills it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from tests.bad_input.judge import LIMIT, ROOT

ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
GRACE = 30  # seconds after the worker's own limit


class Judged(NamedTuple):
    """A case with what is wrong with it. code, seconds, err: of its command."""

    part: str
    case: str
    faults: list[str]
    code: int | None
    seconds: float
    err: str


class Worker:
    """A process that judges cases. cases: [(part, name)], the same in every worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        words = [sys.executable, "-m", "tests.bad_input.worker", str(self.folder)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD}, cwd=ROOT
        )
        first = self.process.stdout.readline()  # type: ignore[union-attr]
        if not first:
            raise RuntimeError(f"the worker in {self.folder} did not begin")
        self.cases = [tuple(pair) for pair in json.loads(first)["cases"]]

    def judge(self, number: int, alone: bool) -> Judged:
        part, name = self.cases[number]
        print(json.dumps({"number": number, "alone": alone}), file=self.process.stdin, flush=True)
        killer = threading.Timer(10 * LIMIT + GRACE, self.process.kill)  # a baseline may be made too
        killer.start()
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        killer.cancel()
        if not line:
            self.process.wait()
            self.begin()
            return Judged(part, name, ["hang or crash: the process had to be ended, or ended itself"], None, 0.0, "")
        said: dict[str, Any] = json.loads(line)
        found = Judged(part, name, said["faults"], said["code"], said["seconds"], said["err"])
        if any(fault.startswith("hang") for fault in found.faults):  # it was stopped anywhere: who knows in what state
            self.end()
            self.begin()
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


Choice = Callable[[list[tuple[str, str]]], Iterable[tuple[int, bool]]]


def judge_all(
    folder: Path, choose: Choice, *, workers: int, tell: Callable[[Judged], None] = lambda one: None
) -> list[Judged]:
    """Judge what `choose` takes of [(part, name)]: numbers, and whether in a process of its own. In the same order."""
    crew = [Worker(folder / "0")]
    chosen = list(choose(crew[0].cases))
    waiting: SimpleQueue[tuple[int, tuple[int, bool]]] = SimpleQueue()
    for place, work in enumerate(chosen):
        waiting.put((place, work))
    found: dict[int, Judged] = {}
    broken: list[BaseException] = []

    def labour(n: int) -> None:
        try:
            worker = crew[0] if n == 0 else Worker(folder / str(n))
            assert worker.cases == crew[0].cases, "the list of cases must not depend on the world's folder"
            while True:
                try:
                    place, (number, alone) = waiting.get_nowait()
                except Empty:
                    break
                found[place] = worker.judge(number, alone)
                tell(found[place])
            worker.end()
        except BaseException as fault:
            broken.append(fault)

    threads = [threading.Thread(target=labour, args=(n,)) for n in range(min(workers, len(chosen)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return [found[place] for place in range(len(chosen))]
