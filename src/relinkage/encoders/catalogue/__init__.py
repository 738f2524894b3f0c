"""The published models that relinkage knows: revision, licence, input, heads and files of each.

A model that is not here can be named all the same, by its family and folder; the catalogue only saves
looking things up. A revision is a commit or a tag of the model's repository; sha256 is what the hub states
for the file at that revision.
"""

from relinkage.encoders.catalogue.clip import CLIP_B32, PUBMEDCLIP, XRAYCLIP
from relinkage.encoders.catalogue.entry import CatalogueEntry, ModelFile, Repository
from relinkage.encoders.catalogue.open_clip import BIOMEDCLIP
from relinkage.encoders.catalogue.siglip import MEDSIGLIP, SIGLIP2_B16, SIGLIP_B16, XRAYSIGLIP
from relinkage.encoders.catalogue.state_dicts import BIOVIL, BIOVIL_T, CXR_CLIP, MEDCLIP

CATALOGUE: tuple[CatalogueEntry, ...] = (
    CLIP_B32,
    PUBMEDCLIP,
    XRAYCLIP,
    SIGLIP_B16,
    SIGLIP2_B16,
    MEDSIGLIP,
    XRAYSIGLIP,
    BIOMEDCLIP,
    BIOVIL,
    BIOVIL_T,
    CXR_CLIP,
    MEDCLIP,
)
"""Family by family, general models before medical ones."""


def find_entry(name: str) -> CatalogueEntry | None:
    """Give the entry that a short name, one of its names, or its hub id stands for; None for any other."""
    for entry in CATALOGUE:
        if name in (entry.id, entry.repositories[0].id, *entry.names):
            return entry
    return None


def find_repository(hub_id: str) -> Repository | None:
    """Give what is known of a repository `owner/name` on the hub; None where nothing is."""
    for entry in CATALOGUE:
        for repository in entry.repositories:
            if repository.id == hub_id:
                return repository
    return None


__all__ = ["CATALOGUE", "CatalogueEntry", "ModelFile", "Repository", "find_entry", "find_repository"]
