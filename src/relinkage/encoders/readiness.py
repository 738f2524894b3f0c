"""Whether a model of the catalogue can be used on this machine now, without a network."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from relinkage.encoders.catalogue import CatalogueEntry, Repository

PACKAGES = {
    "models": ("ftfy", "transformers"),
    "siglip": ("ftfy", "transformers", "sentencepiece", "google.protobuf"),
    "open-clip": ("ftfy", "transformers", "open_clip", "timm"),
}
"""What each extra brings, by the names that Python imports."""


@dataclass(frozen=True)
class Readiness:
    """What there is of a model on this machine.

    Attributes:
        missing: packages that have to be installed first.
        cached: whether all of its files are in the Hugging Face cache, at the pinned revision.
    """

    missing: tuple[str, ...]
    cached: bool

    @property
    def ready(self) -> bool:
        """Whether the model can be asked for by its name right away."""
        return self.cached and not self.missing

    def describe(self, entry: CatalogueEntry) -> str:
        """Say in a few words whether the model is ready, or what is still to do."""
        if any(repository.url for repository in entry.repositories):
            files = "" if self.cached else "name the folder of its files"
        else:
            files = "" if self.cached else "files not in the cache"
        packages = "packages to install" if self.missing else ""
        return "; ".join(part for part in (packages, files) if part) or "yes"


def readiness(entry: CatalogueEntry) -> Readiness:
    """Look for a model's packages and files; nothing is imported and no network is asked."""
    missing = tuple(name for name in PACKAGES.get(entry.extra, ()) if not installed(name))
    return Readiness(missing, all(_cached(repository) for repository in entry.repositories))


def installed(name: str) -> bool:
    """Whether a package could be imported, without doing so."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package above it is not there
        return False


def _cached(repository: Repository) -> bool:
    try:
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(repository.id, revision=repository.revision, local_files_only=True))
    except (ImportError, OSError, ValueError):
        return False
    return all((folder / file.name).exists() for file in repository.files)
