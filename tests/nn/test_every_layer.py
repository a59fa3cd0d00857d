# ruff: noqa: E501 - one layer is one line
"""Every layer of bg.nn: those that are a method of Tensor make the very nodes of a call of it, and with torch
installed (`make compare`) all give what torch.nn's layer of the same name and state gives.
"""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import nn
from baregrad.base.errors import BaregradError
from baregrad.nn import Module
from baregrad.nn.method import Method
from baregrad.tensor import Tensor

LINE, IMAGE, VOLUME, FLAT = (2, 4, 12), (2, 4, 8, 6), (1, 2, 4, 6, 4), (3, 5)
WEIGHT = (5,)


class By:
    """Arguments of a layer, as they are written."""

    def __init__(self, *given, **named):
        self.given, self.named = given, named


# fmt: off
METHODS = [  # a layer, its arguments, the shape of x, what else it takes, the same as a method
    ("ReLU",         By(True),                        FLAT,   "", lambda x: x.relu()),
    ("ReLU6",        By(),                            FLAT,   "", lambda x: x.relu6()),
    ("Sigmoid",      By(),                            FLAT,   "", lambda x: x.sigmoid()),
    ("Tanh",         By(),                            FLAT,   "", lambda x: x.tanh()),
    ("SiLU",         By(),                            FLAT,   "", lambda x: x.silu()),
    ("Mish",         By(inplace=True),                FLAT,   "", lambda x: x.mish()),
    ("Hardsigmoid",  By(),                            FLAT,   "", lambda x: x.hardsigmoid()),
    ("Hardswish",    By(),                            FLAT,   "", lambda x: x.hardswish()),
    ("LogSigmoid",   By(),                            FLAT,   "", lambda x: x.logsigmoid()),
    ("Softsign",     By(),                            FLAT,   "", lambda x: x.softsign()),
    ("Tanhshrink",   By(),                            FLAT,   "", lambda x: x.tanhshrink()),
    ("SELU",         By(),                            FLAT,   "", lambda x: x.selu()),
    ("GELU",         By("tanh"),                      FLAT,   "", lambda x: x.gelu("tanh")),
    ("LeakyReLU",    By(0.2, True),                   FLAT,   "", lambda x: x.leaky_relu(0.2)),
    ("ELU",          By(alpha=0.5),                   FLAT,   "", lambda x: x.elu(0.5)),
    ("CELU",         By(0.5),                         FLAT,   "", lambda x: x.celu(0.5)),
    ("Softplus",     By(2.0, threshold=3.0),          FLAT,   "", lambda x: x.softplus(2.0, 3.0)),
    ("Hardtanh",     By(-0.5, 0.25),                  FLAT,   "", lambda x: x.hardtanh(-0.5, 0.25)),
    ("Softshrink",   By(0.25),                        FLAT,   "", lambda x: x.softshrink(0.25)),
    ("Hardshrink",   By(0.25),                        FLAT,   "", lambda x: x.hardshrink(0.25)),
    ("Threshold",    By(0.25, 7.0),                   FLAT,   "", lambda x: x.threshold(0.25, 7.0)),
    ("GLU",          By(1),                           LINE,   "", lambda x: x.glu(1)),
    ("Softmax",      By(1),                           LINE,   "", lambda x: x.softmax(1)),
    ("LogSoftmax",   By(1),                           LINE,   "", lambda x: x.log_softmax(1)),
    ("Softmin",      By(1),                           LINE,   "", lambda x: x.softmin(1)),
    ("MaxPool1d",    By(3, 2, 1),                     LINE,   "", lambda x: x.max_pool1d(3, 2, 1)),
    ("MaxPool2d",    By(3, 2, 1, 1, False, True),     IMAGE,  "", lambda x: x.max_pool2d(3, 2, 1, ceil_mode=True)),
    ("MaxPool3d",    By(2, return_indices=True),      VOLUME, "", lambda x: x.max_pool3d(2, return_indices=True)),
    ("AvgPool1d",    By(3, 2),                        LINE,   "", lambda x: x.avg_pool1d(3, 2)),
    ("AvgPool2d",    By(2, 2, 1, False, False),       IMAGE,  "", lambda x: x.avg_pool2d(2, 2, 1, count_include_pad=False)),
    ("AvgPool3d",    By(2),                           VOLUME, "", lambda x: x.avg_pool3d(2)),
    ("AdaptiveAvgPool1d", By(5),                      LINE,   "", lambda x: x.adaptive_avg_pool1d(5)),
    ("AdaptiveAvgPool2d", By((3, 2)),                 IMAGE,  "", lambda x: x.adaptive_avg_pool2d((3, 2))),
    ("AdaptiveAvgPool3d", By(2),                      VOLUME, "", lambda x: x.adaptive_avg_pool3d(2)),
    ("AdaptiveMaxPool1d", By(5),                      LINE,   "", lambda x: x.adaptive_max_pool1d(5)),
    ("AdaptiveMaxPool2d", By((3, 2)),                 IMAGE,  "", lambda x: x.adaptive_max_pool2d((3, 2))),
    ("AdaptiveMaxPool3d", By(2, True),                VOLUME, "", lambda x: x.adaptive_max_pool3d(2, True)),
    ("LPPool1d",     By(2, 3),                        LINE,   "", lambda x: x.lp_pool1d(2, 3)),
    ("LPPool2d",     By(2, 2, stride=1),              IMAGE,  "", lambda x: x.lp_pool2d(2, 2, 1)),
    ("PixelShuffle", By(2),                           IMAGE,  "", lambda x: x.pixel_shuffle(2)),
    ("PixelUnshuffle", By(2),                         IMAGE,  "", lambda x: x.pixel_unshuffle(2)),
    ("Unfold",       By(3, padding=1),                IMAGE,  "", lambda x: x.im2col(3, padding=1)),
    ("Fold",         By((4, 5), 2),                   LINE,   "", lambda x: x.col2im((4, 5), 2)),
    ("Upsample",     By(scale_factor=2.0),            IMAGE,  "", lambda x: x.interpolate(scale_factor=2.0)),
    ("UpsamplingNearest2d",  By((5, 9)),              IMAGE,  "", lambda x: x.interpolate((5, 9))),
    ("UpsamplingBilinear2d", By((5, 9)),              IMAGE,  "", lambda x: x.interpolate((5, 9), None, "bilinear", True)),
    ("L1Loss",       By(reduction="sum"),             FLAT,   "y", lambda x, y: x.l1_loss(y, "sum")),
    ("MSELoss",      By(reduction="none"),            FLAT,   "y", lambda x, y: x.mse_loss(y, "none")),
    ("SmoothL1Loss", By(beta=0.5),                    FLAT,   "y", lambda x, y: x.smooth_l1_loss(y, beta=0.5)),
    ("HuberLoss",    By("sum", 0.5),                  FLAT,   "y", lambda x, y: x.huber_loss(y, "sum", 0.5)),
    ("BCELoss",      By(),                            FLAT,   "u", lambda x, y: x.binary_cross_entropy(y)),
    ("BCEWithLogitsLoss", By(),                       FLAT,   "u", lambda x, y: x.binary_cross_entropy_with_logits(y)),
    ("KLDivLoss",    By(reduction="batchmean"),       FLAT,   "u", lambda x, y: x.kl_div(y, "batchmean")),
    ("NLLLoss",      By(ignore_index=1),              FLAT,   "c", lambda x, y: x.nll_loss(y, ignore_index=1)),
    ("CrossEntropyLoss", By(label_smoothing=0.1),     FLAT,   "c", lambda x, y: x.cross_entropy(y, label_smoothing=0.1)),
    ("HingeEmbeddingLoss", By(0.5),                   FLAT,   "s", lambda x, y: x.hinge_embedding_loss(y, 0.5)),
    ("SoftMarginLoss", By(),                          FLAT,   "s", lambda x, y: x.soft_margin_loss(y)),
    ("MarginRankingLoss", By(0.25),                   WEIGHT, "yr", lambda x, y, r: x.margin_ranking_loss(y, r, 0.25)),
    ("CosineEmbeddingLoss", By(0.25),                 FLAT,   "yr", lambda x, y, r: x.cosine_embedding_loss(y, r, 0.25)),
    ("TripletMarginLoss", By(0.5, p=1.0),             FLAT,   "yy", lambda x, y, z: x.triplet_margin_loss(y, z, 0.5, 1.0)),
    ("GaussianNLLLoss", By(full=True),                FLAT,   "yu", lambda x, y, v: x.gaussian_nll_loss(y, v, True)),
    ("PoissonNLLLoss", By(True, True),                FLAT,   "u", lambda x, y: x.poisson_nll_loss(y, True, True)),
    ("MultiMarginLoss", By(2, 0.5),                   FLAT,   "c", lambda x, y: x.multi_margin_loss(y, 2, 0.5)),
    ("MultiLabelSoftMarginLoss", By(),                FLAT,   "b", lambda x, y: x.multilabel_soft_margin_loss(y)),
    ("Flatten",      By(1, 2),                        IMAGE,  "", lambda x: x.flatten(1, 2)),
    ("Unflatten",    By(1, (2, 2)),                   IMAGE,  "", lambda x: x.unflatten(1, (2, 2))),
    ("Identity",     By(54, unused=1),                FLAT,   "", lambda x: x),
    ("CosineSimilarity", By(1),                       FLAT,   "y", lambda x, y: x.cosine_similarity(y, 1)),
    ("PairwiseDistance", By(1.0, keepdim=True),       FLAT,   "y", lambda x, y: x.pairwise_distance(y, 1.0, keepdim=True)),
    ("ZeroPad1d",    By((1, 2)),                      LINE,   "", lambda x: x.pad([(0, 0), (0, 0), (1, 2)])),
    ("ZeroPad2d",    By((1, 2, 0, 3)),                IMAGE,  "", lambda x: x.pad([(0, 0), (0, 0), (0, 3), (1, 2)])),
    ("ZeroPad3d",    By(1),                           VOLUME, "", lambda x: x.pad([(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)])),
    ("ConstantPad1d", By(1, 2.5),                     LINE,   "", lambda x: x.pad([(0, 0), (0, 0), (1, 1)], 2.5)),
    ("ConstantPad2d", By((1, 2, 0, 3), 2.5),          IMAGE,  "", lambda x: x.pad([(0, 0), (0, 0), (0, 3), (1, 2)], 2.5)),
    ("ConstantPad3d", By(1, 2.5),                     VOLUME, "", lambda x: x.pad([(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)], 2.5)),
    ("ReflectionPad1d", By((1, 2)),                   LINE,   "", lambda x: x.pad_mode([(1, 2)], "reflect")),
    ("ReflectionPad2d", By((1, 2, 0, 3)),             IMAGE,  "", lambda x: x.pad_mode([(0, 3), (1, 2)], "reflect")),
    ("ReflectionPad3d", By(1),                        VOLUME, "", lambda x: x.pad_mode([(1, 1)] * 3, "reflect")),
    ("ReplicationPad1d", By((1, 2)),                  LINE,   "", lambda x: x.pad_mode([(1, 2)], "replicate")),
    ("ReplicationPad2d", By((1, 2, 0, 3)),            IMAGE,  "", lambda x: x.pad_mode([(0, 3), (1, 2)], "replicate")),
    ("ReplicationPad3d", By(1),                       VOLUME, "", lambda x: x.pad_mode([(1, 1)] * 3, "replicate")),
    ("CircularPad1d", By((1, 2)),                     LINE,   "", lambda x: x.pad_mode([(1, 2)], "circular")),
    ("CircularPad2d", By((1, 2, 0, 3)),               IMAGE,  "", lambda x: x.pad_mode([(0, 3), (1, 2)], "circular")),
    ("CircularPad3d", By(1),                          VOLUME, "", lambda x: x.pad_mode([(1, 1)] * 3, "circular")),
]
OTHERS = [  # layers with a formula of their own: arguments, shape of x, what else they take
    ("Linear",            By(5, 2),                          FLAT,   ""),
    ("Bilinear",          By(5, 5, 3),                       FLAT,   "y"),
    ("PReLU",             By(4, 0.1),                        IMAGE,  ""),
    ("Conv1d",            By(4, 6, 3, 2, 1, groups=2),       LINE,   ""),
    ("Conv2d",            By(4, 3, (3, 5), padding="same"),  IMAGE,  ""),
    ("Conv3d",            By(2, 3, 2, bias=False),           VOLUME, ""),
    ("ConvTranspose1d",   By(4, 2, 3, 2, 1, 1),              LINE,   ""),
    ("ConvTranspose2d",   By(4, 2, 3, 2),                    IMAGE,  ""),
    ("ConvTranspose3d",   By(2, 2, 2),                       VOLUME, ""),
    ("BatchNorm1d",       By(4),                             LINE,   ""),
    ("BatchNorm2d",       By(4, momentum=None),              IMAGE,  ""),
    ("BatchNorm3d",       By(2, affine=False),               VOLUME, ""),
    ("InstanceNorm1d",    By(4, affine=True),                LINE,   ""),
    ("InstanceNorm2d",    By(4),                             IMAGE,  ""),
    ("InstanceNorm3d",    By(2, track_running_stats=True),   VOLUME, ""),
    ("GroupNorm",         By(2, 4),                          IMAGE,  ""),
    ("LayerNorm",         By((8, 6)),                        IMAGE,  ""),
    ("RMSNorm",           By(6),                             IMAGE,  ""),
    ("LocalResponseNorm", By(3, 0.1, 0.5, 2.0),              IMAGE,  ""),
    ("Embedding",         By(5, 3),                          None,   "c"),
    ("RNNCell",           By(5, 4),                          FLAT,   ""),
    ("GRUCell",           By(5, 4),                          FLAT,   ""),
    ("LSTMCell",          By(5, 4),                          FLAT,   ""),
    ("RNN",               By(12, 3, nonlinearity="relu"),    LINE,   ""),
    ("GRU",               By(12, 3, bidirectional=True),     LINE,   ""),
    ("LSTM",              By(12, 3, batch_first=True),       LINE,   ""),
    ("TransformerEncoderLayer", By(12, 2, 8, 0.0),           LINE,   ""),
    ("TransformerDecoderLayer", By(12, 2, 8, 0.0),           LINE,   "m"),
]
ELSEWHERE = {  # these have tests of their own
    "Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
    "EmbeddingBag", "MultiheadAttention", "TransformerEncoder", "TransformerDecoder", "BatchNorm", "InstanceNorm",
}
# fmt: on


def inputs(shape, others):
    """Arrays: x, then one a letter: y as x, u in (0, 1), s and r of 1 and -1, c classes, b of 0 and 1."""
    rng = np.random.default_rng(5)
    rows = 3 if shape is None else shape[0]
    make = {
        "y": lambda: rng.normal(size=shape).astype("float32"),
        "m": lambda: rng.normal(size=shape).astype("float32"),
        "u": lambda: rng.uniform(0.1, 0.9, size=shape).astype("float32"),
        "s": lambda: rng.choice([-1.0, 1.0], size=shape).astype("float32"),
        "r": lambda: rng.choice([-1.0, 1.0], size=rows).astype("float32"),
        "b": lambda: rng.choice([0.0, 1.0], size=shape).astype("float32"),
        "c": lambda: rng.integers(0, 5, size=rows),
    }
    first = [] if shape is None else [rng.uniform(0.1, 0.9, size=shape).astype("float32")]
    return [*first, *(make[letter]() for letter in others)]


def test_every_layer_is_in_a_table():
    layers = {
        name for name in nn.__all__ if isinstance(c := getattr(nn, name), type) and issubclass(c, Module)
    }
    listed = [row[0] for row in METHODS + OTHERS]
    assert len(set(listed)) == len(listed)
    assert layers - set(listed) == ELSEWHERE


@pytest.mark.parametrize("name, by, shape, others, method", METHODS, ids=[row[0] for row in METHODS])
def test_a_method_as_a_layer_is_the_method(name, by, shape, others, method):
    with bg.override(device="reference"):
        given = [Tensor(a) for a in inputs(shape, others)]
        found = getattr(nn, name)(*by.given, **by.named)(*given)
        wanted = method(*given)
        parts = zip(*((p if isinstance(p, tuple) else (p,)) for p in (found, wanted)), strict=True)
        assert all(one.value.node is other.value.node for one, other in parts)


REFUSED = [
    ("an unknown word",     lambda: nn.GELU(aproximate="tanh"),   "GELU with unknown aproximate"),
    ("too many by place",   lambda: nn.GELU("tanh", 2),           "2 arguments by place"),
    ("a reduction by place", lambda: nn.L1Loss("sum"),            "by place nothing"),
    ("a word twice",        lambda: nn.ELU(1.0, alpha=2.0),       "alpha twice"),
    ("a word that is missing", lambda: nn.MaxPool2d(stride=2),    "no kernel_size"),
]  # fmt: skip


@pytest.mark.parametrize("make, words", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_wrong_keywords_are_refused_where_the_layer_is_made(make, words):
    with pytest.raises(BaregradError, match=words) as caught:
        make()
    assert "mend" in str(caught.value)


def test_keywords_are_attributes_and_tensors_among_them_belong_to_the_state():
    loss = nn.NLLLoss(Tensor([1.0, 2.0]), reduction="sum")
    assert isinstance(loss, Method)
    assert loss.reduction == "sum"
    assert list(loss.state_dict()) == ["weight"]


@pytest.mark.compare
@pytest.mark.parametrize(
    "name, by, shape, others", [row[:4] for row in METHODS + OTHERS], ids=[row[0] for row in METHODS + OTHERS]
)
def test_as_torch(name, by, shape, others):
    torch = pytest.importorskip("torch", reason="make compare installs it")
    torch.manual_seed(3)
    arrays = inputs(shape, others)
    words = {"dim" if key == "axis" else key: value for key, value in by.named.items()}
    theirs = getattr(torch.nn, name)(*by.given, **words)
    ours = getattr(nn, name)(*by.given, **by.named)
    state = {key: Tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    with bg.override(device="cpu"):
        ours.load_state_dict(state)
        for round in range(2):  # in training, then in use
            for layer in (theirs, ours):
                layer.train(round == 0)
            wanted = theirs(*(torch.tensor(a) for a in arrays))
            found = ours(*(Tensor(a) for a in arrays))
            for one, other in zip(flat(found), flat(wanted), strict=True):
                np.testing.assert_allclose(
                    one.numpy(), other.detach().numpy(), rtol=2e-5, atol=2e-6, err_msg=f"{name}, {round}"
                )
        for key, value in theirs.state_dict().items():
            np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=2e-5, atol=2e-6)


def flat(found):
    """Results one by one."""
    return [p for part in found for p in flat(part)] if isinstance(found, tuple) else [found]
