"""Rows that cannot be embedded: listed and counted, until there are too many of them."""

from collections import Counter
from collections.abc import Mapping

from relinkage.errors import InputError

EMPTY_REPORT = "the report is empty"


class HopelessError(InputError):
    """The run would fail again however often it is resumed, so nothing of it is kept."""


class LeftOut:
    """The rows of a cohort that cannot be used, and why.

    Attributes:
        reasons: why, by row number from 0, in a few fixed words.
    """

    def __init__(self, rows: int, share: float) -> None:
        """Start with none.

        Args:
            rows: rows of the cohort.
            share: share of them that may be left out.
        """
        self._rows, self._share = rows, share
        self.reasons: dict[int, str] = {}

    def add(self, reasons: Mapping[int, str]) -> None:
        """Add rows.

        Raises:
            HopelessError: more than the allowed share is left out, whatever the rows to come are like.
        """
        self.reasons |= reasons
        if len(self.reasons) > self._share * self._rows:
            raise HopelessError(
                f"At least {len(self.reasons)} of the cohort's {self._rows} rows cannot be used, more than "
                f"the {self._share:.1%} allowed ({self.summary()}); correct them, name the images' own "
                "folder as the root, or allow more."
            )

    def counts(self) -> dict[str, int]:
        """Count the rows by reason, in alphabetical order."""
        return dict(sorted(Counter(self.reasons.values()).items()))

    def summary(self) -> str:
        """Say the most frequent reasons and the first row, numbered from 1."""
        counts = Counter(self.reasons.values()).most_common(3)
        listed = "; ".join(f"{count} × {reason}" for reason, count in counts)
        return f"{listed}; the first is row {min(self.reasons) + 1}"
