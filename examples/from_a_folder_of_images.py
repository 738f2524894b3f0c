"""From a table of images and reports to an audit, by a model of your choice.

The cohort is drawn here, so that the example runs anywhere; yours is a folder with a CSV of image, report,
study_id and patient_id, and a model such as clip:PATH.
"""

import tempfile
from pathlib import Path

import relinkage as rl
from relinkage.cohorts import read_cohort
from relinkage.cohorts.phantom import phantom_cohort
from relinkage.embeddings import embed
from relinkage.encoders import load_encoder

with tempfile.TemporaryDirectory() as folder:
    phantom_cohort(Path(folder) / "cohort", pairs=200)
    cohort = read_cohort(Path(folder) / "cohort")
    embed(cohort, load_encoder("phantom:report"), Path(folder) / "emb")
    audit = rl.audit(rl.open(Path(folder) / "emb"), split="test", pool="full", k=[1, 10])
    print(audit)
