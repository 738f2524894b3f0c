"""An encoder whose features depend on the batch is refused before anything is written."""

import numpy as np
import pytest
from sketch_encoder import SketchEncoder

from relinkage.embeddings import EmbedSettings, embed
from relinkage.encoders import TextFeatures, load_encoder
from relinkage.errors import InputError


class CompanyMatters(SketchEncoder):
    """Features of one side take a little of the others' mean, as a wrong mask would have it."""

    def __init__(self, side, share):
        super().__init__()
        self.side, self.share = side, share

    def encode_images(self, pixels):
        return self._mixed("image", super().encode_images(pixels))

    def encode_texts(self, texts):
        made = super().encode_texts(texts)
        return TextFeatures(self._mixed("text", made.features), made.truncated)

    def _mixed(self, side, features):
        share = self.share if side == self.side else 0
        return ((1 - share) * features + share * features.mean(0)).astype(np.float32)


@pytest.mark.parametrize("side", ["image", "text"])
def test_an_encoder_that_lets_company_matter_is_refused(make_cohort, tmp_path, side):
    with pytest.raises(InputError, match=rf"sketch gives {side}s other features beside .* batch 1\.$"):
        embed(make_cohort(), CompanyMatters(side, 0.3), tmp_path / "emb")
    assert not (tmp_path / "emb").exists()


@pytest.mark.parametrize("side", ["image", "text"])
def test_one_at_a_time_it_is_taken(make_cohort, tmp_path, side):
    cohort = make_cohort()
    made = embed(cohort, CompanyMatters(side, 0.3), tmp_path / "emb", settings=EmbedSettings(batch=1))
    plain = embed(cohort, SketchEncoder(), tmp_path / "plain", settings=EmbedSettings(batch=1))
    np.testing.assert_allclose(made.text_features, plain.text_features, rtol=1e-6)
    np.testing.assert_allclose(made.image_features, plain.image_features, rtol=1e-6)


@pytest.mark.parametrize("side", ["image", "text"])
def test_rounding_is_not_company(make_cohort, tmp_path, side):
    assert len(embed(make_cohort(), CompanyMatters(side, 1e-6), tmp_path / "emb")) == 11


def test_a_phantom_encoder_passes(make_cohort, tmp_path):
    assert len(embed(make_cohort(), load_encoder("phantom:report"), tmp_path / "emb")) == 11


def test_images_that_cannot_be_read_are_passed_over(make_cohort, tmp_path):
    cohort = make_cohort(unreadable=(0, 1, 2))
    settings = EmbedSettings(max_left_out=0.5)
    with pytest.raises(InputError, match="gives images other features"):
        embed(cohort, CompanyMatters("image", 0.3), tmp_path / "emb", settings=settings)


def test_features_that_are_not_numbers_are_called_so(make_cohort, tmp_path):
    encoder = SketchEncoder()
    encoder.encode_texts = lambda texts: TextFeatures(
        np.full((len(texts), 26), np.nan, np.float32), np.zeros(len(texts), np.bool_)
    )
    with pytest.raises(InputError, match="gives NaN or infinity as features; check its weights"):
        embed(make_cohort(), encoder, tmp_path / "emb")


@pytest.mark.parametrize("side", ["image", "text"])
def test_heads_that_give_no_numbers_are_found_where_the_model_is_at_hand(make_cohort, tmp_path, side):
    encoder = SketchEncoder()
    getattr(encoder.heads, side).weight.data[0, 0] = np.nan
    with pytest.raises(InputError, match=r"own heads give NaN or infinity .*; check the weights"):
        embed(make_cohort(), encoder, tmp_path / "emb")
    assert not (tmp_path / "emb").exists()
