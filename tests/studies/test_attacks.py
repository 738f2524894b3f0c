"""Several attackers together: which row they are judged at, and what is left out."""

import numpy as np
import pytest

import relinkage as rl

ROWS = 240


class Centred(rl.Attacker):
    pools = "full"

    def transform(self, images, reports):
        return images - images.mean(axis=0), reports - reports.mean(axis=0)


class Odd(Centred):
    pools = "some"


@pytest.fixture(scope="module")
def sides():
    random = np.random.default_rng(0)
    images = random.normal(size=(ROWS, 8)) + 2
    return images, images + 0.6 * random.normal(size=(ROWS, 8))


def attack(sides, attackers, **choices):
    return rl.attack(*sides, attackers=attackers, replicates=200, **choices)


def test_who_is_fitted_on_the_gallery_is_judged_with_the_others_at_full(sides):
    made = attack(sides, ["cosine", Centred()], pool=[50, 100, "full"])
    assert made.row.full
    assert made.tried == ("cosine", "centred")
    rows = made["centred"].result.closed_set
    assert all(row.full for row in (*rows, *made["centred"].result.curve))
    assert made.at_most >= max(audit.recall().high for audit in made.values()) - 0.05
    assert made.notes == ()


def test_where_no_row_is_shared_who_is_stated_at_full_alone_is_left_out_and_it_is_said(sides):
    made = attack(sides, [Centred(), "cosine"], pool=[50])
    assert (made.row.pool, made.row.full) == (50, False)
    assert made.tried == ("cosine",)
    assert made.notes == ("No row is shared by all attackers, so at_least and at_most leave out centred.",)
    assert [audit.result.attacker.name for audit in made.strongest_first] == ["cosine", "centred"]


def test_pools_that_are_not_valid_are_refused(sides):
    with pytest.raises(rl.InputError, match="pools of the attacker odd are not valid"):
        attack(sides, Odd())
