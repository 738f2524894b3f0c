"""What can be refused without a tensor or a table is refused before one is imported."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "polars", "scipy", "sklearn", "matplotlib", "numba", "transformers")
CALL = f"""
import sys
from relinkage.cli import main
try:
    main()
finally:
    print(*[name for name in {HEAVY} if name in sys.modules])
"""

LINES = [
    ("cohort missing", "missing does not exist; name a cohort's table or folder."),
    ("cohort mimic-cxr-jpg:missing", "missing does not exist; name a cohort's table or folder."),
    ("cohort . --out letter.txt", "letter.txt is no cohort table; name a .parquet or .csv file to write."),
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
    ("map . --out letter", "letter is a file; name a folder to write to."),
]


def called(folder, *arguments):
    """Call a command in a process of its own; give its exit status, its last line, and what is loaded."""
    line = [sys.executable, "-c", CALL, *arguments]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("line", "says"), LINES, ids=[line for line, _ in LINES])
def test_a_request_is_refused_before_anything_heavy_is_loaded(tmp_path, line, says):
    (tmp_path / "letter").touch()
    (tmp_path / "drawer").mkdir()
    (tmp_path / "drawer/thesis.txt").touch()
    assert called(tmp_path, *line.split()) == (2, f"relinkage: {says}\n", "")


def test_the_models_are_listed_without_loading_one(tmp_path):
    assert called(tmp_path, "models") == (0, "", "")
    assert called(tmp_path, "models", "--offline-plan", "biomedclip", "--json")[0::2] == (0, "")


def test_the_types_of_an_embeddings_folder_load_no_tensors():
    line = (
        "from relinkage.embeddings.manifest import Manifest; from relinkage.encoders.card import EncoderCard"
    )
    loaded = f"{line}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
