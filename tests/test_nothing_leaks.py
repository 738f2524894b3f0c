"""What tells something of a patient leaves a cohort only where docs/written.md says so.

Ids, texts, names of files, further columns and what stands in images carry marks; every byte that a command
prints or writes is searched for them.
"""

from pathlib import Path

import pytest

from calling import relinkage
from every_command import lay_cohort, lines, mark, marks, model_lines, written

COHORT = {"pair", "study", "patient", "image", "report", "column", "cell"}
HELD = {
    "cohort": {"out.parquet": COHORT},
    "cohort to csv": {"out.csv": COHORT},
    "embed": {"out/pairs.parquet": {"pair", "study", "patient"}, "out/left_out.csv": {"pair"}},
    "audit": {"out/linkage.parquet": {"pair"}},
    "audit arrays": {"out/linkage.parquet": {"pair"}},
    "attack": {"out/linkage.parquet": {"pair"}},
}
"""What docs/written.md says: the kinds that a file may hold, by the command that writes it."""

NAMES = [*lines(Path(), Path())]
MODEL_NAMES = [*model_lines(Path(), Path())]


def found(folder):
    """The kinds that each file below a folder holds, as far as it holds any."""
    files = {
        str(file.relative_to(folder)): marks(written(file)) for file in folder.rglob("*") if file.is_file()
    }
    return {name: kinds for name, kinds in files.items() if kinds}


def check(line, folder, held):
    """Run a command line that has to succeed: it prints nothing of anybody, and its files hold `held`."""
    outcome = relinkage(*line)
    assert outcome.status == 0, outcome.err
    assert marks((outcome.out + outcome.err).encode()) == set()
    assert found(folder) == held


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marked")
    assert relinkage("phantom", folder / "drawn", "--pairs", 40).status == 0
    lay_cohort(folder / "drawn", folder / "cohort")
    for number in (1, 2):
        (folder / f"cohort/images/{mark('image', number)}.png").write_bytes(mark("png").encode())
    return folder / "cohort"


def test_a_cohort_leaves_ids_alone_and_messages_leave_nothing(cohort, tmp_path):
    assert marks(written(cohort)) == {*COHORT, "dicom", "png"}  # or nothing could be found
    check(["cohort", cohort], tmp_path, {})
    check(["cohort", cohort, "--json"], tmp_path, {})
    check(["embed", cohort, "--model", "phantom:report", "--out", tmp_path / "out"], tmp_path, HELD["embed"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_command_writes_what_the_page_says_and_prints_nothing_of_anybody(room, tmp_path, name):
    held = {file: kinds for file, kinds in HELD.get(name, {}).items() if file != "out/left_out.csv"}
    check(lines(room, tmp_path / "out")[name], tmp_path, held)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_command_that_loads_a_model_writes_nothing_of_anybody(room_with_model, tmp_path, name):
    check(model_lines(room_with_model, tmp_path / "out")[name], tmp_path, {})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["audit", "audit arrays", "attack"])
def test_pseudonyms_leave_no_id_at_all(room, tmp_path, name):
    (tmp_path / "key").write_bytes(bytes(range(32)))
    line = lines(room, tmp_path / "out")[name]
    check([*line, "--pseudonymise"], tmp_path, {})
    check([*line, "--pseudonym-key", tmp_path / "key"], tmp_path, {})


@pytest.mark.slow
def test_what_results_print_as_json_holds_nothing_of_anybody(room, tmp_path):
    for name in ("audit", "compare", "utility", "retrieve", "sweep"):
        held = HELD.get(name, {})
        check([*lines(room, tmp_path / name / "out")[name], "--json"], tmp_path / name, held)


@pytest.mark.slow
def test_retrieve_shows_texts_and_ids_of_pairs_where_it_was_given_the_cohort_and_no_more(room, tmp_path):
    line = [*lines(room, tmp_path / "out")["retrieve"], "--cohort", room / "cohort"]
    outcome = relinkage(*line)
    assert outcome.status == 0
    assert marks((outcome.out + outcome.err).encode()) == {"pair", "report"}
    assert found(tmp_path) == {"out/retrieval.json": {"pair"}, "out/retrieval.html": {"pair", "report"}}


@pytest.mark.slow
def test_columns_leave_where_they_are_named(room, tmp_path):
    line = lines(room, tmp_path / "out")["embed"]
    held = {"out/pairs.parquet": {"pair", "study", "patient", "column", "cell"}}
    outcome = relinkage(*line, "--keep", mark("column"))
    assert outcome.status == 0
    assert found(tmp_path) == held | {"out/manifest.json": {"column"}}
