"""The embedding pass: what it leaves in the folder, and what it refuses."""

import json

import numpy as np
import polars as pl
import pytest
from sketch_encoder import REPORTS, SketchEncoder

from relinkage.cohorts import with_split
from relinkage.cohorts.text import report_hash
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.errors import InputError
from relinkage.images import open_image
from relinkage.records import json_text, plain

pytestmark = pytest.mark.usefixtures("trusted")

SMALL = EmbedSettings(batch=2, shard_rows=4, max_left_out=0.5)


def features_one_by_one(cohort, encoder, rows):
    images = [encoder.preprocess(open_image(cohort.image_paths()[row], cohort.root))[None] for row in rows]
    return np.concatenate([encoder.encode_images(image) for image in images])


def test_every_row_gets_the_features_of_its_own_image_and_report(make_cohort, tmp_path):
    cohort, encoder = make_cohort(), SketchEncoder()
    embeddings = embed(cohort, encoder, tmp_path / "emb", settings=SMALL)
    assert embeddings.pairs["pair_id"].to_list() == cohort.pairs["pair_id"].to_list()
    np.testing.assert_allclose(embeddings.image_features, features_one_by_one(cohort, encoder, range(11)))
    texts = embeddings.text_features[embeddings.pairs["report_row"].to_numpy()]
    first = [REPORTS[2] if row % 5 == 1 else REPORTS[row % 5] for row in range(11)]
    np.testing.assert_array_equal(texts, encoder.encode_texts(first).features)


def test_embeddings_are_the_features_through_the_encoders_own_heads(make_cohort, tmp_path):
    encoder = SketchEncoder()
    embeddings = embed(make_cohort(), encoder, tmp_path / "emb", settings=SMALL)
    weight = encoder.heads.image.weight.detach().numpy()
    projected = embeddings.image_features @ weight.T
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings.image_embeddings, projected, atol=1e-6)
    assert embeddings.text_embeddings.shape == (len(embeddings.text_features), 4)
    assert np.array_equal(embeddings.heads.image.weight.detach().numpy(), weight)


def test_towers_without_heads_leave_features_only(make_cohort, tmp_path):
    embeddings = embed(make_cohort(), SketchEncoder(heads=False), tmp_path / "emb", settings=SMALL)
    assert embeddings.image_embeddings is None
    assert embeddings.text_embeddings is None
    assert embeddings.heads is None
    assert not (tmp_path / "emb/heads.safetensors").exists()


def test_equal_reports_are_encoded_once_in_order_of_first_appearance(make_cohort, tmp_path):
    cohort, encoder = make_cohort(), SketchEncoder()
    pairs = embed(cohort, encoder, tmp_path / "emb", settings=SMALL).pairs
    assert encoder.texts == [REPORTS[row] for row in (0, 2, 3, 4)]
    assert pairs["report_row"].to_list() == [0, 1, 1, 2, 3, 0, 1, 1, 2, 3, 0]
    assert pairs["report_hash"].to_list() == [
        report_hash(text, cohort.salt()) for text in cohort.pairs["report"]
    ]
    assert pairs["report_words"].to_list() == [len(text.split()) for text in cohort.pairs["report"]]
    assert pairs["truncated"].to_list() == [row % 5 == 0 for row in range(11)]


def test_batches_and_shards_have_the_sizes_that_were_set(make_cohort, tmp_path):
    encoder = SketchEncoder()
    embed(make_cohort(), encoder, tmp_path / "emb", settings=EmbedSettings(batch=3, shard_rows=5))
    assert encoder.image_batches == [3, 2, 3, 2, 1]
    assert sorted(path.name for path in (tmp_path / "emb").iterdir()) == [
        "heads.safetensors",
        "image-00000.safetensors",
        "image-00001.safetensors",
        "image-00002.safetensors",
        "left_out.csv",
        "manifest.json",
        "pairs.parquet",
        "text-00000.safetensors",
    ]


def test_unreadable_images_and_empty_reports_are_listed_counted_and_left_out(make_cohort, tmp_path):
    cohort, encoder = make_cohort(unreadable=(4, 5, 6, 7), empty=(2,)), SketchEncoder()
    cohort.image_paths()[9].unlink()
    settings = EmbedSettings(batch=2, shard_rows=3, max_left_out=0.6)
    embeddings = embed(cohort, encoder, tmp_path / "emb", settings=settings)
    assert embeddings.pairs["pair_id"].to_list() == [f"pair-{row}" for row in (0, 1, 3, 8, 10)]
    np.testing.assert_allclose(
        embeddings.image_features, features_one_by_one(cohort, encoder, (0, 1, 3, 8, 10))
    )
    assert pl.read_csv(tmp_path / "emb/left_out.csv").rows() == [
        ("pair-2", "the report is empty"),
        *((f"pair-{row}", "the file is not a PNG, JPEG or DICOM image") for row in (4, 5, 6, 7)),
        ("pair-9", "the image is missing"),
    ]
    assert plain(embeddings.manifest.counts) == {
        "rows": 11,
        "pairs": 5,
        "studies": 5,
        "patients": 4,
        "reports": 3,
        "texts": 3,
        "left_out": {
            "the file is not a PNG, JPEG or DICOM image": 4,
            "the image is missing": 1,
            "the report is empty": 1,
        },
        "respelled": 1,
    }


def test_the_manifest_says_what_was_embedded_how_and_by_what(make_cohort, tmp_path):
    cohort = make_cohort()
    made = embed(cohort, SketchEncoder(), tmp_path / "emb", settings=SMALL).manifest
    manifest = json.loads(json_text(made))
    assert manifest == json.loads((tmp_path / "emb/manifest.json").read_text())
    assert manifest["schema"] == "relinkage.embeddings/1"
    assert manifest["cohort"] == {
        "name": "sketches",
        "fingerprint": cohort.fingerprint(),
        "synthetic": False,
    }
    assert manifest["encoder"]["revision"] == "1"
    assert manifest["settings"] == {
        "batch": 2,
        "shard_rows": 4,
        "max_left_out": 0.5,
        "keep": [],
        "label": [],
        "token_budget": None,
    }
    assert (manifest["cut_share"], manifest["truncated_share"]) == (None, 0.25)
    assert manifest["labels"] == ["Edema"]
    assert {"relinkage", "torch", "numpy"} <= manifest["versions"].keys()


def test_a_cohort_without_a_split_gets_one_that_no_patient_crosses(make_cohort, tmp_path):
    cohort, encoder = make_cohort(), SketchEncoder()
    embeddings = embed(cohort, encoder, tmp_path / "emb", settings=EmbedSettings(seed=3, train_share=0.5))
    expected = with_split(cohort, seed=3, train=0.5).pairs
    assert embeddings.pairs["split"].to_list() == expected["split"].to_list()
    assert plain(embeddings.manifest.split) == {"by": "patient_id", "train": 0.5, "seed": 3}
    trained = expected.filter(pl.col("split") == "train")["report"]
    assert encoder.fitted_on == [REPORTS[2] if text == REPORTS[1] else text for text in trained]


def test_a_cohorts_own_split_is_kept(make_cohort, tmp_path):
    own = ["train"] * 4 + ["validate"] * 3 + ["test"] * 3 + [None]
    encoder = SketchEncoder()
    embeddings = embed(make_cohort(split=own, empty=(0,)), encoder, tmp_path / "emb", settings=SMALL)
    assert embeddings.pairs["split"].to_list() == own[1:]
    assert plain(embeddings.manifest.split) == {"column": "split"}
    assert encoder.fitted_on == [REPORTS[row] for row in (2, 2, 3)]


def test_neither_report_text_nor_image_paths_leave_the_cohort(make_cohort, tmp_path, contents):
    secret = [f"Zanzibar {row}" for row in range(11)]
    cohort = make_cohort(report=secret, note=[f"quagga{row}" for row in range(11)])
    pairs = embed(cohort, SketchEncoder(), tmp_path / "emb", settings=SMALL).pairs
    cells = " ".join(str(cell) for row in pairs.rows() for cell in row)
    written = b" ".join(contents(tmp_path / "emb").values())
    for word in ("Zanzibar", "quagga", "images/"):
        assert word not in cells
        assert word.lower().encode() not in written.lower()


def test_ids_categories_labels_and_named_columns_leave(make_cohort, tmp_path):
    cohort = make_cohort(finding=["a", "b"] * 5 + ["a"], name=["Jane Doe"] * 11)
    settings = EmbedSettings(keep=("finding",))
    pairs = embed(cohort, SketchEncoder(), tmp_path / "emb", settings=settings).pairs
    assert pairs.columns == [
        *("pair_id", "study_id", "patient_id", "split", "view", "age", "finding", "Edema"),
        *("report_hash", "report_words", "report_row", "cut", "truncated"),
    ]
    assert pairs["Edema"].to_list() == cohort.pairs["Edema"].to_list()


@pytest.mark.parametrize(
    ("columns", "keep", "message"),
    [
        ({}, ("finding",), "no column finding to keep"),
        ({}, ("report",), "report never leaves the cohort"),
        ({"finding": ["x"] * 10 + ["x" * 41]}, ("finding",), "finding has a value of more than 40 .* row 11"),
        ({"view": ["Seen from the front, " * 3] * 11}, (), "view has a value of more than 40 .* row 1;"),
        ({"truncated": [1, 0] * 5 + [1]}, (), "column truncated has a name that embeddings use"),
    ],
)
def test_a_column_that_may_not_leave_is_refused(make_cohort, tmp_path, columns, keep, message):
    with pytest.raises(InputError, match=message) as refusal:
        embed(make_cohort(**columns), SketchEncoder(), tmp_path / "emb", settings=EmbedSettings(keep=keep))
    assert "xxx" not in str(refusal.value)
    assert not (tmp_path / "emb").exists()


def test_too_many_unusable_rows_are_an_error_that_leaves_nothing(make_cohort, tmp_path):
    cohort = make_cohort(20, unreadable=(7, 8), empty=(12,))
    embed(cohort, SketchEncoder(), tmp_path / "enough", settings=EmbedSettings(max_left_out=0.15))
    message = (
        r"3 of the cohort's 20 rows .* 14.0% allowed \(2 × the file is not .*; 1 × .*; the first is row 8\)"
    )
    with pytest.raises(InputError, match=message):
        embed(cohort, SketchEncoder(), tmp_path / "emb", settings=EmbedSettings(max_left_out=0.14, batch=2))
    assert not (tmp_path / "emb").exists()


def test_they_end_the_run_as_soon_as_they_are_too_many(make_cohort, tmp_path):
    encoder = SketchEncoder()
    with pytest.raises(InputError, match="At least 3 of the cohort's 20 rows"):
        embed(
            make_cohort(20, unreadable=range(4, 20)),
            encoder,
            tmp_path / "emb",
            settings=EmbedSettings(batch=1, shard_rows=2, max_left_out=0.1),
        )
    assert encoder.image_batches == [1, 1, 1, 1]


def test_a_cohort_without_one_usable_row_is_an_error(make_cohort, tmp_path):
    settings = EmbedSettings(max_left_out=1)
    with pytest.raises(InputError, match="No row of the cohort has a readable image and a report"):
        embed(make_cohort(4, unreadable=range(4)), SketchEncoder(), tmp_path / "emb", settings=settings)
    assert not (tmp_path / "emb").exists()


def test_features_that_are_not_finite_are_an_error(make_cohort, tmp_path):
    encoder = SketchEncoder()
    encoder.encode_images = lambda pixels: np.full((len(pixels), 16), np.nan, np.float32)
    with pytest.raises(InputError, match="sketch gives NaN or infinity"):
        embed(make_cohort(), encoder, tmp_path / "emb", settings=SMALL)
    assert not (tmp_path / "emb").exists()


def test_a_folder_of_other_things_is_left_alone(make_cohort, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds files that relinkage did not write"):
        embed(make_cohort(), SketchEncoder(), tmp_path / "other", settings=SMALL)
    with pytest.raises(InputError, match="is a file"):
        embed(make_cohort(), SketchEncoder(), tmp_path / "other/thesis.txt", settings=SMALL)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/manifest.json").write_text(json.dumps({"schema": "another/1"}))
    with pytest.raises(InputError, match=r"is not the manifest of embeddings .*; name another folder"):
        embed(make_cohort(), SketchEncoder(), tmp_path / "audit", settings=SMALL)
    assert (tmp_path / "other/thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"batch": 0}, {"shard_rows": 0}, {"workers": -1}, {"max_left_out": 1.5}, {"max_left_out": -0.1}),
        *({"token_budget": 0}, {"token_budget": -1}),
    ],
)
def test_settings_are_checked(wrong):
    with pytest.raises(InputError):
        EmbedSettings(**wrong)


def test_the_number_of_threads_changes_nothing(make_cohort, tmp_path, contents):
    cohort = make_cohort(unreadable=(3,))
    for workers in (1, 5):
        settings = EmbedSettings(batch=2, shard_rows=4, max_left_out=0.5, workers=workers)
        embed(cohort, SketchEncoder(), tmp_path / str(workers), settings=settings)
    assert contents(tmp_path / "1") == contents(tmp_path / "5")
    assert len(read_embeddings(tmp_path / "5")) == 10


def test_a_report_that_comes_first_does_not_decide_how_others_are_encoded(make_cohort, tmp_path):
    shouted = make_cohort(
        4, report=["NO ACUTE DISEASE.", "No acute disease.", "no  acute disease.", "Edema."]
    )
    encoders = SketchEncoder(), SketchEncoder()
    for name, encoder, pairs in zip("ab", encoders, (shouted.pairs, shouted.pairs[1:]), strict=True):
        embed(shouted.with_pairs(pairs.with_columns(split=pl.lit("test"))), encoder, tmp_path / name)
    assert encoders[0].texts == encoders[1].texts == ["no  acute disease.", "Edema."]


def test_the_spelling_of_most_studies_is_encoded_whatever_the_order_of_rows(make_cohort, tmp_path):
    """In its own case and with its own line breaks; a study's further images do not count."""
    spelled = ["NO EDEMA.", "NO EDEMA.", "NO EDEMA.", "No edema.", "No\nedema.", "No\nedema."]
    studies = ["s0", "s0", "s0", "s3", "s4", "s5"]
    cohort = make_cohort(6, report=spelled, study_id=studies, patient_id=studies, split=["test"] * 6)
    for name, order in (("a", range(6)), ("b", range(5, -1, -1)), ("c", (3, 0, 4, 1, 5, 2))):
        encoder = SketchEncoder()
        made = embed(cohort.with_pairs(cohort.pairs[list(order)]), encoder, tmp_path / name)
        assert made.manifest.counts.respelled == 1
        assert encoder.texts == ["No\nedema."]


def test_an_unreadable_image_does_not_change_what_is_encoded(make_cohort, tmp_path):
    spelled = ["No edema.", "NO EDEMA.", "No edema.", "Other."]
    encoder = SketchEncoder()
    cohort = make_cohort(4, report=spelled, unreadable=(0, 2))
    embed(cohort, encoder, tmp_path / "emb", settings=EmbedSettings(max_left_out=0.5))
    assert encoder.texts == ["No edema.", "Other."]


def test_labels_by_name_keep_a_label_that_one_cell_would_remove(make_cohort, tmp_path):
    slip = make_cohort(4, Edema=["1", "0", "2", None], Nodule=[1, 0, 1, 0])
    made = embed(slip, SketchEncoder(), tmp_path / "emb", settings=EmbedSettings(label=("Edema",)))
    assert made.labels == ("Edema",)
    assert made.pairs["Edema"].to_list() == [1, 0, None, None]
    assert "Nodule" not in made.pairs.columns
