"""What private trainings on one embeddings folder have spent in all: `ledger.json` in that folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.encoders.trained.statement import PrivacyStatement, SpeaksOf, StatementKind
from relinkage.errors import InputError
from relinkage.leftovers import temporary_beside, tidy
from relinkage.progress import say
from relinkage.records import Fingerprint, Record, json_text, read_record

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

LEDGER = "ledger.json"


class LedgerEntry(Record, frozen=True):
    """A private training.

    Attributes:
        heads: SHA-256 of the heads that it made, as `heads.safetensors`.
        train_split: The split that it was on.
        kind: What its statement is, as there.
        speaks_of: Whom its ε is for.
        epsilon: ε that it spent.
        delta: δ that it spent.
    """

    heads: Fingerprint
    train_split: str
    kind: StatementKind
    speaks_of: SpeaksOf
    epsilon: float
    delta: float


class Ledger(Record, frozen=True):
    """All private trainings on an embeddings folder, in their order; for whoever holds the embeddings.

    Attributes:
        entries: A training each.
    """

    schema: Literal["relinkage.ledger/1"] = "relinkage.ledger/1"
    entries: tuple[LedgerEntry, ...] = ()

    @property
    def splits(self) -> list[str]:
        """Return the splits that were trained on, in their order."""
        return list(dict.fromkeys(entry.train_split for entry in self.entries))

    def spent(self, split: str) -> tuple[float, float]:
        """Return ε and δ of all proven trainings on a split, added up."""
        proven = [entry for entry in self.entries if (entry.train_split, entry.kind) == (split, "proven")]
        return sum(entry.epsilon for entry in proven), sum(entry.delta for entry in proven)

    def in_words(self, split: str) -> str:
        """Return a sentence on what was spent on a split."""
        on = [entry for entry in self.entries if entry.train_split == split]
        unproven = sum(entry.kind != "proven" for entry in on)
        spent, slack = self.spent(split)
        told = (
            f"spent on the split {split} in all, if all heads are released: ({spent:.3g}, {slack:.3g}) by "
            f"{len(on) - unproven} proven trainings"
        )
        return told + f", and without a bound by {unproven} others" * (unproven > 0)


def read_ledger(embeddings: Path) -> Ledger:
    """Read the ledger of an embeddings folder; an empty one where nothing was spent yet.

    Raises:
        InputError: it is damaged.
    """
    path = embeddings / LEDGER
    if not path.exists():
        return Ledger()
    return read_record(path, Ledger, "the ledger of an embeddings folder", "put it back as it was")


def enter(embeddings: Path, manifest: HardenedHeads) -> None:
    """Enter a training into the ledger of the embeddings it was on, and say what was spent in all.

    Args:
        embeddings: their folder.
        manifest: what the heads say of themselves; without a statement there is nothing to enter.
    """
    stated = manifest.privacy
    if stated is None or stated.heads is None:
        return
    entry = _entry(stated, stated.heads, manifest.train_split)
    path = embeddings / LEDGER
    partial = temporary_beside(path)
    try:
        with _alone(embeddings):
            tidy(path)
            ledger = Ledger(entries=(*read_ledger(embeddings).entries, entry))
            # Nobody else may read, at any time, how often and on what somebody trained.
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(json_text(ledger) + "\n")
            partial.replace(path)
    except OSError as error:
        raise InputError(
            f"The heads were written, and {path} could not be ({error.strerror}): note "
            f"({stated.epsilon:.3g}, {stated.delta:g}) as spent on the split {manifest.train_split}."
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    told = ledger.in_words(manifest.train_split)
    say(f"{embeddings}: {told}.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process is entering a training; where files cannot be locked, do not wait."""
    held = os.open(folder, os.O_RDONLY) if fcntl is not None else -1
    try:
        if fcntl is not None:
            with suppress(OSError):  # some network drives lock nothing
                fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        if held >= 0:
            os.close(held)  # which lets go


def _entry(stated: PrivacyStatement, heads: str, split: str) -> LedgerEntry:
    return LedgerEntry(
        heads=heads,
        train_split=split,
        kind=stated.kind,
        speaks_of=stated.speaks_of,
        epsilon=stated.epsilon,
        delta=stated.delta,
    )
