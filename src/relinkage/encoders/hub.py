"""Models in the local Hugging Face cache, and in the hub's where that is asked for."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from relinkage.encoders.catalogue import Repository, find_entry, find_repository
from relinkage.errors import InputError

INDEX = ".index.json"
_SUBFOLDERS = ("*/*",)
"""Other formats and examples lie there."""


@dataclass(frozen=True)
class Wanted:
    """What of a repository is needed.

    Attributes:
        config: the file without which nothing can be done.
        settings: patterns of the small files: configuration, vocabulary, preprocessing, licence.
        weights: patterns of weight files, the best first; empty where only the settings are needed.
        below: pattern of what is needed in subfolders where `modules.json` names them.
    """

    config: str
    settings: tuple[str, ...]
    weights: tuple[str, ...] = ()
    below: str = "*_Pooling/config.json"

    def weights_in(self, folder: Path) -> bool:
        """Whether the folder holds weights, or needs none."""
        return not self.weights or any(any(folder.glob(pattern)) for pattern in self.weights)

    def below_in(self, folder: Path) -> bool:
        """Whether the subfolders that `modules.json` names are there, or there is no such file."""
        return not (folder / "modules.json").is_file() or any(folder.glob(self.below))


_SETTINGS = ("*.json", "*.txt", "*.model", "README.md")

TRANSFORMERS = Wanted("config.json", _SETTINGS, ("*.safetensors", "pytorch_model*.bin"))
"""A whole model in the layout of transformers."""

TEXT_SETTINGS = Wanted("config.json", _SETTINGS)
"""A text model's configuration and vocabulary, without weights."""

OPEN_CLIP = Wanted(
    "open_clip_config.json",
    _SETTINGS,
    (
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ),
)
"""A whole model in the layout of open_clip."""


def from_hub(hub_id: str, revision: str | None, wanted: Wanted, *, download: bool) -> Path:
    """Give the folder of a model in the local cache; put it there where that is asked for.

    Of a model in the catalogue, its pinned revision is taken where none is named, and the files whose hash is
    known are checked.

    Args:
        hub_id: `owner/model`.
        revision: a commit, branch or tag; None for the pinned one, or else the main branch.
        wanted: what of it is needed.
        download: whether the network may be asked; never where the environment sets `HF_HUB_OFFLINE`.

    Raises:
        InputError: it is not there and may not be or cannot be fetched, or a file is not what the hub states.
    """
    from huggingface_hub import constants, snapshot_download

    known = find_repository(hub_id)
    revision = revision or (known.revision if known else None)

    def snapshot(*patterns: str, local: bool, ignored: tuple[str, ...] = _SUBFOLDERS) -> Path:
        return Path(
            snapshot_download(
                hub_id,
                revision=revision,
                allow_patterns=list(patterns),
                ignore_patterns=list(ignored),
                local_files_only=local,
            )
        )

    try:
        cached = snapshot(*wanted.settings, *wanted.weights[:1], local=True)
        whole = wanted.below_in(cached) or not download
        if (cached / wanted.config).exists() and wanted.weights_in(cached) and whole:
            return _checked(cached, known, revision)
    except OSError:
        pass
    if download and not constants.HF_HUB_OFFLINE:
        try:
            path = snapshot(*wanted.settings, *wanted.weights[:1], local=False)
            for pattern in wanted.weights[1:]:
                if not wanted.weights_in(path):
                    path = snapshot(pattern, local=False)
            if not wanted.below_in(path):
                path = snapshot(wanted.below, local=False, ignored=())
        except Exception as error:  # the network stack raises errors of four packages here
            reason = f"and the hub did not give it ({type(error).__name__})"
        else:
            return _checked(path, known, revision)
    else:
        reason = "and HF_HUB_OFFLINE is set" if download else "and the network is asked only with --download"
    at = f" at revision {revision}" if revision else ""
    raise InputError(
        f"{hub_id}{at} is neither a folder nor in the Hugging Face cache {constants.HF_HUB_CACHE}, {reason}; "
        + what_to_copy(hub_id)
    )


def what_to_copy(hub_id: str) -> str:
    """Say in half a sentence how a model gets onto a machine without a network."""
    if entry := find_entry(hub_id):
        return f"`relinkage models --offline-plan {entry.id}` says what to copy where."
    return (
        "copy the model's folder (configuration, weights, tokenizer and preprocessor files) to this machine "
        "and name it."
    )


def file_sha256(path: Path) -> str:
    """Give a file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(folder: Path, known: Repository | None, revision: str | None) -> Path:
    """Compare the files whose hash is known with it, where the pinned revision was asked for."""
    if known is not None and revision == known.revision:
        for file in known.files:
            path = folder / file.name
            if file.sha256 and path.is_file() and file_sha256(path) != file.sha256:
                raise InputError(
                    f"{path} is not the file that {known.id} has at revision {revision}: its sha256 is not "
                    f"{file.sha256}; delete it and fetch it again."
                )
    return folder
