"""Losses as objects: each is the method of Tensor that it names, with keywords of its own.

A weight is a tensor of the module, and moves and is saved with it.
"""

from __future__ import annotations

from baregrad.nn.method import Method


class _Loss(Method):
    """A method of Tensor with a target. Those that torch takes first by place are out of use: none here."""

    others = 1
    places: tuple[str, ...] | None = ()


class L1Loss(_Loss):
    """Tensor.l1_loss with keywords."""

    method = "l1_loss"


class MSELoss(_Loss):
    """Tensor.mse_loss with keywords."""

    method = "mse_loss"


class SmoothL1Loss(_Loss):
    """Tensor.smooth_l1_loss with keywords."""

    method = "smooth_l1_loss"


class HuberLoss(_Loss):
    """Tensor.huber_loss with keywords."""

    method = "huber_loss"
    places = ("reduction", "delta")


class BCELoss(_Loss):
    """Tensor.binary_cross_entropy with keywords."""

    method = "binary_cross_entropy"
    places = ("weight",)


class BCEWithLogitsLoss(_Loss):
    """Tensor.binary_cross_entropy_with_logits with keywords."""

    method = "binary_cross_entropy_with_logits"
    places = ("weight",)


class KLDivLoss(_Loss):
    """Tensor.kl_div with keywords."""

    method = "kl_div"


class NLLLoss(_Loss):
    """Tensor.nll_loss with keywords."""

    method = "nll_loss"
    places = ("weight",)


class CrossEntropyLoss(_Loss):
    """Tensor.cross_entropy with keywords."""

    method = "cross_entropy"
    places = ("weight",)


class HingeEmbeddingLoss(_Loss):
    """Tensor.hinge_embedding_loss with keywords."""

    method = "hinge_embedding_loss"
    places = ("margin",)


class SoftMarginLoss(_Loss):
    """Tensor.soft_margin_loss with keywords."""

    method = "soft_margin_loss"


class MarginRankingLoss(_Loss):
    """Tensor.margin_ranking_loss with keywords: of x, another input, and targets of 1 and -1."""

    method = "margin_ranking_loss"
    others = 2
    places = ("margin",)


class CosineEmbeddingLoss(_Loss):
    """Tensor.cosine_embedding_loss with keywords: of x, another input, and targets of 1 and -1."""

    method = "cosine_embedding_loss"
    others = 2
    places = ("margin",)


class TripletMarginLoss(_Loss):
    """Tensor.triplet_margin_loss with keywords: of an anchor, what is near it, and what is not."""

    method = "triplet_margin_loss"
    others = 2
    places = ("margin", "p", "eps", "swap")


class GaussianNLLLoss(_Loss):
    """Tensor.gaussian_nll_loss with keywords: of means, targets and variances."""

    method = "gaussian_nll_loss"
    others = 2


class PoissonNLLLoss(_Loss):
    """Tensor.poisson_nll_loss with keywords."""

    method = "poisson_nll_loss"
    places = ("log_input", "full")


class MultiMarginLoss(_Loss):
    """Tensor.multi_margin_loss with keywords."""

    method = "multi_margin_loss"
    places = ("p", "margin", "weight")


class MultiLabelSoftMarginLoss(_Loss):
    """Tensor.multilabel_soft_margin_loss with keywords."""

    method = "multilabel_soft_margin_loss"
    places = ("weight",)
