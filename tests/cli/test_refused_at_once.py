"""What can be refused without a tensor or a table is refused before one is imported."""

import pytest

from loading import HEAVY, among

CALL = """
import contextlib, io, os, sys
os.chdir({folder!r})
sys.argv = {line!r}
from relinkage.cli import main
status, told = 0, io.StringIO()
try:
    with contextlib.redirect_stderr(told):
        main()
except SystemExit as end:
    status = end.code or 0
open({said!r}, "w").write(f"{{status}}\\n{{told.getvalue()}}")
"""

LINES = [
    ("cohort missing", "missing does not exist; name a cohort's table or folder."),
    ("cohort mimic-cxr-jpg:missing", "missing does not exist; name a cohort's table or folder."),
    ("cohort . --out letter.txt", "letter.txt is not a cohort table; name a .parquet or .csv file to write."),
    ("cohort . --train-share 2", "--train-share 2 is not a valid share; give a number above 0 and below 1."),
    (
        "embed missing --model m --out new",
        "missing does not exist; name a cohort's table or folder.",
    ),
    ("embed . --model phantom:report --out letter", "letter is a file; name a folder to write to."),
    (
        "embed . --model phantom:report --out drawer",
        "drawer holds files that relinkage did not write; name a new or an empty folder.",
    ),
    (
        "embed . --model m --out e --device tpu",
        "--device tpu is not a valid device; give auto, cpu or cuda.",
    ),
    ("phantom letter", "letter is a file; name a folder to write to."),
    ("demo --out drawer", "drawer holds files that relinkage did not write; name a new or an empty folder."),
    ("retrieve missing --query 1", "EMB missing does not exist; name a file or folder that does."),
    ("retrieve . --query 1 --out letter", "letter is a file; name a folder to write to."),
    ("retrieve . --query 1 --cohort missing", "missing does not exist; name a cohort's table or folder."),
    (
        "retrieve . --image missing.png",
        "--image missing.png does not exist; give a radiograph as a PNG, JPEG or DICOM file.",
    ),
    ("map . --heads missing --out new", "--heads missing does not exist; name a file or folder that does."),
    (
        "run share-imges --out new",
        "PLAN share-imges is not a scenario; did you mean share-images, or name a TOML file.",
    ),
    ("run share-images --out letter", "letter is a file; name a folder to write to."),
    ("check . --policy nowhere.toml", "nowhere.toml does not exist; name a TOML file that does."),
    (
        "check . --policy hospitl",
        "--policy hospitl is not a policy that comes along; did you mean hospital, or name a TOML file.",
    ),
    ("map . --out letter", "letter is a file; name a folder to write to."),
]


def called(ask, folder, *arguments):
    """Call a command in a process of its own; give its exit status, its last line, and what is loaded."""
    said = folder / "said"
    loaded = ask(CALL.format(folder=str(folder), line=["relinkage", *arguments], said=str(said)))
    status, *lines = said.read_text().splitlines(keepends=True)
    return int(status), "".join(lines), among(loaded, HEAVY)


@pytest.mark.parametrize(("line", "says"), LINES, ids=[line for line, _ in LINES])
def test_a_request_is_refused_before_anything_heavy_is_loaded(ask, tmp_path, line, says):
    (tmp_path / "letter").touch()
    (tmp_path / "drawer").mkdir()
    (tmp_path / "drawer/thesis.txt").touch()
    assert called(ask, tmp_path, *line.split()) == (2, f"relinkage: {says}\n", [])


def test_the_models_are_listed_without_loading_one(ask, tmp_path):
    assert called(ask, tmp_path, "models") == (0, "", [])
    assert called(ask, tmp_path, "models", "--offline-plan", "biomedclip", "--json")[0::2] == (0, [])


def test_the_types_of_an_embeddings_folder_load_no_tensors(ask):
    loaded = ask(
        "from relinkage.embeddings.manifest import Manifest; from relinkage.encoders.card import EncoderCard"
    )
    assert among(loaded, HEAVY) == []
