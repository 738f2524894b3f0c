"""What an attacker of the gallery says at a smaller pool: nothing, unless it was fitted on such pools."""

import msgspec
import numpy as np
import pytest

from policies.planted_runs import policy, rule, run
from relinkage.linkage.result import AttackerUsed
from relinkage.policies.readings import CannotAnswerError, read


def of_gallery(refits=0):
    used = AttackerUsed(
        name="csls", on="embeddings", auxiliary_pairs=0, auxiliary_patients=0, pools="full", refits=refits,
        seed=0, settings={},
    )  # fmt: skip
    made = run(np.arange(200) < 40, "csls")
    rows = tuple(
        msgspec.structs.replace(row, refits=0 if row.full else used.refits) for row in made.audit.closed_set
    )
    audit = msgspec.structs.replace(made.audit, attacker=used, closed_set=rows)
    return type(made)("csls", audit, made.tables)


def reading(pool, made, figure="recall"):
    whole = policy(rule(figure, 5 if figure == "lift" else 0.5, pool=pool))
    (only,), _ = read(whole.rules[0], [made], whole)
    return only


def test_at_full_its_figure_is_that_of_its_table():
    assert reading("full", of_gallery()).value == pytest.approx(0.2)


@pytest.mark.parametrize("figure", ["recall", "lift"])
def test_at_a_smaller_pool_it_cannot_be_asked(figure):
    with pytest.raises(
        CannotAnswerError, match="fitted on the attacked gallery and stated at full only: csls"
    ):
        reading(10, of_gallery(), figure)


def test_beside_others_it_is_named_and_the_others_answer():
    whole = policy(rule("recall", 0.5, pool=10))
    readings, (note,) = read(whole.rules[0], [run(np.arange(200) < 40), of_gallery()], whole)
    assert [each.attacker for each in readings] == ["cosine"]
    assert note.startswith("not covered: fitted on the attacked gallery and stated at full only: csls")


def test_refitted_it_answers_by_its_row_and_not_by_its_table():
    made = of_gallery(refits=5)
    row = next(row for row in made.audit.closed_set if row.pool == 10 and row.k == 1)
    assert reading(10, made).value == row.recall
    assert reading(10, run(np.arange(200) < 40)).value != row.recall
