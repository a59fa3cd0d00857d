# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/loss.py. Read record.py first."""

from __future__ import annotations

from baregrad.tensor.records.record import NONE, Array, Kind, Sample, array, call, edge, op, refused

LOSS = Kind("float")

X = array(5, 4)
UNIT = array(5, 4, low=0.05, high=0.95)
LOGS = array(5, 4, low=-3.0, high=-0.1)
WEIGHT = array(4, low=0.5, high=2.0)
POINT = array()
NOTHING = array(0, 3)
ONE = array(1, 1)
CLASSES = Array((5,), dtype="int64", data=(0, 3, 1, 1, 2))
SOME = Array((5,), dtype="int64", data=(0, -100, 1, -100, 2))
IMAGE = Array((2, 3, 2), low=0, high=3, dtype="int64")
NARROW = Array((5,), dtype="uint8", data=(3, 0, 1, 1, 2))
SIGNS = Array((5, 4), data=(1.0, -1.0, -1.0, 1.0, 1.0) * 4)
SIGN_ROW = Array((5,), data=(1.0, -1.0, -1.0, 1.0, -1.0))
BITS = array(5, 4, low=0.0, high=1.0, whole=True)
COUNTS = array(5, 4, low=0.0, high=4.0, whole=True)
UNKNOWN = refused("avg", X, X, reduction="avg")


def compared(x: Array, target: Array, **facts: object) -> tuple[Sample, ...]:
    """The three reductions; edges."""
    return (
        call(x, target, **facts),
        call(x, target, reduction="sum", **facts),
        call(x, target, reduction="none", **facts),
    )


EDGES = (call(POINT, POINT), edge(NOTHING, NOTHING, reduction="sum"), call(ONE, ONE))
HINGES = (
    call(POINT, Array((), data=(1.0,))),
    edge(NOTHING, NOTHING, reduction="sum"),
    call(ONE, Array((1, 1), data=(-1.0,))),
)
POINTS = (
    edge(array(low=0.1, high=0.9), array(low=0.1, high=0.9)),
    edge(array(0, 3, low=0.1, high=0.9), NOTHING, reduction="sum"),
    edge(array(1, 1, low=0.1, high=0.9), array(1, 1, low=0.1, high=0.9)),
)

# fmt: off
RECORDS = (
    op("mse_loss",       LOSS, "reduced((x - target) ** 2, reduction)", compared(X, X), EDGES, tolerance=2, torch="F.mse_loss", tinygrad=NONE, errors=(UNKNOWN,)),
    op("l1_loss",        LOSS, "reduced(np.abs(x - target), reduction)", compared(X, X), EDGES, tolerance=2, torch="F.l1_loss", tinygrad=NONE, errors=(UNKNOWN,)),
    op("huber_loss",     LOSS, "reduced(np.where(np.abs(x - target) < delta, (x - target) ** 2 / 2, delta * (np.abs(x - target) - delta / 2)), reduction)", compared(X, X), call(X, X, delta=1.5), EDGES, tolerance=2, torch="F.huber_loss", tinygrad=NONE, errors=(UNKNOWN, refused("delta", X, X, delta=0.0))),
    op("smooth_l1_loss", LOSS, "reduced(np.where(np.abs(x - target) < beta, (x - target) ** 2 / (2 * (beta or 1)), np.abs(x - target) - beta / 2), reduction)", compared(X, X), call(X, X, beta=0.5), call(X, X, beta=0.0), EDGES, tolerance=2, torch="F.smooth_l1_loss", tinygrad=NONE, errors=(UNKNOWN,)),
    op("binary_cross_entropy", LOSS, "reduced(-(1 if weight is None else weight) * (target * np.maximum(np.log(x), -100) + (1 - target) * np.maximum(np.log(1 - x), -100)), reduction)", compared(UNIT, UNIT), call(UNIT, UNIT, weight=WEIGHT), edge(Array((4,), data=(0.0, 1.0, 0.25, 0.75)), Array((4,), data=(0.0, 1.0, 1.0, 0.0)), reduction="none").only("float16 bfloat16 float32 float64"), POINTS, tolerance=8, torch="F.binary_cross_entropy", tinygrad="binary_crossentropy", errors=(refused("avg", UNIT, UNIT, reduction="avg"), refused("targets", X, array(4)))),
    op("binary_cross_entropy_with_logits", LOSS, "reduced((1 if weight is None else weight) * ((1 - target) * x + (1 + ((1 if pos_weight is None else pos_weight) - 1) * target) * np.logaddexp(-x, 0)), reduction)", compared(X, UNIT), call(X, UNIT, weight=WEIGHT), call(X, UNIT, pos_weight=WEIGHT), edge(array(5, 4, low=-200.0, high=200.0), UNIT).only("float32 float64"), EDGES, tolerance=4, torch="F.binary_cross_entropy_with_logits", tinygrad="binary_crossentropy_logits", errors=(UNKNOWN, refused("targets", X, array(4)))),
    op("kl_div",         LOSS, "reduced(np.exp(target) * (target - x) if log_target else np.where(target > 0, target * (np.log(np.where(target > 0, target, 1)) - x), 0), reduction)", compared(LOGS, UNIT), call(LOGS, UNIT, reduction="batchmean"), call(LOGS, LOGS, reduction="sum", log_target=True), edge(LOGS, array(5, 4, low=0.0, high=1.0, whole=True)), POINTS, tolerance=4, torch="F.kl_div", tinygrad=NONE, errors=(UNKNOWN,)),
    op("nll_loss",       LOSS, "nll(x, target, weight, ignore_index, reduction)", compared(LOGS, CLASSES), call(LOGS, CLASSES, WEIGHT), call(LOGS, SOME, WEIGHT), call(array(4), array(low=0, high=3, dtype="int64")), call(LOGS, NARROW), call(array(2, 4, 3, 2), IMAGE, WEIGHT, ignore_index=2), edge(array(0, 3), array(0, dtype="int64"), reduction="sum"), call(ONE, array(1, low=0, high=0, dtype="int64")), shapes="0-d: it has no classes", tolerance=2, torch="F.nll_loss(x, target if target.dtype != torch.int64 and target.dtype == torch.uint8 else target.long(), weight, ignore_index=ignore_index, reduction=reduction)", errors=(refused("avg", X, CLASSES, reduction="avg"), refused("nll_loss", X, array(1, dtype="int64")), refused("name classes", X, array(5), kind="DTypeError"), refused("4 classes", X, CLASSES, array(1)))),
    op("cross_entropy",  LOSS, "cross_entropy(x, target, weight, ignore_index, reduction, label_smoothing)", compared(X, CLASSES), call(X, SOME, WEIGHT, reduction="none"), call(X, CLASSES, ignore_index=1, reduction="sum"), call(X, CLASSES, label_smoothing=0.2), call(X, SOME, WEIGHT, label_smoothing=0.1), call(array(2, 4, 3, 2), IMAGE, WEIGHT), call(X, array(5, 4, low=0.0, high=1.0), label_smoothing=0.1), call(X, array(5, 4, low=0.0, high=1.0), WEIGHT, reduction="none"), call(array(4), array(low=0, high=3, dtype="int64")), edge(array(0, 3), array(0, dtype="int64"), reduction="sum"), call(ONE, array(1, low=0, high=0, dtype="int64")), shapes="0-d: it has no classes", tolerance=4, torch="F.cross_entropy", errors=(refused("avg", X, CLASSES, reduction="avg"), refused("nll_loss", X, array(1, dtype="int64")), refused("4 classes", X, CLASSES, array(1)), refused("label_smoothing", X, CLASSES, label_smoothing=2.0))),
    # -- pairs and margins
    op("soft_margin_loss", LOSS, "reduced(np.logaddexp(-target * x, 0), reduction)", compared(X, SIGNS), EDGES, tolerance=4, torch="F.soft_margin_loss", tinygrad=NONE, errors=(UNKNOWN,)),
    op("hinge_embedding_loss", LOSS, "reduced(np.where(target == 1, x, 0) + np.where(target == -1, np.maximum(0, margin - x), 0), reduction)", compared(X, SIGNS), call(X, SIGNS, margin=0.3), HINGES, tolerance=4, torch="F.hinge_embedding_loss", tinygrad=NONE, errors=(UNKNOWN,)),
    op("margin_ranking_loss", LOSS, "reduced(np.maximum(0, -target * (x - other) + margin), reduction)", call(X, X, SIGNS), call(X, X, SIGNS, reduction="sum"), call(X, X, SIGNS, reduction="none"), call(X, X, SIGNS, margin=0.3), call(POINT, POINT, POINT), edge(NOTHING, NOTHING, NOTHING, reduction="sum"), edge(ONE, ONE, ONE), tolerance=4, torch="F.margin_ranking_loss", tinygrad=NONE, errors=(refused("avg", X, X, X, reduction="avg"),)),
    op("cosine_embedding_loss", LOSS, "reduced(np.where(target == 1, 1 - cosine(x, other), np.maximum(0, cosine(x, other) - margin)), reduction)", call(X, X, SIGN_ROW), call(X, X, SIGN_ROW, reduction="sum"), call(X, X, SIGN_ROW, margin=-0.5, reduction="none"), edge(NOTHING, NOTHING, array(0), reduction="sum"), edge(array(1, 1, low=0.5), array(1, 1, low=0.5), Array((1,), data=(-1.0,))).only("float32 float64"), shapes="0-d: it has no axis", tolerance=8, torch="F.cosine_embedding_loss", tinygrad=NONE, errors=(refused("avg", X, X, SIGN_ROW, reduction="avg"),)),
    op("triplet_margin_loss", LOSS, "triplet(x, positive, negative, margin, p, eps, swap, reduction)", call(X, X, X), call(X, X, X, swap=True), call(X, X, X, margin=3.0, reduction="none"), call(X, X, X, p=3.0, reduction="sum"), edge(NOTHING, NOTHING, NOTHING, reduction="sum"), call(ONE, ONE, ONE), shapes="0-d: it has no axis", tolerance=8, torch="F.triplet_margin_loss", tinygrad=NONE, errors=(refused("avg", X, X, X, reduction="avg"),)),
    op("gaussian_nll_loss", LOSS, "reduced((np.log(np.maximum(var, eps)) + (x - target) ** 2 / np.maximum(var, eps)) / 2 + (np.log(2 * np.pi) / 2 if full else 0), reduction)", call(X, X, UNIT), call(X, X, UNIT, full=True, reduction="sum"), call(X, X, UNIT, reduction="none"), edge(NOTHING, NOTHING, array(0, 3, low=0.1), reduction="sum"), call(ONE, ONE, array(1, 1, low=0.1)), shapes="0-d: as torch", tolerance=8, torch="F.gaussian_nll_loss", tinygrad=NONE, errors=(refused("avg", X, X, UNIT, reduction="avg"),)),
    op("poisson_nll_loss", LOSS, "poisson(x, target, log_input, full, eps, reduction)", call(X, COUNTS), call(UNIT, COUNTS, log_input=False), call(X, COUNTS, full=True, reduction="sum"), call(X, COUNTS, reduction="none"), edge(NOTHING, NOTHING, reduction="sum"), call(POINT, POINT), call(ONE, ONE), tolerance=8, torch="F.poisson_nll_loss(x, target, log_input, full, eps=eps, reduction=reduction)", tinygrad=NONE, errors=(UNKNOWN,)),
    op("multi_margin_loss", LOSS, "multi_margin(x, target, p, margin, weight, reduction)", call(X, CLASSES), call(X, CLASSES, p=2, margin=0.5), call(X, CLASSES, weight=WEIGHT, reduction="sum"), call(X, CLASSES, reduction="none"), call(array(4), array(low=0, high=3, dtype="int64")), edge(array(0, 3), array(0, dtype="int64"), reduction="sum").unlike("any number of nothing"), call(ONE, array(1, low=0, high=0, dtype="int64")), shapes="0-d: it has no classes", tolerance=4, torch="F.multi_margin_loss", tinygrad=NONE, errors=(refused("avg", X, CLASSES, reduction="avg"), refused("", X, array(1, dtype="int64")))),
    op("multilabel_soft_margin_loss", LOSS, "reduced((-(1 if weight is None else weight) * (target * -np.logaddexp(-x, 0) + (1 - target) * -np.logaddexp(x, 0))).mean(-1), reduction)", call(X, BITS), call(X, BITS, WEIGHT), call(X, BITS, reduction="sum"), call(X, BITS, reduction="none"), edge(NOTHING, NOTHING, reduction="sum"), call(ONE, ONE), shapes="0-d: it has no classes", tolerance=4, torch="F.multilabel_soft_margin_loss(x, target, weight, reduction=reduction)", tinygrad=NONE, errors=(UNKNOWN,)),
)
# fmt: on
