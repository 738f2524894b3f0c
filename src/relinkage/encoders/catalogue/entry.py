"""What there is to know of a published model before any of it is on this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFile:
    """A file of a model's repository.

    Attributes:
        name: its name there.
        sha256: what it hashes to, in hexadecimal; None where that is not known.
    """

    name: str
    sha256: str | None = None


@dataclass(frozen=True)
class Repository:
    """A repository on the Hugging Face hub and what of it is needed.

    Attributes:
        id: `owner/name`.
        revision: the pinned commit or tag; None where none is pinned.
        files: what must be there.
        folder: where the files go, relative to the model's folder: empty for the folder itself.
        url: where the files are, for a repository that is not on the hub; empty for one that is.
    """

    id: str
    revision: str | None
    files: tuple[ModelFile, ...]
    folder: str = ""
    url: str = ""


@dataclass(frozen=True)
class CatalogueEntry:
    """A published model.

    Attributes:
        id: its short name; `--model ID` stands for the first of `names`.
        names: what it is asked for by after `--model`.
        family: the loader, as in `FAMILY:FOLDER`.
        licence: of the weights.
        input_size: side in pixels of the square that the image tower sees.
        token_limit: tokens after which text is cut off.
        image_head: from features to the shared space, as `768 → 512`; see docs/models.md.
        text_head: likewise.
        extra: the extra of relinkage that must be installed.
        repositories: what its files are; the first one is the model's own.
        gated: whether the hub asks for terms to be accepted before it gives the files.
        note: what else a user must know, in a sentence; empty where there is nothing.
    """

    id: str
    names: tuple[str, ...]
    family: str
    licence: str
    input_size: int
    token_limit: int
    image_head: str
    text_head: str
    extra: str
    repositories: tuple[Repository, ...]
    gated: bool = False
    note: str = ""

    @property
    def revision(self) -> str | None:
        """The pinned revision of the model's own repository."""
        return self.repositories[0].revision


def files(*names: str, **hashes: str) -> tuple[ModelFile, ...]:
    """Give files by name; a hash goes by the file's name with `_` for `.`."""
    return tuple(ModelFile(name, hashes.get(name.replace(".", "_"))) for name in names)
