"""Objectives that pull an image and its report together in the shared space, alone or by their class.

A batch has n images and their n reports, all of unit length. The contrastive ones look at the same n × n
logits s_ij / τ, an image against every report of the batch and a report against every image. Floats are of
single or double precision, on the CPU.
"""

from torch import Tensor
from torch.nn import functional

from relinkage.alignment.cross_entropies import CrossEntropies, equal
from relinkage.alignment.side_by_side import Both, in_turn
from relinkage.compiled import compiled


def infonce(images: Tensor, texts: Tensor, temperature: float, same: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE over a batch: the mean of both directions' cross-entropies (Radford et al. 2021).

    Args:
        images: float, shape (n, d), unit vectors.
        texts: float, shape (n, d), unit vectors; row i is the mate of image i.
        temperature: τ; similarities are divided by it.
        same: bool, shape (n, n): pairs off the diagonal that are not negatives of each other, such as a
            patient's other studies. They leave both sums.

    Returns:
        The loss, a scalar.
    """
    return contrast(images, texts, temperature, clip=1.0, same=same)


def supcon(
    images: Tensor, texts: Tensor, positives: Tensor, temperature: float, same: Tensor | None = None
) -> Tensor:
    """Supervised contrastive loss between the two modalities (Khosla et al. 2020, equation 2, L_out).

    An anchor's positives are the batch's other side of the same class, not its mate alone: for image i

        −Σ_j w_ij log( e^{s_ij/τ} / Σ_k e^{s_ik/τ} ),  Σ_j w_ij = 1,

    and the same for every report; the mean of both directions. With every class distinct this is `infonce`.

    Args:
        images: float, shape (n, d), unit vectors.
        texts: float, shape (n, d), unit vectors; row i is the mate of image i.
        positives: bool or float, shape (n, n), symmetric, not negative: how much of a class i and j share.
            A pair and its own report share all of it.
        temperature: τ.
        same: as in `infonce`.

    Returns:
        The loss, a scalar.
    """
    return contrast(images, texts, temperature, supcon=1.0, positives=positives, same=same)


def contrast(
    images: Tensor,
    texts: Tensor,
    temperature: float,
    *,
    clip: float = 0.0,
    supcon: float = 0.0,
    positives: Tensor | None = None,
    same: Tensor | None = None,
    both: Both = in_turn,
) -> Tensor:
    """Weighted sum of `infonce` and `supcon` over one table of logits.

    Both are cross-entropies of the same two softmaxes, so their sum costs what one of them does.

    Args:
        images: as in `infonce`.
        texts: as in `infonce`.
        temperature: τ.
        clip: the weight of `infonce`.
        supcon: the weight of `supcon`.
        positives: as in `supcon`; where its weight is not 0.
        same: as in `infonce`.
        both: what does the table's upper and lower half.

    Returns:
        The loss, a scalar.
    """
    loss: Tensor = CrossEntropies.apply(  # type: ignore[no-untyped-call]
        images, texts, temperature, clip, clip + supcon, positives if supcon else None, same, both
    )
    return loss


def same_class(classes: Tensor) -> Tensor:
    """Give who shares a class: bool, shape (n, n).

    Args:
        classes: float, shape (n,), NaN where the class is not known; then a pair is alone in its class.
    """
    return equal(classes).fill_diagonal_(True)


def shared_labels(labels: Tensor) -> Tensor:
    """Give the Jaccard index of label sets: float, shape (n, n), 1 for a pair with itself.

    Args:
        labels: float, shape (n, labels), 0 or 1. Two pairs without any label share their class wholly.
    """
    shares = labels.detach() @ labels.detach().T
    _jaccard(shares.numpy(), labels.sum(1).numpy())
    return shares


@compiled
def _jaccard(common, sizes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Turn numbers of labels in common into Jaccard indices."""
    one = sizes.dtype.type(1)
    for i in range(len(sizes)):
        for j in range(len(sizes)):
            either = sizes[i] + sizes[j] - common[i, j]
            common[i, j] = common[i, j] / either if either > 0 else one
        common[i, i] = one


def abnormality_loss(logits: Tensor, abnormal: Tensor) -> Tensor:
    """Binary cross-entropy of normal against abnormal over the rows where it is known; 0 where none is.

    Args:
        logits: float, shape (n,).
        abnormal: float, shape (n,): 1, 0 or NaN.
    """
    known = ~abnormal.isnan()
    total = functional.binary_cross_entropy_with_logits(
        logits, abnormal.nan_to_num(), weight=known.to(logits), reduction="sum"
    )
    return total / known.sum().clamp(min=1)
