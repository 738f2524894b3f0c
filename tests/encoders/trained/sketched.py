"""Manifests of heads that a test makes itself, one of each kind."""

from msgspec.structs import replace

from relinkage.encoders.trained.aligning import AlignSettings, Weights
from relinkage.encoders.trained.hardening import HardenChoices
from relinkage.encoders.trained.manifest import AlignedHeads, AnchorsUsed, HardenedHeads, Look, OwnHeads
from relinkage.encoders.trained.statement import PrivacyStatement

STATEMENT = PrivacyStatement(
    mechanism="grouped", kind="proven", epsilon=0.34, delta=6e-6, neighbours="one patient", unit="pair",
    pairs_a_patient=3, population=20_000, sampling="Poisson sampling of pairs", rate=0.01, steps=200,
    clip=0.5, sensitivity=2.0, reason="Groups.", noise_multiplier=3.5, divisor=1024.0, temperature=0.07,
    accountant="some", discretisation=1e-4, noise="operating system", pair_epsilon=0.2,
)  # fmt: skip
ALIGNED = AlignedHeads(
    model="clip:m", model_revision="r", settings=AlignSettings(weights=Weights(bce=1), validation=0.1),
    cohort_fingerprint="sha256:aa", train_split="train", pairs=40, patients=20, steps=12, first_loss=2.5,
    last_loss=1.25, kept_steps=6, validation=(Look(step=6, loss=1.5), Look(step=12, loss=1.75)),
)  # fmt: skip
HARDENED = HardenedHeads(
    model="clip:m", model_revision="r", norm="keep", train_split="train", start="given", public="sha256:bb",
    settings=HardenChoices(epsilon=0.34, delta=6e-6), steps=200, privacy=STATEMENT,
    anchors=AnchorsUsed(labels=("Edema",), source="given"),
)  # fmt: skip
CONTROL = replace(HARDENED, privacy=None, cohort_fingerprint="sha256:aa")
OWN = OwnHeads(model="clip:m", model_revision="r", norm="group")
