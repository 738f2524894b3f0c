"""Damaged trees: whatever bytes, lines or columns are changed, there is a cohort or one clear refusal."""

import gzip
import random
import re
import shutil

import pytest
from data_set_trees import chexpert, mimic, nlmcxr, open_i, parquet, saved_to_disk, shards

from relinkage.cohorts import Cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.errors import InputError
from tiers import quick

CASES = 60
"""Of each format."""

JUNK = (
    b"\x00",
    b"\xff\xfe",
    b'"',
    b",",
    b"\n",
    b"..",
    b"/",
    b"::",
    b"s1",
    b"999999999999",
    b"NaN",
    b"-1",
    b"\xc3",
)
SECRETS = re.compile("heart|stable since|effusion|10000032|patient0000", re.IGNORECASE)

FORMATS = {
    "mimic-cxr-jpg": (mimic, "impression,report"),
    "chexpert-plus": (chexpert, "impression,report"),
    "open-i": (open_i, "impression,findings"),
    "open-i-xml": (nlmcxr, "impression,findings"),
    "huggingface": (saved_to_disk, "text"),
    "huggingface-parquet": (parquet, "impression"),
    "webdataset": (shards, "txt"),
}


def damaged(content, chance):
    """Change bytes, cut, double or swap parts of a file; a table also loses or repeats columns and rows."""
    at, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    end = min(end, at + 200)
    kind = chance.randrange(8)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[end:]
    if kind == 2:
        return content[:end] + content[at:]
    if kind == 3:
        return content[:at] + chance.choice(JUNK) * chance.choice((1, 1, 3)) + content[at:]
    if kind == 4:
        return bytes(byte ^ (chance.random() < 0.02) * chance.randrange(256) for byte in content)
    lines = content.split(b"\n")
    if kind == 5:
        chance.shuffle(lines)
        return b"\n".join(lines)
    if kind == 6:
        column = chance.randrange(4)
        cells = [line.split(b",") for line in lines]
        return b"\n".join(b",".join(row[:column] + row[column + 1 :]) for row in cells)
    row = chance.randrange(len(lines))
    return b"\n".join([*lines[:row], lines[row].replace(b"1", chance.choice(JUNK)), *lines[row:]])


def harm(file, chance):
    """Damage one file; a gzipped one mostly inside."""
    content = file.read_bytes()
    if file.suffix == ".gz" and chance.random() < 0.8:
        file.write_bytes(gzip.compress(damaged(gzip.decompress(content), chance), 1))
    else:
        file.write_bytes(damaged(content, chance))


@pytest.mark.parametrize("name", quick(2, FORMATS))
def test_a_damaged_tree_gives_a_cohort_or_one_sentence(tmp_path, name):
    make, section = FORMATS[name]
    root = tmp_path / "tree"
    root.mkdir()
    make(root)
    whole = tmp_path / "whole"
    shutil.copytree(root, whole)
    files = [
        file for file in sorted(root.rglob("*")) if file.is_file() and file.suffix not in (".png", ".jpg")
    ]
    chance = random.Random(name)
    outcomes: dict[str, int] = {"read": 0, "refused": 0}
    told: list[str] = []
    for _ in range(CASES):
        harmed = chance.sample(files, chance.choice((1, 1, 1, 2)) if len(files) > 1 else 1)
        for file in harmed:
            if chance.random() < 0.05:
                file.unlink()
            else:
                harm(file, chance)
        options = ReadOptions(
            section=chance.choice((None, section)),
            views=chance.choice(("all", "all", "frontal")),
            split=chance.choice((None, None, "official", "random")),
        )
        try:
            reading = read(root, options, chance.choice((None, name.removesuffix("-parquet"))))
            assert isinstance(reading.cohort, Cohort)
            assert reading.summary.pairs == len(reading.cohort) > 0
            outcomes["read"] += 1
        except InputError as error:
            told.append(str(error))
            outcomes["refused"] += 1
        for file in harmed:
            shutil.copy(whole / file.relative_to(root), file)
    assert not [message for message in told if SECRETS.search(message)]
    assert all(outcomes.values()), outcomes
