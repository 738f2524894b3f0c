"""`relinkage map`, as a person calls it: maps, the figures beside them, and requests that are wrong."""

import json

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from calling import done, refused
from relinkage.alignment import read_heads
from relinkage.embeddings import read_embeddings
from relinkage.embeddings.shards import write_shard
from relinkage.encoders import save_heads
from relinkage.records import json_schema, json_text, read_record
from relinkage.retrieval import MapResult, MapSettings
from relinkage.studies import draw_maps
from usefulness.planted_labels import plant, rotation, turned

pytest.importorskip("openTSNE")

QUICK = ("--sample", "40", "--perplexity", "5", "--neighbours", "5")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out planted embeddings, and heads that turn reports away from images."""
    folder = tmp_path_factory.mktemp("mapping")
    plant(folder / "emb", patients=80, noise=0.4)
    plant(folder / "towers", patients=30, heads=False)
    save_heads(turned(rotation()), folder / "turned.safetensors")
    (folder / "letter").write_text("a file where a folder was meant")
    return folder


@pytest.fixture(scope="module")
def drawn(desk, tmp_path_factory):
    """Map the own heads beside the turned ones; give the folder and the outcome."""
    out = tmp_path_factory.mktemp("maps") / "out"
    outcome = done(
        "map", desk / "emb", "--heads", desk / "turned.safetensors", "--label", "Edema", *QUICK, "--out", out
    )
    return out, outcome


@pytest.fixture(scope="module")
def result(drawn):
    return json.loads((drawn[0] / "map.json").read_text())


def quick(**choices):
    return MapSettings(sample=40, perplexity=5, neighbours=5, early=5, steps=5, replicates=200, **choices)


def test_the_result_is_of_the_published_schema_and_the_maps_are_named(result, drawn):
    schema = json_schema(MapResult)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(result)
    read = read_record(drawn[0] / "map.json", MapResult, "maps", "draw them again")
    assert json.loads(json_text(read)) == result
    assert [made["name"] for made in result["maps"]] == ["own heads", "turned.safetensors"]
    assert [colouring["key"] for colouring in result["colourings"]] == ["Edema", "side"]
    assert result["sample"]["pairs"] == 40


def test_both_maps_show_the_same_pairs_and_the_table_holds_every_point(desk, drawn, result):
    points = pl.read_parquet(drawn[0] / "maps.parquet")
    pairs = read_embeddings(desk / "emb").pairs
    assert len(points) == 2 * 2 * 40
    own, turned_heads = points.partition_by("model", maintain_order=True)
    assert own["row"].equals(turned_heads["row"])
    assert own["side"].to_list() == ["image"] * 40 + ["report"] * 40
    assert own["Edema"].to_list() == pairs["Edema"].gather(own["row"]).to_list()
    assert np.isfinite(points.select("x", "y").to_numpy()).all()
    assert pairs["split"].gather(own["row"]).unique().to_list() == ["test"]
    assert not {"pair_id", "study_id", "patient_id", "report_hash"} & set(points.columns)


def test_neighbours_share_a_planted_label_far_above_chance_and_a_turn_parts_the_sides(result):
    own, apart = result["maps"]
    assert own["neighbours"]["Edema"]["space"]["low"] > own["neighbours"]["Edema"]["chance"]
    side = [made["neighbours"]["side"]["space"]["value"] for made in (own, apart)]
    assert side[0] < side[1] > 0.6
    assert own["neighbours"]["side"]["chance"] == pytest.approx(0.5)
    assert apart["alignment"] > own["alignment"] + 0.5


def test_labels_that_tell_nothing_sit_on_chance_whatever_the_map_looks_like(desk, tmp_path):
    plant(tmp_path / "emb", patients=80)
    pairs = pl.read_parquet(tmp_path / "emb/pairs.parquet")
    shuffled = np.random.default_rng(0).integers(0, 2, len(pairs)).astype(np.int8)
    pairs.with_columns(pl.Series("Edema", shuffled)).write_parquet(tmp_path / "emb/pairs.parquet")
    found = (
        draw_maps(read_embeddings(tmp_path / "emb"), (), quick(label=("Edema",)))
        .result.maps[0]
        .neighbours["Edema"]
    )
    assert found.space.low < found.chance < found.space.high


def test_the_same_request_gives_the_same_bytes(desk, tmp_path):
    for name in ("one", "two"):
        done("map", desk / "emb", *QUICK, "--out", tmp_path / name)
    for file in ("map.json", "map.html", "maps.parquet", "figures/map-1.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_figures_and_places_do_not_depend_on_the_order_of_rows(desk, tmp_path):
    """Most reports are one template, and the same pairs stand in the table in two orders."""
    planted = plant(tmp_path / "emb", patients=80)
    random = np.random.default_rng(3)
    template = random.random(len(planted)) < 0.7
    pairs = planted.pairs.with_columns(
        report_row=pl.when(pl.Series(template)).then(0).otherwise("report_row").cast(pl.Int32)
    )
    shard = tmp_path / "emb/image-00000.safetensors"
    images = load_file(shard)
    made = []
    for order in (np.arange(len(pairs)), random.permutation(len(pairs))):
        pairs[order].write_parquet(tmp_path / "emb/pairs.parquet")
        write_shard(shard, {name: np.ascontiguousarray(of[order]) for name, of in images.items()}, {})
        heads = (read_heads(desk / "turned.safetensors"),)
        made.append(draw_maps(read_embeddings(tmp_path / "emb"), heads, quick(label=("Edema",))))
    for one, other in zip(*(maps.result.maps for maps in made), strict=True):
        for key, figure in one.neighbours.items():
            assert msgspec.structs.asdict(figure.space) == pytest.approx(
                msgspec.structs.asdict(other.neighbours[key].space)
            )
            assert figure.map.value == pytest.approx(other.neighbours[key].map.value)
        assert one.kept.value == pytest.approx(other.kept.value)
        assert one.divergence == pytest.approx(other.divergence)
    places = [set(maps.points.select("model", "side", "x", "y").iter_rows()) for maps in made]
    assert places[0] == places[1]


def test_a_model_that_gives_one_vector_has_a_map_of_one_place_and_says_so(desk, tmp_path):
    plant(tmp_path / "emb", patients=80)
    for side in ("image", "text"):
        shard = tmp_path / f"emb/{side}-00000.safetensors"
        write_shard(shard, {name: np.ones_like(of) for name, of in load_file(shard).items()}, {})
    made = draw_maps(read_embeddings(tmp_path / "emb"), (), quick(label=("Edema",)))
    assert made.points.select("x", "y").n_unique() == 1
    assert made.result.maps[0].divergence == 0
    figure = made.result.maps[0].neighbours["Edema"]
    assert figure.space.value == figure.map.value == pytest.approx(figure.chance)
    assert made.result.notes == ("All vectors of own heads are equal, so its map is one place.",)


def test_the_page_states_how_many_are_shown_and_a_figure_beside_chance(drawn, result):
    page = (drawn[0] / "map.html").read_text()
    patients = result["sample"]["patients"]
    assert page.count("<figure") == 2
    for picture in (page, *((drawn[0] / f"figures/map-{n}.svg").read_text() for n in (1, 2))):
        told = picture.replace("\N{NO-BREAK SPACE}", " ")
        assert f"40 pairs of {patients} patients, split test" in told
        assert "chance 50 %" in told or "of the same class" in told
    assert "shows clusters even of noise" in page
    assert "patient-" not in page + drawn[1].out + drawn[1].err  # as the planted patients' ids begin


def test_the_terminal_says_what_the_file_says(drawn, result):
    lines = drawn[1].out
    gap = result["maps"][1]["modality_gap"]
    assert f"{gap:.3f}" in lines
    assert "turned.safetensors" in lines
    assert "same class, Edema or not" in lines
    assert "Note: What trained the heads of turned.safetensors is not known" in drawn[1].err


def test_a_cohort_without_labels_is_coloured_by_side_alone(desk, tmp_path):
    plant(tmp_path / "emb", patients=60)
    manifest = json.loads((tmp_path / "emb/manifest.json").read_text())
    (tmp_path / "emb/manifest.json").write_text(json.dumps({**manifest, "labels": []}))
    made = draw_maps(read_embeddings(tmp_path / "emb"), (), quick())
    assert [colouring.key for colouring in made.result.colourings] == ["side"]
    assert made.result.notes == (
        "The cohort has no labels, so points are coloured by image and report only.",
    )


def test_equal_names_are_told_apart(desk):
    heads = desk / "turned.safetensors"
    made = draw_maps(read_embeddings(desk / "emb"), 2 * (read_heads(heads),), quick())
    names = [panel.name for panel in made.result.maps]
    assert names == ["own heads", "turned.safetensors", "turned.safetensors (2)"]
    assert made.points["model"].unique(maintain_order=True).to_list() == names


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("map emb", "Missing option '--out'"),
        ("map towers --perplexity 5 --out new", "towers that share no space; train heads first"),
        ("map emb --heads missing --out new", "--heads missing does not exist"),
        ("map emb --label Drusen --perplexity 5 --out new", "emb has no label Drusen to colour by"),
        ("map emb --split holdout --out new", "emb has no pair in the split holdout"),
        (
            "map emb --sample 5 --out new",
            "--sample 5 is not a valid number of pairs",
        ),
        (
            "map emb --perplexity 1 --out new",
            "--perplexity 1 is not a valid perplexity; give a num",
        ),
        ("map emb --perplexity nan --out new", "--perplexity nan is not a valid perplexity"),
        ("map emb --perplexity 80 --out new", "--perplexity 80 needs 122"),
        ("map emb --neighbours 0 --out new", "--neighbours 0 is not a valid number of neighbours"),
        ("map emb --sample 12 --perplexity 2 --neighbours 23 --out new", "--neighbours 23 is more than"),
        ("map emb --out letter", "letter is a file; name a folder"),
        ("map emb --out emb", "emb holds files that relinkage did not write"),
        ("map missing --out new", "EMB missing does not exist"),
    ],
)
def test_requests_that_are_wrong_are_refused_in_one_sentence(desk, monkeypatch, line, says):
    monkeypatch.chdir(desk)
    assert says in refused(desk, *line.split())
