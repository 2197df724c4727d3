"""A sweep's trials on Dask: the workers are this machine's cores, or a cluster's.

Dask (an optional extra) starts workers as separate processes. A nanny replaces its worker if it dies, and the scheduler
gives the dead worker's trial to another worker. Dask does nothing else: a trial's arguments are a few words, and its
results are files. So the bits do not depend on where a trial is computed.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from tempfile import TemporaryDirectory
from typing import Any

from minireid.base.errors import InputError
from minireid.base.processes import undisturbed
from minireid.experiments.folder import Sweep, Trial
from minireid.experiments.forecast import counted
from minireid.experiments.trial import Outcome, trial

WAIT = 30  # seconds, for a scheduler and for its first worker


def check_installed() -> None:
    """InputError if Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            'a sweep with workers needs Dask: pip install "dask[distributed]", or --workers 0 to train one trial after '
            "the other in this process"
        ) from None


@contextmanager
def local(workers: int) -> Iterator[Any]:
    """A client of this many workers on this machine. Each is a process with one thread, also for BLAS."""
    import dask
    from distributed import Client, LocalCluster

    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")  # it warns after workers are killed
    with ExitStack() as stack:
        # A worker gets its next trial only when it is free.
        stack.enter_context(dask.config.set({"distributed.scheduler.worker-saturation": 1.0}))
        folder = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        if os.name == "posix":
            resource_tracker.ensure_running()  # its own start, with the first worker, would let Ctrl-C through again
        with undisturbed():
            cluster = stack.enter_context(started(LocalCluster, workers, folder))
            client = stack.enter_context(Client(cluster))
        try:
            yield client
        except KeyboardInterrupt:
            with undisturbed():  # a second Ctrl-C would leave the workers running
                cluster.sync(end, list(cluster.workers.values()))
                stack.close()
            raise


def started(cluster: Callable[..., Any], workers: int, folder: str) -> Any:
    """A LocalCluster with its workers. folder: for their files. InputError if one is ended while it starts."""
    try:
        return cluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,  # no limit: frames are memory-mapped, and Dask would count the file as used memory
            local_directory=folder,
            dashboard_address="127.0.0.1:0",  # no other machine can reach it
            silence_logs=logging.ERROR,
            preload=["minireid.experiments.workers"],
        )
    except RuntimeError as fault:
        raise InputError(f"the workers could not be started ({fault}): the same command tries again") from None


def dask_setup(worker: Any) -> None:
    """Dask calls this in each new local worker. Workers that replace a dead one start outside undisturbed()."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A heartbeat that the end of the sweep cuts off would print a traceback. What fails in a trial, `outcomes` reports.
    logging.getLogger("distributed.worker").setLevel(logging.CRITICAL)


async def end(nannies: Sequence[Any]) -> None:
    """End workers and nannies at once. Dask itself would let the trials run for some more seconds."""
    await asyncio.gather(*(nanny.close(timeout=0.2) for nanny in nannies), return_exceptions=True)


def on_this_machine(
    workers: int, sweep: Sweep, trials: Sequence[Trial]
) -> Generator[tuple[Trial, Outcome], None, None]:
    """Yield every trial and its outcome, computed by workers on this machine. They end with the last trial."""
    print(f"starting {counted(workers, 'worker')} (some seconds)", flush=True)
    with local(workers) as client:
        yield from outcomes(client, sweep, trials)


@contextmanager
def remote(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address. InputError if none answers, or if it has no workers of one thread."""
    from distributed import Client

    command = f"dask worker {address} --nworkers 2 --nthreads 1 --memory-limit 0"
    try:
        client = Client(address, timeout=WAIT)
    except (OSError, ValueError, TypeError) as fault:
        raise InputError(f"no Dask scheduler answers at {address} ({fault}): start one with dask scheduler") from None
    # No log of a lost connection: `outcomes` reports it in one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError:
            raise InputError(f"the scheduler at {address} has no workers: start some with {command}") from None
        if any(threads != 1 for threads in client.nthreads().values()):
            raise InputError(f"expected workers of one thread each at {address}: start them with {command}")
        yield client


def count(client: Any) -> int:
    """How many trials can run at the same time."""
    return len(client.nthreads())


def outcomes(client: Any, sweep: Sweep, trials: Sequence[Trial]) -> Generator[tuple[Trial, Outcome], None, None]:
    """Yield each trial and its outcome, as they finish. A trial whose worker dies is run again, at most three times."""
    from distributed import as_completed

    futures = {client.submit(trial, str(sweep.path), *numbers, pure=False): numbers for numbers in trials}
    for future in as_completed(futures):
        if future.cancelled():
            raise InputError(
                "the connection to the scheduler is lost: start it again, then repeat the same command to continue"
            )
        fault = future.exception()
        if fault is None:
            outcome = future.result()
        else:
            outcome = {"failed": f"{type(fault).__name__}: {fault}".splitlines()[0]}
        yield futures[future], outcome


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
