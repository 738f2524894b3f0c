"""Two parts at once: what they give, whose exception is raised, and torch's threads before and after."""

import threading
import time

import pytest
import torch

from relinkage.alignment.side_by_side import in_turn, side_by_side


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_both_are_given_in_their_order(threads):
    assert in_turn(lambda k: k + 1) == (1, 2)
    with side_by_side() as both:
        assert both(lambda k: ("first", "second")[k]) == ("first", "second")


def test_threads_are_shared_and_given_back(threads):
    with side_by_side() as both:
        assert sum(both(lambda k: torch.get_num_threads())) == max(threads, 2)
        assert len(set(both(lambda k: threading.get_ident()))) == min(threads, 2)
    assert torch.get_num_threads() == threads
    fresh = []
    other = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert fresh == [threads]


@pytest.mark.parametrize("fails", [0, 1])
def test_an_exception_of_either_is_raised_when_both_have_ended(threads, fails):
    ended = []

    def work(k):
        if k == fails:
            raise ValueError(k)
        time.sleep(0.2)  # the other has long failed
        ended.append(k)

    with side_by_side() as both:
        with pytest.raises(ValueError, match=str(fails)):
            both(work)
        assert ended == ([1 - fails] if threads > 1 or fails == 1 else [])
    assert torch.get_num_threads() == threads
