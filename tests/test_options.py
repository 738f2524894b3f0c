"""Options: what a field takes as text it takes as a value; what it does not take, it says in a sentence."""

import math
import re
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Meta
from msgspec.structs import replace

from relinkage.cli import COMMANDS, cli
from relinkage.errors import InputError
from relinkage.linkage.settings import AuditSettings
from relinkage.options import Count, Option, Positive, Seed, Settings, Share, command_line, fields_of
from relinkage.records import Record


class Weights(Record, frozen=True):
    """Weights of the tests."""

    first: float = 1.0
    second: Share = 0.0


class Every(Settings, frozen=True):
    """Every kind of field.

    Attributes:
        count: A count.
        share: A share.
        positive: A number above zero.
        word: A word.
        choice: One of two.
        size: A size, or full.
        switch: A switch.
        off: A switch that is on.
        place: A place.
        counts: Several counts.
        words: Several words.
        axes: Several texts, each with an option of its own.
        weights: Weights by name.
        maybe: A number, or none.
    """

    count: Count = 3
    share: Share = 0.5
    positive: Positive = 1.0
    word: str = "word"
    choice: Literal["left", "right"] = "left"
    size: Literal["full"] | Annotated[int, Meta(ge=2)] = "full"
    switch: bool = False
    off: bool = True
    place: Path | None = None
    counts: tuple[Count, ...] = (1, 2)
    words: tuple[str, ...] = ()
    axes: Annotated[tuple[str, ...], Option(repeat=True)] = ()
    weights: Weights = Weights()
    maybe: float | None = None


FIELDS = {field.name: field for field in fields_of(Every)}
FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters=",", exclude_categories=("Z", "C")), min_size=1
)
VALUES = {
    "count": st.integers(1, 2**62),
    "share": st.floats(0, 1),
    "positive": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    "word": st.text(min_size=1),
    "choice": st.sampled_from(["left", "right"]),
    "size": st.just("full") | st.integers(2, 2**62),
    "place": WORDS.map(Path),
    "counts": st.lists(st.integers(1, 2**62), min_size=1, unique=True).map(tuple),
    "words": st.lists(WORDS, min_size=1, unique=True).map(tuple),
    "weights": st.builds(Weights, first=FINITE, second=st.floats(0, 1)),
    "maybe": FINITE,
}
CASES = st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name]))


@given(CASES)
def test_parsing_undoes_writing(case):
    name, value = case
    field = FIELDS[name]
    assert field.parse(field.text(value)) == value == field.check(value)


@given(st.sampled_from(["counts", "words"]).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_one_value_and_a_list_of_one_are_equal_and_nothing_counts_twice(case):
    name, values = case
    assert Every(**{name: values[0]}) == Every(**{name: [values[0]]}) == Every(**{name: values[:1]})
    assert Every(**{name: [*values, *values]}) == Every(**{name: values})


WRONG = st.one_of(st.text(), FINITE, st.integers(), st.booleans(), st.lists(st.integers()), st.none())


@given(st.sampled_from(sorted(FIELDS)), WRONG)
def test_whatever_is_given_is_taken_or_refused_in_one_sentence(name, value):
    field = FIELDS[name]
    for take in (field.parse if isinstance(value, str) else field.check, lambda v: Every(**{name: v})):
        try:
            take(value)
        except InputError as error:
            # A value of several lines is shown as it is; the command line joins them.
            said = error.on_command_line
            assert said.startswith(f"{field.flag} ")
            assert said.endswith(f"; give {field.wanted}.")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["share", "positive", "maybe", "weights"])
def test_what_is_no_number_is_refused(name, number):
    value = Weights(first=number) if name == "weights" else number
    with pytest.raises(InputError, match=f"^{name} "):
        Every(**{name: value})
    with pytest.raises(InputError, match=f"^{name} "):
        FIELDS[name].parse(f"first={number}" if name == "weights" else str(number))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "--count 0 is not a valid count; give a whole number from 1 up."),
        ({"count": 2.5}, "--count 2.5 is not a valid count; give a whole number from 1 up."),
        ({"count": True}, "--count True is not a valid count; give a whole number from 1 up."),
        ({"share": 1.5}, "--share 1.5 is not a valid share; give a number from 0 to 1."),
        ({"positive": 0}, "--positive 0 is not a valid positive; give a number above 0."),
        ({"choice": "up"}, "--choice up is not a valid choice; give left or right."),
        ({"size": 1}, "--size 1 is not a valid size; give full or a whole number from 2 up."),
        (
            {"counts": (1, 0)},
            "--counts 1,0 is not a valid counts; give whole numbers from 1 up, separated by commas.",
        ),
        ({"switch": "yes"}, "--switch yes is not a valid switch; give true or false."),
        ({"word": "x" * 100 + "!"}, None),
        ({"choice": "x" * 100}, f"--choice {'x' * 60}… is not a valid choice; give left or right."),
        ({"weights": {"third": 1}}, None),
    ],
)
def test_what_the_sentences_say(values, message):
    if message is None and "word" in values:
        assert Every(**values).word == values["word"]
        return
    with pytest.raises(InputError) as error:
        Every(**values)
    if message is not None:
        assert error.value.on_command_line == message


def test_numbers_of_numpy_are_taken():
    made = Every(count=np.int64(4), share=np.float64(0.25), counts=np.array([1, 2]).tolist())
    assert made == Every(count=4, share=0.25, counts=(1, 2))
    assert [type(value) for value in (made.count, made.share)] == [int, float]


def test_a_place_has_to_exist_where_that_is_asked(tmp_path):
    class Place(Settings, frozen=True):
        """A place.

        Attributes:
            place: It.
        """

        place: Annotated[Path | None, Option(exists=True)] = None

    (field,) = fields_of(Place)
    assert field.parse(str(tmp_path)) == tmp_path
    (tmp_path / "two.npz").touch()
    assert field.parse(f"{tmp_path}/two.npz:images") == tmp_path / "two.npz:images"
    with pytest.raises(InputError, match=r"^place .*missing does not exist; name a file or folder\b.*"):
        field.parse(str(tmp_path / "missing"))


@given(
    st.fixed_dictionaries({}, optional={name: values for name, values in VALUES.items() if name != "place"})
)
def test_the_command_line_gives_the_same_settings_again(values):
    made = Every(**values)
    words = list(command_line(made))
    assume(all(word for word in words))
    given_ = {}
    for flag, text in zip(words[::2], words[1::2], strict=True):
        field = next(field for field in FIELDS.values() if field.flag == flag)
        given_[field.name] = field.parse(text)
    assert Every(**given_) == made


def test_switches_and_repeated_options_on_the_command_line():
    made = Every(switch=True, off=False, axes=("a,b", "c"))
    assert list(command_line(made)) == ["--switch", "--no-off", "--axes", "a,b", "--axes", "c"]
    assert list(command_line(Every())) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained_in_a_whole_phrase(command):
    for kind in cli.get_command(None, command).records.values():
        for field in fields_of(kind):
            assert re.fullmatch(r"[A-Zεδ].*[.…]", field.help), field.name
            assert field.wanted


@given(st.integers(0, 2**32 - 1), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_replacing_checks_again(seed, interval):
    made = replace(AuditSettings(), seed=seed, interval=interval)
    assert (made.seed, made.interval) == (seed, interval)
    with pytest.raises(InputError, match="seed -1"):
        replace(made, seed=-1)


def test_seeds_are_those_that_all_libraries_take():
    class Seeded(Settings, frozen=True):
        """Seeded.

        Attributes:
            seed: A seed.
        """

        seed: Seed = 0

    assert Seeded(seed=2**32 - 1).seed == 2**32 - 1
    for wrong in (-1, 2**32, 1.5):
        with pytest.raises(InputError, match="give a whole number from 0 to 4294967295"):
            Seeded(seed=wrong)
