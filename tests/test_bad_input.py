"""Bad input and wrong requests: one clear sentence, exit status 2, nothing written, nothing given away."""

import os
import shutil

import pytest

from calling import done, files, refused, relinkage
from desk import IDS, SECRETS, lay
from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts.tabular import read_table


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    lay(folder)
    return folder


@pytest.fixture
def refuse(desk, monkeypatch):
    """Give a function that runs a command at the desk; it has to be refused, in the words expected."""
    monkeypatch.chdir(desk)
    return lambda line, says: check(desk, line, says)


def check(folder, line, says):
    sentence = refused(folder, *line.split())
    for part in says.split(" … "):
        assert part in sentence
    assert not SECRETS.search(sentence), "the sentence holds report text or a patient's id"


@pytest.fixture
def sketch(monkeypatch):
    """Let the command line load an encoder that is small enough to read."""
    monkeypatch.setattr("relinkage.encoders.load_encoder", lambda model, options: SketchEncoder())


def cases(*table):
    """Make parameters of (command line, parts of the sentence), each called by its command line."""
    rows = [pytest.param(*row, id=row[0] or "nothing") for row in table]
    return pytest.mark.parametrize(("line", "says"), rows)


@cases(
    ("", "Missing command; see `relinkage --help`"),
    ("adit", "No such command 'adit'; see `relinkage --help`"),
    ("audit --pol 5", "No such option '--pol'; see `relinkage audit --help`"),
    ("audit emb towers", "extra argument (towers); see `relinkage audit --help`"),
    ("embed cohort --out new", "Missing option '--model'; see `relinkage embed --help`"),
    ("embed cohort --model phantom:report", "Missing option '--out'"),
    ("align emb", "Missing option '--out'"),
    ("page", "Missing argument 'RUN...'; see `relinkage page --help`"),
    ("audit", "name an embeddings folder, or both --images and --reports"),
    ("audit --images images.npy", "name an embeddings folder, or both --images and --reports"),
    ("audit emb --images images.npy", "--images does not go with an embeddings folder"),
    ("audit emb --pairs pairs.csv", "--pairs does not go with an embeddings folder"),
    (
        "audit --images images.npy --reports reports.npy --split test",
        "images.npy comes without a column split in its table of pairs",
    ),
    (
        "demo --out new --pairs 99",
        "--pairs 99 is not a valid number of pairs; give a whole number from 100",
    ),
    ("phantom new --pairs 0", "--pairs 0 is not a valid number of pairs; give a whole number from 1 up"),
    ("phantom new --seed -1", "--seed -1 is not a valid seed; give a whole number from 0 to 4294967295"),
    ("embed cohort --model phantom:report --out new --seed 4294967296", "--seed 4294967296 is not"),
)
def test_requests_that_make_no_sense(refuse, line, says):
    refuse(line, says)


@cases(
    ("missing.npy", "--reports missing.npy does not exist; name a file or folder that does"),
    ("folder.npy", "folder.npy is a folder; name an array file"),
    ("letter", "letter is not an array file; name one that ends in .npy, .npz, .safetensors, .parquet"),
    ("text.npy", "text.npy cannot be read as a .npy array"),
    ("empty.npy", "empty.npy cannot be read as a .npy array"),
    ("cut.npy", "cut.npy cannot be read as a .npy array"),
    ("pickled.npy", "pickled.npy cannot be read as a .npy array … no pickled objects"),
    ("text.parquet", "text.parquet cannot be read as a .parquet array"),
    ("text.safetensors", "text.safetensors cannot be read as a .safetensors array"),
    ("two.npz", "two.npz holds 2 arrays (images, reports); name one as two.npz:NAME"),
    ("two.npz:texts", "two.npz holds no array texts"),
    ("flat.npy", "flat.npy has 1 dimensions, shape (24,); give a matrix with a row per vector"),
    ("cube.npy", "cube.npy has 3 dimensions, shape (1, 24, 8)"),
    ("none.npy", "none.npy is empty, shape (0, 8); give at least one row"),
    ("whole.npy", "whole.npy holds int64 values; give float16, float32 or float64"),
    ("wide.npy", "images.npy has 8 dimensions and wide.npy has 12 … share no space … "
     "train heads on them first (`relinkage align`) and put those on with --heads HEADS"),
    ("short.npy", "24 images and 20 reports … in a column candidate of --pairs"),
    ("broken.npy", "broken.npy holds NaN or infinity in 2 of 24 rows, the first is row 3 (counting from 0)"),
    ("null.npy", "null.npy holds 2 vectors of length zero, the first is row 5 (counting from 0)"),
)  # fmt: skip
def test_reports_that_are_no_vectors_or_do_not_fit(refuse, line, says):
    refuse(f"audit --images images.npy --reports {line} --out new", says)


def test_images_are_held_to_the_same(refuse):
    refuse("audit --images broken.npy --reports reports.npy --out new", "broken.npy holds NaN or infinity")


@cases(
    ("missing.csv", "--pairs missing.csv does not exist; name a file or folder that does"),
    ("folder.npy", "folder.npy is a folder; name a CSV or Parquet file"),
    ("void.csv", "void.csv is empty; it needs a header and at least one row"),
    ("header.csv", "header.csv has 0 rows for 24 images; give a row per image"),
    ("few.csv", "few.csv has 20 rows for 24 images; give a row per image"),
    ("nameless.csv", "nameless.csv lacks the column pair_id"),
    ("headless.csv", "headless.csv lacks the column pair_id"),
    ("repeating.csv", "repeating.csv repeats a pair_id in 2 rows, the first is row 1"),
    ("beyond.csv", "not a row of the reports (0 to 23) in 1 rows, the first is row 24"),
    ("below.csv", "not a row of the reports (0 to 23) in 1 rows, the first is row 1"),
    ("wordy.csv", "not a row of the reports (0 to 23) in 1 rows, the first is row 2"),
    ("shared.csv", "shared.csv gives 1 studies more than one patient_id"),
    ("ragged.csv", "ragged.csv cannot be read as CSV ("),
    ("bytes.csv", "bytes.csv"),
    ("text.parquet", "text.parquet cannot be read as Parquet"),
)
def test_pairs_that_do_not_fit(refuse, line, says):
    refuse(f"audit --images images.npy --reports reports.npy --pairs {line} --out new", says)


@cases(
    ("--pool 25", "--pool 25 is larger than the 24 eligible candidates; give smaller sizes, or full"),
    ("--pool 0", "--pool 0 is not a valid pool size; give whole numbers from 2 up, or full"),
    ("--pool -5", "--pool -5 is not a valid pool size; give whole numbers from 2 up, or full"),
    ("--pool ten", "--pool ten is not a valid pool size; give whole numbers from 2 up, or full"),
    ("--pool ,", "--pool , is not a valid pool size"),
    ("--pool 99999999999999999999", "is larger than the 24 eligible candidates"),
    ("--k 25", "--k 25 is larger than the largest pool, 24; give smaller ranks"),
    ("--pool 5 --k 1,6", "--k 6 is larger than the largest pool, 5"),
    ("--k 0", "--k 0 is not a valid rank; give whole numbers from 1 up, separated by commas"),
    ("--k -1", "--k -1 is not a valid rank; give whole numbers from 1 up"),
    ("--k one", "--k one is not a valid rank; give whole numbers from 1 up"),
    (
        "--direction sideways",
        "--direction sideways is not a valid direction; give image-to-report, report-to-image or both",
    ),
    (
        "--distractors none",
        "--distractors none is not a valid choice of distractors; give all or other-patients",
    ),
    ("--interval 2", "--interval 2 is not a valid confidence level; give a number above 0 and below 1"),
    ("--interval nan", "--interval nan is not a valid confidence level"),
    ("--interval wide", "--interval wide is not a valid confidence level"),
    (
        "--replicates 99",
        "--replicates 99 is not a valid number of replicates; give a whole number from 100 up",
    ),
    ("--seed -1", "--seed -1 is not a valid seed; give a whole number from 0 to 4294967295"),
    (
        "--engine abacus",
        "--engine abacus is not a valid engine; give auto, cpu, native, gpu, ray or ray://HOST:PORT",
    ),
)
def test_choices_of_an_audit_that_cannot_be_had(refuse, line, says):
    refuse(f"audit --images images.npy --reports reports.npy --out new {line}", says)


@cases(
    ("letter", "letter is a file; name a folder to write to"),
    ("drawer", "drawer holds files that relinkage did not write; name a new or an empty folder"),
    ("emb", "emb holds files that relinkage did not write; name a new or an empty folder"),
    ("letter/new", "letter is a file … name a folder"),
)
def test_a_place_that_cannot_be_written_to(refuse, line, says):
    arrays = "--images images.npy --reports reports.npy"
    refuse(f"audit {arrays} --out {line}", says)
    # The same again before the work and not after it: a long audit is not thrown away for a typing error.
    refuse(f"audit --images null.npy --reports reports.npy --out {line}", says)


@cases(
    ("demo --out letter", "letter is a file; name a folder to write to"),
    ("demo --out drawer", "drawer holds files that relinkage did not write"),
    ("demo --out letter/new", "letter is a file"),
    ("phantom cohort", "cohort holds files that relinkage did not write"),
    ("align emb --out letter", "letter is a file; name a folder to write to"),
    ("align emb --out drawer", "drawer holds files that relinkage did not write"),
    ("align emb --out towers", "towers holds files that relinkage did not write"),
    ("align emb --out emb", "emb holds files that relinkage did not write"),
    ("page run --out letter/page.html", "letter is a file; name a folder to write to"),
    ("page run --out drawer", "--out drawer is not an HTML file; give a name that ends in .html"),
)
def test_nobody_loses_what_relinkage_did_not_write(desk, tmp_path, monkeypatch, line, says):
    copy = shutil.copytree(desk, tmp_path / "desk", symlinks=True)
    monkeypatch.chdir(copy)
    check(copy, line, says)


@cases(
    ("letter", "letter is a file; name a folder to write to"),
    ("drawer", "drawer holds files that relinkage did not write"),
    ("letter/new", "letter is a file; name a folder to write to"),
    (
        "heads",
        "heads/manifest.json is not the manifest of embeddings … name another folder",
    ),
)
def test_an_embedding_pass_has_to_have_a_place_too(refuse, sketch, line, says):
    refuse(f"embed cohort --model sketch --out {line}", says)


@cases(
    ("missing", "missing does not exist; name a cohort's table or folder"),
    ("drawer", "drawer holds no cohort table; put cohort.parquet or cohort.csv there"),
    ("letter", "letter is not a cohort table; name a .csv, .csv.gz or .parquet file"),
    ("cohort/void.csv", "void.csv is empty; it needs a header and at least one row"),
    ("cohort/empty.csv", "empty.csv has no rows; a cohort needs at least one pair"),
    ("cohort/lacking.csv", "lacking.csv lacks the column report"),
    ("cohort/headless.csv", "headless.csv lacks the column pair_id"),
    ("text.parquet", "text.parquet cannot be read as Parquet"),
    ("cohort/repeating.csv", "repeating.csv repeats a pair_id in 2 rows, the first is row 1"),
    ("cohort/unnamed.csv", "unnamed.csv has 1 rows without patient_id, the first is row 1"),
    ("cohort/shared.csv", "shared.csv gives 1 studies more than one patient_id, the first at row 1"),
    ("cohort/old.csv", "old.csv row 1 has an age that is neither a number of years nor"),
    ("cohort/up.csv", "up.csv row 1 has an image path that leaves the cohort's folder"),
    ("cohort/absolute.csv", "absolute.csv row 1 has an image path that leaves the cohort's folder"),
    ("cohort/drive.csv", "drive.csv row 1 has an image path that leaves the cohort's folder"),
    ("cohort/gone.csv", "None of the 24 images that cohort/gone.csv names is below cohort; name the folder"),
    ("cohort/gone.csv --max-left-out 1", "None of the 24 images that cohort/gone.csv names is below cohort"),
    ("cohort/blank.csv", "leaves no pair of an image and a report (24 × no report)"),
    ("cohort/text.csv --max-left-out 0", "1 of the cohort's 24 rows … not a PNG, JPEG or DICOM image; the"),
    ("cohort/link.csv --max-left-out 0", "1 of the cohort's 24 rows … outside the cohort's folder, behind"),
    ("cohort --root drawer", "None of the 24 images that cohort names is below drawer; name the folder that"),
    ("cohort --batch 0", "--batch 0 is not a valid batch; give a whole number from 1 up"),
    ("cohort --max-left-out 1.5", "--max-left-out 1.5 is not a valid share; give a number from 0 to 1"),
    ("cohort --train-share 1", "--train-share 1 is not a valid share; give a number above 0 and below 1"),
    ("cohort --split-by ward", "no column ward to split by; name one of their columns"),
    ("cohort --keep ward", "no column ward to keep; name one of its columns"),
    ("cohort --keep report", "The column report never leaves the cohort"),
)
def test_cohorts_that_cannot_be_embedded(refuse, sketch, line, says):
    refuse(f"embed {line} --model sketch --out new", says)


@pytest.mark.parametrize("name", ["text", "link"])
def test_a_few_unreadable_images_are_listed_and_left_out(desk, sketch, tmp_path, name):
    outcome = done("embed", desk / f"cohort/{name}.csv", "--model", "sketch", "--out", tmp_path / "emb")
    assert "23 pairs embedded, 1 left out (see left_out.csv)" in outcome.err
    left_out = read_table(tmp_path / "emb/left_out.csv")
    assert left_out["pair_id"].to_list() == IDS[:1]
    reason = {"text": "not a PNG, JPEG or DICOM image", "link": "outside the cohort's folder"}[name]
    assert reason in left_out["reason"][0]


@cases(
    ("gpt", "gpt is not an encoder that relinkage knows; give phantom:general|label|report, clip:MODEL"),
    ("phantom:chest", "phantom:chest does not exist; give phantom: and one of general, label, report"),
    ("clip:./missing", "./missing is neither a folder nor a hub id"),
    ("towers:one", "towers:one does not name two towers; give towers:IMAGE+TEXT"),
    ("clip:drawer", "drawer"),
)
def test_models_that_nobody_knows(refuse, line, says):
    refuse(f"embed cohort --model {line} --out new", says)


@cases(
    ("audit missing", "EMB missing does not exist; name a file or folder that does"),
    ("audit drawer", "drawer is not an embeddings folder; name one that `relinkage embed` wrote"),
    ("audit images.npy", "images.npy is not an embeddings folder"),
    ("audit run", "run is not an embeddings folder"),
    ("audit heads", "heads/manifest.json is not the manifest of an embeddings folder"),
    ("audit emb-unfinished", "emb-unfinished is unfinished; run `relinkage embed` again … which resumes"),
    (
        "audit emb-foreign",
        "emb-foreign/manifest.json is not … (schema relinkage.embeddings/1)",
    ),
    ("audit emb-lacking", "emb-lacking/manifest.json is not a valid file: the field cohort is missing"),
    (
        "audit emb-shardless",
        "emb-shardless/manifest.json is not a valid file: the value of shards is not",
    ),
    ("audit emb-cut", "image-00000.safetensors is damaged"),
    ("audit emb-plundered", "emb-plundered/pairs.parquet does not exist"),
    ("audit emb-stranger", "emb-stranger/pairs.parquet cannot be read as Parquet"),
    ("audit emb --split holdout", "emb has no pair in the split holdout (it has: test, train)"),
    ("audit towers", "towers that share no space; train heads first (`relinkage align towers --out HEADS`)"),
    ("audit emb --heads missing", "--heads missing does not exist; name a file or folder that does"),
    ("audit emb --heads emb", "emb holds no trained heads; name a folder that `relinkage align` wrote"),
    ("audit emb --heads drawer", "drawer holds no trained heads; name a folder that `relinkage align` wrote"),
    ("audit emb --heads text.safetensors", "text.safetensors cannot be read as projection heads"),
    ("audit emb --heads other.safetensors", "7 and 5 dimensions, emb has 16 and 26; train heads on these"),
    ("align missing", "EMB missing does not exist; name a file or folder that does"),
    ("align emb --train holdout", "emb has no pair in the split holdout (it has: test, train)"),
    ("align emb --steps 0", "--steps 0 is not a valid number of steps; give a whole number from 1 up"),
    ("align emb --batch 1", "--batch 1 is not a valid number of pairs"),
    ("align emb --lr nan", "--lr nan is not a valid learning rate"),
    ("align emb --lr 1e30 --steps 20", "Training diverged at step … give a smaller --lr"),
    ("align emb --temperature 0", "--temperature 0 is not a valid temperature"),
    ("align emb --objective magic", "--objective magic is not a valid objective; give infonce or multi-task"),
)
def test_embeddings_and_heads_that_are_none_or_do_not_fit(refuse, line, says):
    refuse(f"{line} --out new", says)


@cases(
    ("missing", "RUN missing does not exist; name a file or folder that does"),
    ("drawer", "drawer/audit.json does not exist; name an audit"),
    ("run missing", "missing does not exist"),
    ("images.npy", "images.npy is not JSON, or was cut short; name an audit"),
    ("run-cut", "run-cut/audit.json is not JSON, or was cut short … or run the audit again"),
    ("run-list", "run-list/audit.json is not a valid file: the value is not what this release writes"),
    ("run-bare", "run-bare/audit.json is not a valid file: the field version is missing; run the audit"),
    ("run-later", "is not an audit … with this release (schema relinkage.audit/1); run the audit again"),
    ("run-wordy", "the value of closed_set[0].recall is not what this release writes; run the audit again"),
    ("run-rowless", "the field direction of closed_set[0] is missing; run the audit again"),
    ("run-null", "the value of settings is not what this release writes; run the audit again"),
    ("run-nan", "run-nan/audit.json is not JSON, or was cut short"),
)
def test_runs_that_hold_no_audit(refuse, line, says):
    refuse(f"page {line} --out new.html", says)


def test_files_that_may_not_be_read_or_written(tmp_path, desk, monkeypatch):
    copy = shutil.copytree(desk, tmp_path / "desk", symlinks=True)
    monkeypatch.chdir(copy)
    (copy / "images.npy").chmod(0)
    if os.access("images.npy", os.R_OK):
        pytest.skip("this user may read and write everything")
    check(copy, "audit --images images.npy --reports reports.npy", "'images.npy' is not readable")
    (copy / "images.npy").chmod(0o600)
    (copy / "locked").mkdir(0o500)
    check(copy, "audit --images images.npy --reports reports.npy --out locked/new", "(Permission denied)")


@pytest.mark.parametrize(("cause", "status", "says"), [
    (MemoryError(), 2, "There is not enough memory"),
    (KeyboardInterrupt(), 130, "Interrupted; nothing half-written is left"),
    (OSError(28, "No space left on device", "new/card.md"), 2, "new/card.md cannot be … (No space left"),
])  # fmt: skip
def test_a_run_that_breaks_off_leaves_nothing(desk, monkeypatch, cause, status, says):
    monkeypatch.chdir(desk)

    def breaks(audits):
        raise cause

    monkeypatch.setattr("relinkage.pages.render_card", breaks)
    before = files(desk)
    outcome = relinkage("audit", "--images", "images.npy", "--reports", "reports.npy", "--out", "new")
    assert (outcome.status, outcome.out) == (status, "")
    assert all(part in outcome.err for part in says.split(" … "))
    assert len(outcome.err.split("\n")) <= 3  # click breaks the line after ^C
    assert files(desk) == before
