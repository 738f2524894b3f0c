"""What an attacker is given: the vectors it attacks, and pairs of other patients that it knows."""

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from relinkage.attackers import AuxiliaryPairs, Family
from relinkage.embeddings import Embeddings, shared_with
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.linkage.settings import FULL, AuditSettings, On
from relinkage.studies.auditing import Sides, sides
from relinkage.usefulness.parts import numbers


def attacked_sides(embeddings: Embeddings, heads: HeadPair | None, on: On) -> Sides:
    """Give the vectors that are attacked: of the images and of the distinct reports.

    Args:
        embeddings: the pairs that are attacked.
        heads: heads to put on; the encoder's own where not given.
        on: embeddings, or the features before any head.

    Raises:
        InputError: the heads do not fit, or there are none.
    """
    if on == "embeddings" and heads is None and embeddings.image_embeddings is None and not embeddings.given:
        raise InputError(
            f"{embeddings.path} holds the features of towers that share no space; attack those with "
            "--on features, or name trained heads with --heads HEADS."
        )
    images, reports = sides(embeddings, heads, on)
    return images[:], reports[:]  # read where they lie on disk: attackers learn from arrays


@dataclass(frozen=True)
class Known:
    """Where the pairs that attackers know come from.

    Attributes:
        split: a split of the attacked embeddings; None where they come from elsewhere.
        embeddings: the pairs themselves, where somebody gave them.
        most: how many are known at most; all where it is None.
    """

    split: str | None = None
    embeddings: Embeddings | None = None
    most: int | None = None

    @property
    def none(self) -> bool:
        """Whether attackers know nothing."""
        return self.split is None and self.embeddings is None

    def there(self, embeddings: Embeddings) -> bool:
        """Whether there are such pairs: the split that is named may not be there."""
        if self.split is not None:
            return "split" in embeddings.pairs and self.split in embeddings.pairs["split"]
        return self.embeddings is not None

    def draw(self, embeddings: Embeddings, audited: Embeddings, seed: int) -> Embeddings | None:
        """Return the pairs that are known.

        Raises:
            InputError: there are none in the split, or some are of patients that are attacked.
        """
        if self.split is not None:
            return draw_auxiliary(embeddings, audited, self.split, self.most or len(embeddings), seed)
        if self.embeddings is None:
            return None
        if self.embeddings.patients_known and audited.patients_known:
            shared = shared_with(self.embeddings, audited).patients
            if shared:
                raise InputError(
                    f"The auxiliary pairs are of {shared} patients that are attacked, and an attacker must "
                    "not know those; give pairs of other patients."
                )
        return first_patients(self.embeddings, self.most or len(self.embeddings), seed)


def draw_auxiliary(
    embeddings: Embeddings, audited: Embeddings, split: str, pairs: int, seed: int
) -> Embeddings:
    """Draw patients of a split and take their pairs until there are enough.

    A larger draw with the same seed holds all pairs of a smaller one.

    Args:
        embeddings: the folder, all of it.
        audited: the pairs that are attacked.
        split: the split to draw from.
        pairs: how many; all where there are fewer.
        seed: of the draw.

    Raises:
        InputError: the split is empty, or shares patients with the attacked pairs.
    """
    chosen = embeddings.split(split)
    shared = chosen.pairs["patient_id"].is_in(audited.pairs["patient_id"].unique().to_list())
    if shared.any():
        patients = chosen.pairs.filter(shared)["patient_id"].n_unique()
        raise InputError(
            f"The split {split} shares {patients} patients with the attacked pairs, and an attacker must not "
            "know those; name a split of other patients with --auxiliary."
        )
    return first_patients(chosen, pairs, seed)


def first_patients(embeddings: Embeddings, pairs: int, seed: int) -> Embeddings:
    """Return the pairs of patients in a drawn order, until there are enough.

    Args:
        embeddings: the pairs to draw from.
        pairs: how many; all where there are fewer.
        seed: of the order.
    """
    patient = numbers(embeddings.pairs["patient_id"])
    place = np.random.default_rng([seed, 21]).permutation(int(patient.max()) + 1)
    return embeddings.select(np.sort(np.argsort(place[patient], kind="stable")[:pairs]))


def known_pairs(drawn: Embeddings, heads: HeadPair | None, on: On = "embeddings") -> AuxiliaryPairs:
    """Give the auxiliary pairs as an attacker sees them.

    Args:
        drawn: the pairs that `draw_auxiliary` gave.
        heads: heads to put on; the encoder's own where not given.
        on: embeddings or features.

    Raises:
        InputError: the heads do not fit, or there are none.
    """
    return as_pairs(attacked_sides(drawn, heads, on), drawn)


def as_pairs(sides: Sides, drawn: Embeddings) -> AuxiliaryPairs:
    """Return vectors of images and of distinct reports as the pairs that they are of, with their patients."""
    images, texts = sides
    rows = drawn.pairs["report_row"].to_numpy()
    return AuxiliaryPairs(images, texts[rows], numbers(drawn.pairs["patient_id"]))


def stated_pools(family: Family, settings: AuditSettings) -> AuditSettings:
    """Return the settings of an attacker's audit: fitted on the attacked gallery, it is stated at full."""
    return settings if family.pools == "every" else replace(settings, pool=(FULL,), risk_pool=FULL)


def check_space(name: str, attacker: Family, attacked: Sides) -> None:
    """Check that an attacker who compares the two sides as they are can do so.

    Raises:
        InputError: the sides have other widths.
    """
    widths = [side.shape[1] for side in attacked]
    if attacker.one_space and widths[0] != widths[1]:
        raise InputError(
            f"The attacker {name} compares vectors of one space, but images have {widths[0]} dimensions and "
            f"reports {widths[1]}; take procrustes, ridge, cca, heads or relative, which bring them into one."
        )
