"""A run that is broken anywhere and started again leaves the same bytes as one that was not."""

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from sketch_encoder import SketchEncoder

import warm
from relinkage.cohorts import read_cohort
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.embeddings.manifest import Beginning
from relinkage.errors import InputError
from relinkage.records import write_record

pytestmark = pytest.mark.usefixtures("trusted")

SMALL = EmbedSettings(batch=2, shard_rows=4, max_left_out=0.5)


@pytest.mark.parametrize("batches", range(9))
def test_an_encoder_that_fails_after_any_batch(make_cohort, tmp_path, contents, batches):
    cohort = make_cohort(unreadable=(1, 6), empty=(3,))
    whole = embed(cohort, SketchEncoder(), tmp_path / "whole", settings=SMALL)
    with pytest.raises(RuntimeError, match="the power went"):
        embed(cohort, SketchEncoder(batches=min(batches, 6)), tmp_path / "broken", settings=SMALL)
    assert not (tmp_path / "broken/manifest.json").exists()
    resumed = SketchEncoder()
    embed(cohort, resumed, tmp_path / "broken", settings=SMALL)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
    assert len(whole) == 8


def test_what_was_finished_is_not_encoded_again(make_cohort, tmp_path):
    cohort = make_cohort(12)
    with pytest.raises(RuntimeError):
        embed(cohort, SketchEncoder(batches=5), tmp_path / "emb", settings=SMALL)
    resumed = SketchEncoder()
    embed(cohort, resumed, tmp_path / "emb", settings=SMALL)
    assert resumed.image_batches == [2, 2]


def test_a_finished_folder_is_read_as_it_is(make_cohort, tmp_path, contents):
    cohort = make_cohort()
    embed(cohort, SketchEncoder(), tmp_path / "emb", settings=SMALL)
    before = contents(tmp_path / "emb")
    again = SketchEncoder()
    assert len(embed(cohort, again, tmp_path / "emb", settings=SMALL)) == 11
    assert again.image_batches == again.texts == []
    assert contents(tmp_path / "emb") == before


def test_a_kill_just_before_the_first_or_the_last_write_is_mended(make_cohort, tmp_path, contents):
    cohort = make_cohort()
    embed(cohort, SketchEncoder(), tmp_path / "whole", settings=SMALL)
    (tmp_path / "first").mkdir()
    (tmp_path / "first/.progress.partial-7.json").write_text("{")
    last = shutil.copytree(tmp_path / "whole", tmp_path / "last")
    shutil.copy(last / "manifest.json", last / "progress.json")
    for out in (tmp_path / "first", last):
        embed(cohort, SketchEncoder(), out, settings=SMALL)
        assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("change", "part"),
    [("cohort", "cohort"), ("encoder", "encoder"), ("settings", "settings"), ("seed", "split")],
)
def test_another_runs_folder_is_refused_and_kept(make_cohort, tmp_path, contents, finished, change, part):
    out = tmp_path / "emb"
    if finished:
        embed(make_cohort(), SketchEncoder(), out, settings=SMALL)
    else:
        with pytest.raises(RuntimeError):
            embed(make_cohort(), SketchEncoder(batches=3), out, settings=SMALL)
    before = contents(out)
    cohort = make_cohort(12) if change == "cohort" else make_cohort()
    encoder = SketchEncoder(revision="2" if change == "encoder" else "1")
    settings = {
        "settings": EmbedSettings(batch=3, shard_rows=4, max_left_out=0.5),
        "seed": EmbedSettings(batch=2, shard_rows=4, max_left_out=0.5, seed=1),
    }.get(change, SMALL)
    with pytest.raises(InputError, match=rf"belongs to another run \(it differs in: {part}\)"):
        embed(cohort, encoder, out, settings=settings)
    assert contents(out) == before


def begun(cohort, out, *, finished):
    """Embed a cohort, or its first shard and a batch of the second."""
    if finished:
        embed(cohort, SketchEncoder(), out, settings=SMALL)
        return
    with pytest.raises(RuntimeError):
        embed(cohort, SketchEncoder(batches=3), out, settings=SMALL)


def other_picture(file):
    """Put another picture of as many bytes and of the same time in a file's place."""
    before = file.stat()
    Image.fromarray(np.asarray(Image.open(file))[::-1]).save(file, compress_level=0)
    assert file.stat().st_size == before.st_size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(("finished", "compared"), [(True, 11), (False, 4)])
def test_images_that_were_replaced_under_the_same_names_are_noticed(
    make_cohort, tmp_path, contents, finished, compared
):
    cohort, out = make_cohort(), tmp_path / "emb"
    pictures = [tmp_path / f"cohort/images/{row}.png" for row in (1, 2)]
    for file in pictures:
        Image.open(file).save(file, compress_level=0)
    begun(cohort, out, finished=finished)
    before = contents(out)
    for file in pictures:
        other_picture(file)
    says = f"emb was made of other images: 2 of {compared} have changed since, the first is that of row 2 of"
    with pytest.raises(InputError, match=says):
        embed(cohort, SketchEncoder(), out, settings=SMALL)
    assert contents(out) == before


@pytest.mark.parametrize("finished", [True, False])
def test_an_image_that_could_not_be_read_and_now_can_is_noticed(make_cohort, tmp_path, finished):
    out = tmp_path / "emb"
    begun(make_cohort(unreadable=(0,)), out, finished=finished)
    with pytest.raises(InputError, match=r"1 of \d+ have changed since, the first is that of row 1 of"):
        embed(make_cohort(), SketchEncoder(), out, settings=SMALL)


def test_copied_images_are_the_same_and_those_that_are_gone_are_counted(
    make_cohort, tmp_path, contents, capfd
):
    cohort, out = make_cohort(unreadable=(5,)), tmp_path / "emb"
    embed(cohort, SketchEncoder(), out, settings=SMALL)
    before = contents(out)
    for row in range(11):
        os.utime(tmp_path / f"cohort/images/{row}.png", (1, 1))
    embed(cohort, SketchEncoder(), out, settings=SMALL)
    assert "compared" not in capfd.readouterr().err
    for row in (3, 7):
        (tmp_path / f"cohort/images/{row}.png").unlink()
    assert len(embed(cohort, SketchEncoder(), out, settings=SMALL)) == 10
    assert "2 of 11 images that are embedded cannot be read any more" in capfd.readouterr().err
    assert contents(out) == before


def test_a_shard_names_no_image_to_those_without_the_cohort(make_cohort, tmp_path):
    shards = []
    for name, cohort in (("one", make_cohort()), ("other", make_cohort(12))):
        embed(cohort, SketchEncoder(), tmp_path / name, settings=SMALL)
        shards.append(load_file(tmp_path / name / "image-00000.safetensors"))
    one, other = shards
    assert len(np.unique(one["image_digests"], axis=0)) == 4
    assert not (one["image_digests"] == other["image_digests"]).all(axis=1).any()  # the salts differ
    plain = hashlib.sha256((tmp_path / "cohort/images/0.png").read_bytes()).digest()
    assert plain[:16] != one["image_digests"][0].tobytes()


def test_an_unfinished_run_does_not_go_on_with_other_versions(make_cohort, tmp_path):
    out = tmp_path / "emb"
    with pytest.raises(RuntimeError):
        embed(make_cohort(), SketchEncoder(batches=3), out, settings=SMALL)
    begun = json.loads((out / "progress.json").read_text())
    begun["versions"]["torch"] = "1.0"
    (out / "progress.json").write_text(json.dumps(begun))
    with pytest.raises(InputError, match="differs in: versions"):
        embed(make_cohort(), SketchEncoder(), out, settings=SMALL)


def test_a_moved_model_or_cohort_is_still_the_same_run(make_cohort, tmp_path):
    from dataclasses import replace

    import msgspec

    cohort, encoder = make_cohort(), SketchEncoder()
    embed(cohort, encoder, tmp_path / "emb", settings=SMALL)
    encoder.card = msgspec.structs.replace(encoder.card, id="clip:elsewhere")
    assert len(embed(replace(cohort, name="renamed"), encoder, tmp_path / "emb", settings=SMALL)) == 11


def test_an_unfinished_folder_says_how_to_finish_it(make_cohort, tmp_path):
    with pytest.raises(RuntimeError):
        embed(make_cohort(), SketchEncoder(batches=3), tmp_path / "emb", settings=SMALL)
    with pytest.raises(InputError, match="unfinished; run `relinkage embed` again"):
        read_embeddings(tmp_path / "emb")


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sketch_encoder import SketchEncoder
from test_embedding_resume import SMALL, embed, read_cohort
embed(read_cohort(sys.argv[2]), SketchEncoder(pause=0.3), sys.argv[3], settings=SMALL)
"""


def run(cohort, out):
    return warm.start([sys.executable, "-c", KILLED, Path(__file__).parent, cohort, out])


@pytest.mark.slow
def test_a_process_that_is_killed(make_cohort, tmp_path, contents):
    cohort = make_cohort(24, unreadable=(1, 6))
    table = tmp_path / "cohort/cohort.csv"
    cohort.pairs.write_csv(table)
    out = tmp_path / "killed"
    process = run(table, out)
    while not (out / "image-00002.safetensors").exists():
        assert process.exitcode is None, "the run ended before it had written its third shard"
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not (out / "manifest.json").exists()
    (out / ".image-00003.partial-1.safetensors").write_bytes(b"half a shard")
    embed(read_cohort(table), SketchEncoder(), out, settings=SMALL)
    embed(read_cohort(table), SketchEncoder(), tmp_path / "whole", settings=SMALL)
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("image-00000.safetensors", lambda told: (told, {"left_out": "[x"}), "does not say which rows"),
        ("image-00000.safetensors", lambda told: (told, {"left_out": "[[1]]"}), "does not say which rows"),
        (
            "image-00000.safetensors",
            lambda told: ({name: told[name] for name in ("features", "embeddings")}, {"left_out": "[]"}),
            "does not say which images it was made of; remove the embeddings folder and embed",
        ),
        ("text-00000.safetensors", lambda told: ({"features": told["features"]}, {}), "not what this pass"),
        (
            "text-00000.safetensors",
            lambda told: ({**told, "truncated": told["truncated"][:2]}, {}),
            "not what this pass would have written; remove the embeddings folder and embed the cohort again",
        ),
    ],
)
def test_a_damaged_shard_is_named_by_the_run_that_goes_on(make_cohort, tmp_path, file, change, says):
    out = tmp_path / "emb"
    embed(make_cohort(), SketchEncoder(), out, settings=SMALL)
    begun = read_embeddings(out).manifest
    (out / "manifest.json").unlink()
    write_record(
        out / "progress.json",
        Beginning(**{name: getattr(begun, name) for name in Beginning.__struct_fields__}),
    )
    tensors, metadata = change(load_file(out / file))
    save_file(tensors, out / file, metadata)
    with pytest.raises(InputError, match=says):
        embed(make_cohort(), SketchEncoder(), out, settings=SMALL)


def test_what_somebody_put_beside_a_hopeless_run_stays(make_cohort, tmp_path):
    out = tmp_path / "emb"
    with pytest.raises(RuntimeError):
        embed(make_cohort(), SketchEncoder(batches=3), out, settings=SMALL)
    (out / "own").mkdir()
    (out / "thesis.txt").write_text("years of work")
    cohort = make_cohort()
    for image in (tmp_path / "cohort/images").iterdir():
        image.unlink()
    with pytest.raises(InputError, match="rows cannot be used"):
        embed(cohort, SketchEncoder(), out, settings=SMALL)
    assert sorted(path.name for path in out.iterdir()) == ["own", "thesis.txt"]
