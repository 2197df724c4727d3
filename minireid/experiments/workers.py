"""A sweep's trials on Dask: the workers are this machine's cores, or a cluster's.

Dask (an optional extra) brings what a sweep needs of a scheduler: workers in processes of their own, a nanny beside
each that replaces it when it dies, and the trial of a dead worker given to another. It is asked for nothing else: a
trial's arguments are a few words and its results are files, so where it computes changes no bit.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from minireid.base.errors import InputError
from minireid.experiments.folder import Sweep, Trial
from minireid.experiments.forecast import counted
from minireid.experiments.trial import Outcome, trial

WAIT = 30  # seconds, for a scheduler and for its first worker


def check_installed() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            'a sweep with workers needs Dask: pip install "dask[distributed]", or --workers 0 to train one trial after '
            "the other in this process"
        ) from None


@contextmanager
def local(workers: int) -> Iterator[Any]:
    """A client of this many workers on this machine: a process each, one thread each, BLAS too."""
    import dask
    from distributed import Client, LocalCluster

    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")  # it tidies up after killed workers
    with ExitStack() as stack:
        stack.enter_context(
            dask.config.set({"distributed.scheduler.worker-saturation": 1.0})
        )  # no trial behind another
        with without_ctrl_c():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # frames are memory-mapped: Dask would take the file for memory in use
                dashboard_address=":0",
                silence_logs=logging.ERROR,
                preload=["minireid.experiments.workers"],
            )
            client = stack.enter_context(Client(stack.enter_context(cluster)))
        try:
            yield client
        except KeyboardInterrupt:
            with without_ctrl_c():  # a second one would leave the workers behind
                cluster.sync(end, list(cluster.workers.values()))
                stack.close()
            raise


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Inside, Ctrl-C is not heard; never by processes that begin inside: it reaches all of a terminal's processes, and
    only the sweep itself is to answer it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def dask_setup(worker: Any) -> None:
    """Dask calls this in a new local worker; for those who replace one that died, after without_ctrl_c()."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def end(nannies: Sequence[Any]) -> None:
    """Workers and nannies, at once: Dask would let the trials go on for some seconds more."""
    await asyncio.gather(*(nanny.close(timeout=0.2) for nanny in nannies), return_exceptions=True)


def on_this_machine(
    workers: int, sweep: Sweep, trials: Sequence[Trial]
) -> Generator[tuple[Trial, Outcome], None, None]:
    """Every trial and what came of it, by a cluster of this machine that ends with the last of them."""
    print(f"starting {counted(workers, 'worker')} (some seconds, in which Ctrl-C is not heard)", flush=True)
    with local(workers) as client:
        yield from outcomes(client, sweep, trials)


@contextmanager
def remote(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address. InputError where none answers, or its workers do not fit."""
    from distributed import Client

    command = f"dask worker {address} --nworkers 2 --nthreads 1 --memory-limit 0"
    try:
        client = Client(address, timeout=WAIT)
    except (OSError, ValueError, TypeError) as fault:
        raise InputError(f"no Dask scheduler answers at {address} ({fault}): start one with dask scheduler") from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost connection is told in a line of ours
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError:
            raise InputError(f"the scheduler at {address} has no workers: start some with {command}") from None
        if any(threads != 1 for threads in client.nthreads().values()):
            raise InputError(f"expected workers of one thread each at {address}: start them with {command}")
        yield client


def count(client: Any) -> int:
    """How many trials can be at work at a time."""
    return len(client.nthreads())


def outcomes(client: Any, sweep: Sweep, trials: Sequence[Trial]) -> Generator[tuple[Trial, Outcome], None, None]:
    """Every trial and what came of it, as they finish. A trial whose worker dies is run again, three times at most."""
    from distributed import as_completed

    futures = {client.submit(trial, str(sweep.path), *numbers, pure=False): numbers for numbers in trials}
    for future in as_completed(futures):
        if future.cancelled():
            raise InputError(
                "the connection to the scheduler is lost: start it, then the same command goes on from there"
            )
        fault = future.exception()
        if fault is None:
            outcome = future.result()
        else:
            outcome = {"failed": f"{type(fault).__name__}: {fault}".splitlines()[0]}
        yield futures[future], outcome


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
