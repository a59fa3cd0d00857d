# ruff: noqa: E501 - one operation is one row
"""Records of activations: tensor/ops/activation.py and those of elementwise.py. Read record.py first."""

from __future__ import annotations

from baregrad.tensor.records.record import NONE, Kind, array, call, edge, op, refused
from baregrad.tensor.records.table_elementwise import EDGES, FINITE, WIDE, X

ACTIVATION = Kind("float", elementwise=True)
ALONG = Kind("bool int float", "float")
MATRIX_AND_EDGES = (call(WIDE), edge(EDGES))

# fmt: off
RECORDS = (
    op("relu",         ACTIVATION, "np.maximum(x, 0)", MATRIX_AND_EDGES, dtypes="int float"),
    op("relu6",        ACTIVATION, "np.clip(x, 0, 6)", call(array(3, 5, low=-9.0, high=9.0)), edge(EDGES), torch="F.relu6"),
    op("sigmoid",      ACTIVATION, "sp.expit(x)", MATRIX_AND_EDGES, tolerance=4),
    op("silu",         ACTIVATION, "x * sp.expit(x)", call(WIDE), edge(FINITE), tolerance=4, torch="F.silu"),
    op("gelu",         ACTIVATION, "x * sp.ndtr(x) if approximate == 'none' else 0.5 * x * (1 + np.tanh((x + 0.044715 * x**3) * np.sqrt(2 / np.pi)))", call(WIDE), call(WIDE, "tanh"), tolerance=4, torch="F.gelu(x, approximate=approximate)", errors=(refused("approximate", X, "erf", kind="DTypeError"),)),
    op("leaky_relu",   ACTIVATION, "np.where(x > 0, x, x * negative_slope)", call(WIDE), call(WIDE, 0.1), edge(EDGES), torch="F.leaky_relu"),
    op("elu",          ACTIVATION, "np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))", call(WIDE), call(WIDE, 1.5), edge(EDGES), torch="F.elu"),
    op("selu",         ACTIVATION, "1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))", MATRIX_AND_EDGES, torch="F.selu"),
    op("celu",         ACTIVATION, "np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))", call(WIDE), call(WIDE, 2.0), edge(EDGES), torch="F.celu"),
    op("softplus",     ACTIVATION, "np.where(x * beta > threshold, x, np.logaddexp(x * beta, 0) / beta)", call(WIDE), call(WIDE, 2.0, 30), edge(EDGES), tolerance=2, torch="F.softplus"),
    op("logsigmoid",   ACTIVATION, "-np.logaddexp(-x, 0)", MATRIX_AND_EDGES, tolerance=2, torch="F.logsigmoid"),
    op("softsign",     ACTIVATION, "x / (1 + np.abs(x))", call(WIDE), edge(FINITE), torch="F.softsign"),
    op("mish",         ACTIVATION, "x * np.tanh(np.logaddexp(x, 0))", call(WIDE), edge(FINITE), tolerance=4, torch="F.mish"),
    op("hardtanh",     ACTIVATION, "np.clip(x, min_val, max_val)", call(WIDE), call(WIDE, -1, 2), edge(EDGES), torch="F.hardtanh"),
    op("hardsigmoid",  ACTIVATION, "np.clip(x + 3, 0, 6) / 6", call(array(3, 5, low=-5.0, high=5.0)), edge(EDGES), torch="F.hardsigmoid"),
    op("hardswish",    ACTIVATION, "x * np.clip(x + 3, 0, 6) / 6", call(array(3, 5, low=-5.0, high=5.0)), edge(FINITE), torch="F.hardswish"),
    op("tanhshrink",   ACTIVATION, "x - np.tanh(x)", call(WIDE), edge(FINITE), tolerance=4, torch="F.tanhshrink", tinygrad=NONE),
    op("softshrink",   ACTIVATION, "np.sign(x) * np.maximum(np.abs(x) - lambd, 0)", call(WIDE), call(WIDE, 1.0), torch="F.softshrink", tinygrad=NONE),
    op("hardshrink",   ACTIVATION, "np.where(np.abs(x) <= lambd, 0, x)", call(WIDE), edge(EDGES), torch="F.hardshrink", tinygrad=NONE),
    op("threshold",    ACTIVATION, "np.where(x <= threshold, value, x)", call(WIDE, 0.5, -7.0), edge(EDGES, 0.5, -7.0), torch="F.threshold", tinygrad=NONE),
    op("glu",          ACTIVATION, "np.split(x, 2, axis)[0] * sp.expit(np.split(x, 2, axis)[1])", call(array(4, 3), 0), call(array(2, 3, 6)), call(array(0, 4)), call(array(2, 1), 0), elementwise=False, shapes="0-d and size 1: an axis is cut in two", tolerance=2, torch="F.glu", tinygrad=NONE, errors=(refused("odd", array(3)),)),
    op("prelu",        ACTIVATION, "np.where(x > 0, x, x * weight.reshape(weight.shape + (1,) * (x.ndim - 2)) if weight.size > 1 else x * weight)", call(array(3, 5), array(5)), call(array(3, 5), array(1)), call(array(2, 3, 2), array(3)), call(array(0, 3), array(3)), call(array(1, 1), array(1)), elementwise=False, shapes="0-d: it has no channels", torch="F.prelu", tinygrad=NONE, errors=(refused("one a channel", array(1, 2), array(3)),)),
    op("softmax",      ALONG,      "softmax(x, axis)", call(X), call(X, 0), call(array(2, 3, 4), axis=1), call(array()), call(array(0, 3)), call(array(1, 1)), edge(array(3, 5, low=-200.0, high=200.0)).only("float32 float64"), tolerance=2, torch="F.softmax(x, axis, dtype=None if x.is_floating_point() else torch.float32)", errors=(refused("axis 2", X, 2, kind="AxisError"),)),
    op("log_softmax",  ALONG,      "np.log(softmax(x, axis))", call(X), call(X, 0), call(array()), call(array(0, 3)), call(array(1, 1)), tolerance=2, torch="F.log_softmax(x, axis, dtype=None if x.is_floating_point() else torch.float32)", errors=(refused("axis 2", X, 2, kind="AxisError"),)),
    op("softmin",      ALONG,      "softmax(-x, axis)", call(X), call(X, 0), call(array()), call(array(0, 3)), call(array(1, 1)), tolerance=2, dtypes="float", torch="F.softmin(x, axis)", errors=(refused("axis 2", X, 2, kind="AxisError"),)),
)
# fmt: on
