"""Group normalisation in the place of batch normalisation, with nothing trained.

Libraries for private training ask for this swap, which starts the new layer afresh. That alone breaks an
alignment, so what it does to linkage must not be counted as privacy.
"""

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.norms import with_norm


def swapped_norm(heads: HeadPair) -> HeadPair | None:
    """Give heads with group normalisation, or None where there is no batch normalisation to swap."""
    if "frozen" not in (heads.image_spec.norm, heads.text_spec.norm):
        return None
    return with_norm(heads, "group")
