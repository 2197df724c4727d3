"""The number of threads: what may be asked for, and that BLAS keeps to one."""

import os
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minireid.base.errors import InputError
from minireid.base.threads import threads
from tests import small_data

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize("count", [0, -1, CORES + 1])
def test_more_or_fewer_threads_than_there_can_be(count: int) -> None:
    with pytest.raises(InputError, match=rf"--threads from 1 to {CORES} .*got {count}"):
        with threads(count):
            pass


def test_blas_is_held_to_one_thread_and_let_go() -> None:
    def blas() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    with threadpool_limits(2, "blas"):
        before = blas()
        with threads(None):
            assert set(blas()) <= {1}
        assert blas() == before


def test_the_kernels_get_as_many_as_asked_for_and_then_what_they_had() -> None:
    numba = pytest.importorskip("numba", reason="needs numba: pip install -e .")
    before = numba.get_num_threads()
    for count in range(1, CORES + 1):
        with threads(count):
            assert numba.get_num_threads() == min(count, numba.config.NUMBA_NUM_THREADS)
    with threads(None):
        assert numba.get_num_threads() == min(CORES, numba.config.NUMBA_NUM_THREADS)
    assert numba.get_num_threads() == before


@pytest.mark.skipif(CORES < 2, reason="this machine has one core")
def test_one_thread_or_two_same_bits(tmp_path: Path) -> None:
    prepared = small_data.write_prepared(tmp_path / "prepared", flow=True)
    changes = ("clips.flow=true", "pairs.persons=3")  # 3 persons, 2 clips, 3 frames: 18 images, more than partial sums
    runs = []
    for count in (1, 2):
        run = small_data.new_run(tmp_path / f"run{count}", prepared, *changes)
        small_data.train(run, threads=count)
        runs.append(run)
    one, two = (small_data.bits(run.path / "checkpoint.npz") for run in runs)
    assert one == two
    assert small_data.log_of(runs[0]) == small_data.log_of(runs[1])
