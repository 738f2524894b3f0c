"""Files of results with something else in one place: read as they are, or refused in one sentence."""

import json
import random

import pytest

from pages.synthetic_defences import defences_json
from pages.synthetic_sweep import synthetic_sweep
from relinkage.alignment.sweep_result import SweepResult
from relinkage.defences.result import DefencesResult
from relinkage.errors import InputError
from relinkage.records import plain, read_record

SECRET = "Petra"
ODD = (None, True, -1, 0, 1.5, 10**30, 1e300, "", SECRET, [], {}, [SECRET], {SECRET: SECRET})
CASES = 2_000


def places(value):
    """Yield every place in a JSON value, as what holds it and its key."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(part, dict | list):
            yield from places(part)


def damaged(text, choose):
    """Give a file with one value replaced, one left out, one added, or cut short."""
    content = json.loads(text)
    holder, key = choose.choice(list(places(content)))
    way = choose.randrange(5)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[SECRET] = choose.choice(ODD)
    elif way == 2:
        return text[: choose.randrange(len(text))]
    elif way == 3:
        holder[key] = "DEEP"
        return json.dumps(content).replace('"DEEP"', "[" * choose.choice((1, 5_000, 200_000)))
    else:
        holder[key] = choose.choice(ODD)
    return json.dumps(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "content"),
    [(DefencesResult, defences_json(("city", "county"))), (SweepResult, plain(synthetic_sweep()))],
)
def test_a_damaged_result_is_read_or_refused_in_one_sentence(kind, content, tmp_path):
    text, file, choose = json.dumps(content), tmp_path / "result.json", random.Random(11)
    read = 0
    for _ in range(CASES):
        file.write_text(damaged(text, choose))
        try:
            assert isinstance(read_record(file, kind, "a result", "make it again"), kind)
            read += 1
        except InputError as error:
            said = str(error).replace(str(file), "")
            assert SECRET not in said
            assert "\n" not in said
            assert said.endswith(".")
    assert 0 < read < CASES / 2
