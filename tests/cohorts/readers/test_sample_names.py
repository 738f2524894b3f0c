"""Members of a shard to samples: every sample's own, whatever dots stand in the names."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.cohorts.readers.sample_names import by_sample, repeated

SUFFIXES = st.lists(
    st.sampled_from(["png", "txt", "json", "findings.txt", "frontal.jpg", "lateral.jpg"]),
    min_size=1,
    unique=True,
)
WORDS = st.from_regex(r"[a-z0-9_-]{1,6}", fullmatch=True)
IDENTIFIERS = st.tuples(st.just("1.2"), st.lists(st.integers(0, 99), min_size=2, max_size=4)).map(
    lambda parts: ".".join([parts[0], *map(str, parts[1])])
)
VERSIONS = st.tuples(WORDS, st.integers(0, 9)).map(lambda parts: f"{parts[0]}_v1.{parts[1]}")


def parted(samples, seed=0):
    """Shuffle the members of samples by key, and part their names again."""
    members = [(f"a.b/{key}.{suffix}", (f"a.b/{key}", suffix)) for key in samples for suffix in samples[key]]
    random.Random(seed).shuffle(members)
    names = [name for name, _ in members]
    return by_sample(names), [named for _, named in members]


@given(st.dictionaries(WORDS, SUFFIXES, min_size=1))
def test_by_sample_ends_keys_without_dots_at_the_first_dot(samples):
    found, wanted = parted(samples)
    assert found == wanted


@given(st.dictionaries(IDENTIFIERS | VERSIONS, SUFFIXES, min_size=1), st.integers(0, 9))
def test_by_sample_never_merges_samples_with_numbers_behind_dots(samples, seed):
    samples = {key: ["png", "txt", *suffixes[2:]] for key, suffixes in samples.items()}
    found, wanted = parted(samples, seed)
    assert found == wanted


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["p.first.png", "p.first.txt", "p.second.png", "p.second.txt"], ["p.first", "p.second"]),
        (["1.frontal.png", "1.lateral.png", "1.txt"], ["1"]),  # two images of one report
        (["1.0.png", "1.1.png", "1.txt"], ["1"]),
        (["1.png", "1.0.txt", "1.1.txt"], ["1"]),  # two texts of one image
        (["1.frontal.png", "1.frontal.txt", "1.json"], ["1"]),
        (["1.2.7.png", "1.2.9.txt"], ["1.2.7", "1.2.9"]),  # neither has what the other has
        (["1.2.7.png", "1.2.7.findings.txt", "1.2.7.impression.txt"], ["1.2.7"]),
        (["a.b/1.png", "a.b/1.txt", "a.c/1.png"], ["a.b/1", "a.c/1"]),
    ],
)
def test_by_sample_reads_layouts_as_people_write_them(names, keys):
    assert list(dict.fromkeys(key for key, _ in by_sample(names))) == keys


def test_repeated_names_the_keys_with_a_member_that_stands_twice():
    assert repeated(by_sample(["1.png", "1.txt", "2.png", "2.txt", "1.txt"])) == {"1"}
    assert repeated(by_sample(["1.a.png", "1.b.png", "1.txt"])) == set()
