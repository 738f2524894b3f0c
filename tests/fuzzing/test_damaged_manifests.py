"""Damaged manifests of embeddings: the work is done, or one sentence says what is wrong."""

import json
import shutil
from unittest.mock import patch

import pytest

from calling import relinkage
from desk import lay_cohorts
from embeddings.sketch_encoder import SketchEncoder
from fuzzing.mutating import chance, damaged
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed
from usefulness.planted_labels import plant

pytestmark = pytest.mark.slow

SECRET = "Spiculated"
ODD = [
    None,
    True,
    0,
    -1,
    1,
    13,
    2**31,
    10**12,
    10**40,
    -0.5,
    1.5,
    1e300,
    "",
    SECRET,
    "a\0b",
    "../..",
    "é" * 10_000,
    "12",
    [],
    [1],
    [SECRET],
    ["Edema", "Edema"],
    ["patient_id"],
    [[[]]],
    {},
    {SECRET: 1},
    {"schema": SECRET},
]
RAW = [
    *(b"", b"{", b"[]", b"null", b"1e999", b"NaN", b"\xef\xbb\xbf{}", b"\xff\xfe", b'{"schema": "\\ud800"}'),
    *(b"[" * 200_000, b'{"a":' * 200_000, b'{"encoder": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
]
USES = {
    "audit": ("audit", "EMB", "--replicates", "100"),
    "align": ("align", "EMB", "--steps", "2", "--out", "OUT"),
    "utility": ("utility", "EMB", "--replicates", "100"),
    "retrieve": ("retrieve", "EMB", "--query", "1"),
    "map": (
        *("map", "EMB", "--sample", "30", "--perplexity", "3", "--neighbours", "3", "--early", "1"),
        *("--steps", "1", "--replicates", "100", "--out", "OUT"),
    ),
}


def places(value, path=()):
    """Give the paths of everything inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def harmed(random, content):
    """Give a manifest in which one or two things are gone, doubled, or something else; or other bytes."""
    if random.random() < 0.15:
        return damaged(random, content) if random.random() < 0.7 else RAW[int(random.integers(0, len(RAW)))]
    value = json.loads(content)
    for _ in range(1 + (random.random() < 0.2)):
        found = list(places(value))
        *above, last = found[int(random.integers(0, len(found)))]
        holder = value
        for key in above:
            holder = holder[key]
        match int(random.integers(0, 8)):
            case 0 | 1:
                del holder[last]
            case 2 if isinstance(holder, dict):
                holder[SECRET] = holder[last]
            case 3 if isinstance(holder, list):
                holder.append(holder[last])
            case _:
                holder[last] = ODD[int(random.integers(0, len(ODD)))]
    return json.dumps(value).encode()


def kept(line, folder, file, content, out):
    """Run a command on a folder with a file that is damaged; say whether it was done, or fail."""
    (folder / file).write_bytes(content)
    before = sorted(path.name for path in folder.iterdir())
    outcome = relinkage(*({"EMB": folder, "OUT": out}.get(part, part) for part in line))
    told = (line[0], content[:2000], outcome.err[-500:])
    assert outcome.status in (0, 2), told
    if outcome.status == 2:
        (sentence,) = outcome.err.splitlines()[-1:]
        assert sentence.startswith("relinkage: "), told
        assert sentence.endswith("."), told
        assert len(sentence) < 1000, told
        assert SECRET not in sentence, told
        assert outcome.out == "", told
        assert not out.exists(), told
        assert sorted(path.name for path in folder.iterdir()) == before, told
    if out.exists():
        shutil.rmtree(out)
    return outcome.status == 0


@pytest.fixture
def unforeseen(monkeypatch):
    """Let an unforeseen error come through as it is."""
    monkeypatch.setenv("RELINKAGE_DEBUG", "1")


@pytest.mark.parametrize("use", USES)
def test_every_reader_of_a_manifest_is_done_or_says_one_sentence(tmp_path, unforeseen, use):
    if use == "map":
        pytest.importorskip("openTSNE")
    folder, out = tmp_path / "emb", tmp_path / "out"
    plant(folder, patients=60)
    whole = (folder / "manifest.json").read_bytes()
    made = [
        kept(USES[use], folder, "manifest.json", harmed(chance(31, case), whole), out) for case in range(70)
    ]
    assert 0 < sum(made) < len(made) / 2
    assert kept(USES[use], folder, "manifest.json", whole, out)


@pytest.mark.parametrize("file", ["manifest.json", "progress.json"])
def test_a_pass_that_finds_a_damaged_manifest_is_done_or_says_one_sentence(tmp_path, unforeseen, file):
    lay_cohorts(tmp_path / "cohort")
    cohort, folder, out = tmp_path / "cohort", tmp_path / "emb", tmp_path / "out"
    embed(read_cohort(cohort), SketchEncoder(), folder)
    if file == "progress.json":
        shutil.rmtree(folder)
        with pytest.raises(RuntimeError):
            embed(read_cohort(cohort), SketchEncoder(batches=1), folder)
    start = shutil.copytree(folder, tmp_path / "start")
    whole = (folder / file).read_bytes()
    line = ("embed", cohort, "--model", "sketch", "--out", "EMB")
    done = 0
    with patch("relinkage.encoders.load_encoder", lambda *_, **__: SketchEncoder()):
        for case in range(120):
            if kept(line, folder, file, harmed(chance(32, case), whole), out):
                done += 1
                shutil.rmtree(folder)
                shutil.copytree(start, folder)
        assert kept(line, folder, file, whole, out)
    assert 0 < done < 60
