"""A cohort that does not say which studies are of one patient claims nothing of patients, from end to end."""

import polars as pl
import pytest
from sketch_encoder import SketchEncoder

from relinkage.cohorts import Cohort, read_cohort, with_split
from relinkage.cohorts.readers.summary import summarise
from relinkage.cohorts.table import UNKNOWN
from relinkage.cohorts.tabular import write_cohort
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.linkage import Links
from relinkage.privacy import harden
from relinkage.studies.auditing import BY_STUDY, audit

HARDEN = {"epsilon": 1.0, "delta": 1e-5, "population": 100, "batch": 4, "steps": 2, "seed": 0}


@pytest.fixture
def unknown(make_cohort):
    """Give a cohort of 40 pairs of 20 studies, of whose patients nothing is said."""
    studies = [f"study-{row // 2}" for row in range(40)]
    known = make_cohort(40, study_id=studies, Cardiomegaly=[row // 2 % 2 for row in range(40)])
    return Cohort.from_table(known.pairs.drop("patient_id"), known.root, known.name)


def test_a_table_without_patients_is_a_cohort_whose_patients_are_not_known(unknown):
    assert not unknown.patients_known
    assert unknown.notes == (UNKNOWN,)
    assert unknown.pairs["patient_id"].equals(unknown.pairs["study_id"], check_names=False)


def test_patients_that_are_all_blank_are_not_known(unknown):
    blank = Cohort.from_table(unknown.table().with_columns(patient_id=pl.lit(" ")), unknown.root, "blank")
    assert not blank.patients_known


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_does_not_name_patients_and_is_read_again_alike(tmp_path, unknown, ending):
    write_cohort(unknown, tmp_path / f"again.{ending}")
    again = read_cohort(tmp_path / f"again.{ending}", unknown.root)
    assert "patient_id" not in unknown.table().columns
    assert not again.patients_known
    assert again.pairs.equals(unknown.pairs)
    assert again.fingerprint() == unknown.fingerprint()


def test_a_split_keeps_studies_together_and_what_is_known(unknown):
    split = with_split(unknown, train=0.5)
    assert not split.patients_known
    assert split.notes == (UNKNOWN,)
    assert (split.pairs.group_by("study_id").agg(pl.col("split").n_unique())["split"] == 1).all()


def test_the_summary_claims_nothing_of_patients(unknown):
    summary = summarise(with_split(unknown), "table", {}, {})
    assert (summary.patients_known, summary.patients, summary.patients_in_several_splits) == (
        False,
        None,
        None,
    )
    assert {counts.patients for counts in summary.splits.values()} == {None}
    text = "\n".join(summary.lines())
    assert "patients not known" in text
    assert "patients in several splits: not known" in text


def test_embeddings_audits_and_statements_speak_of_studies(tmp_path, unknown):
    made = embed(unknown, SketchEncoder(), tmp_path / "emb", settings=EmbedSettings(train_share=0.5))
    assert not made.patients_known
    assert not made.manifest.patients_known
    assert made.manifest.counts.patients is None
    assert made.manifest.split.by == "study_id"
    assert made.manifest.notes == (UNKNOWN,)
    assert "patient_id" not in pl.read_parquet(tmp_path / "emb" / "pairs.parquet").columns

    found = audit(tmp_path / "emb", split="test", replicates=100, patient_level=True)
    assert not found.result.patients_known
    assert found.result.patients == found.result.studies
    assert BY_STUDY in found.result.notes
    assert not any(row.target == "patient" for row in found.result.targets)

    heads = harden(made, "train", HardenSettings(**HARDEN), tmp_path / "heads")
    stated = heads.manifest.privacy
    assert "one study with all its pairs" in stated.neighbours
    assert "for studies" in stated.sentence
    assert "add or remove one patient" not in stated.sentence
    assert stated.sampling == "Poisson sampling of studies"


def test_embeddings_of_known_patients_say_so(tmp_path, make_cohort):
    made = embed(make_cohort(40), SketchEncoder(), tmp_path / "emb")
    assert made.patients_known
    assert read_embeddings(tmp_path / "emb").manifest.counts.patients == 20
    stated = harden(made, "train", HardenSettings(**HARDEN), tmp_path / "heads").manifest.privacy
    assert stated.neighbours == "add or remove one patient with all pairs"


def test_a_pair_without_a_patient_is_of_its_studys_own_patient():
    pairs = pl.DataFrame(
        {"pair_id": ["a", "b", "c", "d"], "study_id": ["1", "1", "2", "3"], "patient_id": ["p", "p", "", " "]}
    )
    links = Links.from_pairs(pairs, 4, 4, "pairs")
    assert links.patients_known
    assert links.patient[0] == links.patient[1]
    assert links.patients == 3
    alone = pairs.with_columns(patient_id=pl.lit(""))
    assert not Links.from_pairs(alone, 4, 4, "pairs").patients_known
