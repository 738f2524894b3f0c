"""Which heads something was looked at with."""

from relinkage.encoders.trained.manifest import HeadsManifest
from relinkage.records import Fingerprint, Record


class HeadsUsed(Record, frozen=True):
    """Heads that were put on features, known by their weights and by what trained them.

    Attributes:
        name: Their folder or file, or that they are the model's own.
        fingerprint: Of the file of their weights.
        manifest: What is written of their training; null where nothing is.
    """

    name: str
    fingerprint: Fingerprint
    manifest: HeadsManifest | None
