"""Manifests of heads that a test makes itself, one of each kind."""

from msgspec.structs import replace

from relinkage.encoders.trained.aligning import AlignSettings, Weights
from relinkage.encoders.trained.hardening import HardenChoices
from relinkage.encoders.trained.manifest import AlignedHeads, AnchorsUsed, HardenedHeads, Look, OwnHeads
from relinkage.encoders.trained.statement import PrivacyStatement, StatedInputs, derived

DIGEST = "sha256:" + 64 * "c"
CHOICES = HardenChoices(epsilon=0.34, delta=2e-6, mechanism="grouped", unit="pair")
STATEMENT = PrivacyStatement(
    **derived(CHOICES, "operating system"), epsilon=0.34, noise_multiplier=3.5, noise="operating system",
    accountant="privacy loss distributions, dp-accounting 0.4", pair_epsilon=0.2, heads=DIGEST,
    inputs=StatedInputs(start=DIGEST, public="sha256:bb", anchors=DIGEST),
)  # fmt: skip
ALIGNED = AlignedHeads(
    model="clip:m", model_revision="r", settings=AlignSettings(weights=Weights(bce=1), validation=0.1),
    cohort_fingerprint="sha256:aa", train_split="train", pairs=40, patients=20, steps=12, first_loss=2.5,
    last_loss=1.25, kept_steps=6, validation=(Look(step=6, loss=1.5), Look(step=12, loss=1.75)),
)  # fmt: skip
HARDENED = HardenedHeads(
    model="clip:m", model_revision="r", norm="keep", train_split="train", start="given", public="sha256:bb",
    settings=CHOICES, steps=200, privacy=STATEMENT,
    anchors=AnchorsUsed(labels=("Edema",), source="given"),
)  # fmt: skip
CONTROL = replace(HARDENED, privacy=None, cohort_fingerprint="sha256:aa")
OWN = OwnHeads(model="clip:m", model_revision="r", norm="group")
