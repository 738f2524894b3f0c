"""BioViL and BioViL-T: published names in, the published model's features and embeddings out."""

import json

import numpy as np
import pytest
import state_dict_models as tiny
import torch
from PIL import Image
from state_dict_models import BIOVIL, BIOVIL_T, CHANNELS
from state_dict_models import save_biovil as save
from torch.nn import functional

from relinkage.encoders import load_encoder
from relinkage.encoders.state_dicts.biovil import biovil_pixels
from relinkage.errors import InputError

REPORTS = ["no effusion", "left pleural effusion .", "right", "no no no left right effusion"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-biovil-t"
    return folder, *save(folder, several_images=True)


@pytest.fixture(scope="module")
def encoder(published):
    return load_encoder(f"biovil-t:{published[0]}")


def images_of(count=2):
    shades = np.random.default_rng(1).integers(20, 240, (count, 90, 70), dtype=np.uint8)
    return [Image.fromarray(values) for values in shades]


def projected(image, grid):
    """BioViL's image head by its state dict, its mean over positions last: unit vectors."""
    named = {name.removeprefix("projector.model."): value for name, value in image.items()}
    hidden = functional.conv2d(grid, named["0.weight"])
    mean, variance, scale, shift = (
        named[f"1.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    hidden = ((hidden - mean) / (variance + 1e-5).sqrt() * scale + shift).clamp(min=0)
    return functional.normalize(functional.conv2d(hidden, named["3.weight"], named["3.bias"]).mean((2, 3)))


@pytest.mark.parametrize("several_images", [True, False])
def test_image_features_and_embeddings_are_those_of_the_published_network(tmp_path, several_images):
    image, *_ = save(tmp_path, several_images=several_images)
    encoder = load_encoder(f"{'biovil-t' if several_images else 'biovil'}:{tmp_path}")
    pixels = torch.stack([encoder.preprocess(picture) for picture in images_of()])
    grid = tiny.resnet_grid(image, pixels, "encoder.encoder.")
    if several_images:
        patches = functional.conv2d(grid, image["encoder.backbone_to_vit.weight"])
        missing = image["encoder.missing_previous_emb"].repeat(2, 1, *grid.shape[2:])
        grid = torch.cat([patches, missing], 1)
    side = 14 if several_images else 15
    assert grid.shape[2:] == (side, side)
    assert encoder.card.image_positions == side * side
    features = torch.from_numpy(encoder.encode_images(pixels))
    torch.testing.assert_close(features, grid.flatten(2).transpose(1, 2), atol=1e-5, rtol=0)
    embeddings = encoder.heads.embed_images(features)
    torch.testing.assert_close(embeddings, projected(image, grid), atol=1e-5, rtol=0)


def test_text_features_are_the_class_token_and_embeddings_go_through_the_published_head(published, encoder):
    _, _, bert, head = published
    features = encoder.encode_texts(REPORTS).features
    alone = torch.stack([tiny.hidden_states(bert, text)[-1][0] for text in REPORTS])
    np.testing.assert_allclose(features, alone, atol=1e-5)
    embeddings = encoder.heads.embed_texts(torch.from_numpy(features))
    with torch.inference_mode():
        torch.testing.assert_close(embeddings, functional.normalize(head(alone)), atol=1e-5, rtol=0)


def test_text_beyond_the_positions_of_the_model_is_cut_off_and_flagged(published, encoder):
    room = tiny.POSITIONS - 2
    encoded = encoder.encode_texts(["no " * room, "no " * room + "left"])
    assert encoded.truncated.tolist() == [False, True]
    np.testing.assert_allclose(encoded.features[0], encoded.features[1], atol=1e-5)
    assert encoder.card.token_limit == tiny.POSITIONS


def reference_pixels(values, crop):
    """hi-ml's preprocessing of a gray array, step by step."""
    low, span = int(values.min()), int(values.max()) - int(values.min())
    stretched = np.array([[int((int(v) - low) / span * 255) for v in row] for row in values], np.uint8)
    height, width = stretched.shape
    size = (512, int(512 * height / width)) if width <= height else (int(512 * width / height), 512)
    resized = np.asarray(Image.fromarray(stretched).resize(size, Image.Resampling.BILINEAR))
    top, left = (round((side - crop) / 2.0) for side in resized.shape)
    cut = resized[top : top + crop, left : left + crop]
    return np.repeat((cut.astype(np.float32) / np.float32(255))[None], 3, 0)


@pytest.mark.parametrize("shape", [(90, 70), (515, 512), (60, 60), (700, 611), (33, 400)])
@pytest.mark.parametrize("crop", [448, 480])
def test_pixels_are_value_by_value_those_of_the_published_pipeline(shape, crop):
    values = np.random.default_rng(2).integers(13, 201, shape, dtype=np.uint8)
    made = biovil_pixels(Image.fromarray(values), crop)
    assert made.dtype == torch.float32
    np.testing.assert_array_equal(made.numpy(), reference_pixels(values, crop))


def test_colour_is_stretched_over_all_channels_before_it_becomes_gray():
    colour = np.zeros((64, 64, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 100, 50, 10
    colour[0, 0] = 110
    stretched = ((colour.astype(float) - 10) / 100 * 255).astype(np.uint8)
    gray = np.asarray(Image.fromarray(stretched).convert("L"))
    made = biovil_pixels(Image.fromarray(colour), 448)
    assert made[0, 224, 224] == np.float32(gray[32, 32]) / np.float32(255)


def test_an_image_of_one_value_is_black_and_not_a_division_by_nothing():
    assert biovil_pixels(Image.new("L", (50, 60), 77), 448).abs().max() == 0


def test_the_card_says_what_the_model_is(encoder, published):
    card = encoder.card
    assert card.id == "biovil-t:tiny-biovil-t"
    assert card.revision.startswith("sha256:")
    assert card.licence == "MIT"
    assert (card.image_features, card.text_features, card.embedding) == (2 * CHANNELS, 12, 8)
    assert "centre crop 448" in card.preprocessing
    assert "MIMIC-CXR" in card.seen
    assert (encoder.heads.image_spec.kind, encoder.heads.text_spec.kind) == ("grid", "bert-mlp")


def test_the_revision_depends_on_every_file_that_is_loaded(tmp_path):
    revisions = set()
    image, *_ = save(tmp_path, several_images=True)
    for change in ("nothing", "image", "vocabulary"):
        if change == "image":
            torch.save(
                image | {"encoder.missing_previous_emb": torch.zeros(1, CHANNELS, 1, 1)}, tmp_path / BIOVIL_T
            )
        elif change == "vocabulary":
            (tmp_path / "vocab.txt").write_text("\n".join(reversed(tiny.WORDS)) + "\n")
        revisions.add(load_encoder(f"biovil-t:{tmp_path}").card.revision)
    assert len(revisions) == 3


def test_the_published_weights_are_recognised_by_their_hash(tmp_path, monkeypatch):
    from relinkage.encoders.state_dicts import biovil

    save(tmp_path, several_images=True)
    assert "as published" not in load_encoder(f"biovil-t:{tmp_path}").card.revision
    monkeypatch.setattr(biovil, "_md5", lambda path: "a83080e2f23aa584a4f2b24c39b1bb64")
    assert load_encoder(f"biovil-t:{tmp_path}").card.revision.endswith("(image weights as published, v1.0)")


def test_a_model_asked_for_by_the_others_name_is_told_its_own(tmp_path):
    save(tmp_path, several_images=False)
    with pytest.raises(InputError, match=r"the image model of BioViL; ask for it as biovil:"):
        load_encoder(f"biovil-t:{tmp_path}")
    save(tmp_path, several_images=True)
    (tmp_path / BIOVIL).unlink()
    with pytest.raises(InputError, match=r"the image model of BioViL-T; ask for it as biovil-t:"):
        load_encoder(f"biovil:{tmp_path}")


def without(name):
    def change(folder):
        file = folder / (BIOVIL_T if name.startswith("encoder") else "pytorch_model.bin")
        tensors = torch.load(file)
        del tensors[name]
        torch.save(tensors, file)

    return change


def described(**settings):
    def change(folder):
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | settings))

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / BIOVIL_T).unlink(), "holds 0 files biovil"),
        (lambda folder: (folder / "vocab.txt").unlink(), "holds no vocab.txt or tokenizer.json"),
        (lambda folder: (folder / "pytorch_model.bin").unlink(), "lacks the text model's weights"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (without("encoder.encoder.layer2.0.bn2.running_var"), "lacks 1 weights of its ResNet"),
        (without("encoder.encoder.layer3.0.conv1.weight"), "lacks layer3.0.conv1.weight of a ResNet-50"),
        (without("encoder.missing_previous_emb"), "lacks encoder.missing_previous_emb"),
        (without("bert.encoder.layer.1.output.dense.bias"), "lacks 1 weights of its BertModel"),
        (without("cls_projection_head.LayerNorm.bias"), "lacks cls_projection_head.LayerNorm.bias"),
        (described(num_hidden_layers=2), "holds more weights than the BertModel that is described has"),
        (described(num_hidden_layers=4), "lacks 16 weights of its BertModel"),
        (described(intermediate_size=21), "cannot be built .* belong to one model"),
        (described(hidden_size="wide"), "cannot be used as a BERT's configuration"),
        (described(hidden_act="unheard-of"), "cannot be built"),
        (described(position_embedding_type="relative_key"), "describes no BERT with absolute positions"),
        (described(vocab_size=5), "tokenizer has 11 words and the model 5|cannot be built"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_in_a_sentence(tmp_path, change, sentence):
    save(tmp_path, several_images=True)
    change(tmp_path)
    with pytest.raises(InputError, match=sentence):
        load_encoder(f"biovil-t:{tmp_path}")


def test_weights_that_only_code_could_read_are_refused(tmp_path):
    save(tmp_path, several_images=True)
    torch.save({"encoder": print}, tmp_path / BIOVIL_T)
    with pytest.raises(InputError, match="needs no code to be run"):
        load_encoder(f"biovil-t:{tmp_path}")


def test_the_folder_may_lie_in_the_hubs_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--microsoft--BiomedVLP-BioViL-T"
    save(repository / "snapshots" / "abc123", several_images=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "v1.0").write_text("abc123")
    card = load_encoder("biovil-t").card
    assert (card.id, card.revision) == ("biovil-t:microsoft/BiomedVLP-BioViL-T", "abc123")


@pytest.mark.parametrize("several_images", [True, False])
def test_a_bare_folder_is_recognised_by_the_name_of_its_image_weights(tmp_path, several_images):
    save(tmp_path, several_images=several_images)
    family = load_encoder(str(tmp_path)).card.id.partition(":")[0]
    assert family == ("biovil-t" if several_images else "biovil")
