"""Numbers of threads belong to the process: whoever changes them leaves them as they were, in any order."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from threadpoolctl import threadpool_info

from relinkage import threads


def blas():
    """Give the number of each library that has one for the process; OpenMP has one for each thread."""
    return [
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas" and library.get("threading_layer") != "openmp"
    ]


def in_a_new_thread(work):
    with ThreadPoolExecutor(1) as one:
        return one.submit(work).result()


@pytest.fixture(autouse=True)
def as_found():
    before = blas(), torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)
    yield
    assert (blas(), torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)) == before


def test_one_thread_each_ends_with_the_last_one_out_whoever_was_first():
    before = blas()
    first_is_in, second_is_in, first_may_go = (threading.Event() for _ in range(3))

    def first():
        with threads.one_thread_each():
            first_is_in.set()
            first_may_go.wait()

    def second():
        first_is_in.wait()
        with threads.one_thread_each():
            second_is_in.set()
            one.join()
            return blas()

    one = threading.Thread(target=first)
    one.start()
    with ThreadPoolExecutor(1) as other:
        inside = other.submit(second)
        second_is_in.wait()
        first_may_go.set()
        assert set(inside.result()) == {1}
    assert blas() == before


def test_one_thread_each_restores_after_an_exception_and_from_inside_itself():
    before = blas()
    with pytest.raises(ValueError, match="no"), threads.one_thread_each() as outer:  # noqa: PT012
        with threads.one_thread_each() as inner:
            assert inner == outer == threads.available()
        assert set(blas()) == {1}
        raise ValueError("no")
    assert blas() == before


def test_torch_threads_are_those_of_the_calling_thread_alone():
    number, beginning = torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)
    with threads.torch_threads(number + 2):
        assert threads.available() == number + 2
        assert in_a_new_thread(torch.get_num_threads) == beginning
        with pytest.raises(ValueError, match="no"), threads.torch_threads(1):
            raise ValueError("no")
        assert torch.get_num_threads() == number + 2
    assert torch.get_num_threads() == number


def test_torch_threads_of_many_threads_do_not_mix():
    def look(number):
        with threads.torch_threads(number), threads.one_thread_each():
            return torch.get_num_threads(), set(blas())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, [1, 2, 3, 4] * 10)) == [(number, {1}) for number in [1, 2, 3, 4] * 10]


@pytest.mark.parametrize(
    ("asked", "given"), [("3", "3"), ("5,2", "5"), ("0", None), ("many", None), (None, None)]
)
def test_available_without_torch_is_what_the_environment_says_or_the_processors(asked, given):
    script = (
        "import os, sys; from relinkage.threads import available; "
        "print(available(), len(os.sched_getaffinity(0)))"
        "; assert 'torch' not in sys.modules"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)} | ({} if asked is None else {"OMP_NUM_THREADS": asked})
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    number, processors = done.stdout.split()
    assert number == (given or processors)
