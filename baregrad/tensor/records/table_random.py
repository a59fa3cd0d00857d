# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/random.py: shapes and dtypes; tests/tensor/test_random.py looks at the distributions.

The formula gives the shape. Read record.py first.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.tensor.records.record import NONE, Kind, array, call, edge, op, refused

DRAWN = Kind("", "dtype", "it reads no tensor")
LIKE = Kind("float", "same", "it reads no elements")
DROPPED = Kind("float", "same", "it is random")
NEW = "each call draws new numbers"

MATRIX = array(3, 5, low=0.1, high=0.9)
SHAPES = (
    edge(MATRIX),
    edge(array(low=0.1, high=0.9)),
    edge(array(0, 3)),
    edge(array(1, 1, low=0.1, high=0.9)),
)
SIZE = (refused("size -1", -1), refused("size 2.0", 2.0))
CHANCE = (refused("p=2", MATRIX, 2, kind="DTypeError"), refused("p=-0.5", MATRIX, -0.5, kind="DTypeError"))

# fmt: off
RECORDS = (
    op("random_bits", DRAWN, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1), gives="uint32", random="32 even bits", jit=NEW, torch=NONE, errors=SIZE),
    op("rand",        DRAWN, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1, dtype=dt.float64), random="uniform in [0, 1)", jit=NEW, torch="torch.rand", errors=(*SIZE, refused("floats", 2, dtype=dt.int32, kind="DTypeError"))),
    op("uniform",     DRAWN, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1, low=-1.0, high=2.0), gives="float32", random="uniform in [low, high)", jit=NEW, torch="nn.init.uniform_", errors=SIZE),
    op("randn",       DRAWN, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1, dtype=dt.float64), random="normal, mean 0 and variance 1", jit=NEW, torch="torch.randn", errors=(*SIZE, refused("floats", 2, dtype=dt.int32, kind="DTypeError"))),
    op("normal",      DRAWN, "np.zeros(size) if size is not None else np.zeros(np.broadcast_shapes(np.shape(mean), np.shape(std)))", call(1.0, 2.0, (2, 3)), call(0.0, 1.0, ()), call(array(3, dtype="float32"), array(2, 3, low=0.1, high=0.9, dtype="float32")), call(0.0, 1.0, (0, 1)), random="normal of a mean and a deviation", jit=NEW, torch="torch.normal", errors=(refused("size", 1.0, 2.0, kind="DTypeError"), refused("at least 0", 1.0, -2.0, (2,), kind="DTypeError"))),
    op("randint",     DRAWN, "np.zeros(size)", call(-3, 4, (2, 3)), call(0, 1, ()), call(0, 9, (0,), dtype=dt.int8), random="whole numbers in [low, high)", jit=NEW, torch="torch.randint", errors=(refused("1 to 2", 3, 3, (2,), kind="DTypeError"),)),
    op("randperm",    DRAWN, "np.zeros(n)", call(5), call(0), call(1), random="0 to n - 1 in any order", jit=NEW, torch="torch.randperm", gives="int64"),
    op("rand_like",   LIKE,  "np.zeros(x.shape)", SHAPES, random="uniform in [0, 1)", jit=NEW, torch="torch.rand_like"),
    op("randn_like",  LIKE,  "np.zeros(x.shape)", SHAPES, random="normal, mean 0 and variance 1", jit=NEW, torch="torch.randn_like"),
    op("randint_like", LIKE, "np.zeros(x.shape)", edge(MATRIX, 5), edge(array(), 2, 5), edge(array(0, 3), 1), edge(array(1, 1), 1), dtypes="bool int float", random="whole numbers in [low, high)", jit=NEW, torch="torch.randint_like", tinygrad="randint"),
    op("bernoulli",   LIKE,  "np.zeros(x.shape)", SHAPES, random="1 with each element's probability, else 0", jit=NEW, tinygrad=NONE, errors=CHANCE),
    op("multinomial", LIKE,  "np.zeros(x.shape[:-1] + (num_samples,))", edge(array(5, low=0.1, high=1.0), 3), edge(MATRIX, 2), edge(MATRIX, 9, True), gives="int64", shapes="empty, 0-d and size 1: places are drawn", random="places, each as often as its weight says", jit=NEW, errors=(refused("", MATRIX, 6, kind="BaregradError"),)),
    op("dropout",     DROPPED, "np.zeros(x.shape)", SHAPES, random="0 with probability p, else x / (1 - p)", jit=NEW, torch="F.dropout", errors=CHANCE),
    op("dropout1d",   DROPPED, "np.zeros(x.shape)", edge(array(2, 3, 4)), edge(array(0, 3, 4)), edge(array(1, 1, 1)), shapes="0-d: it has no channels", random="channels 0 with probability p, else x / (1 - p)", jit=NEW, torch="F.dropout1d", tinygrad="dropout", errors=(refused("p=2", array(1, 1, 1), 2, kind="DTypeError"),)),
    op("dropout2d",   DROPPED, "np.zeros(x.shape)", edge(array(2, 3, 4, 1)), edge(array(0, 3, 4, 1)), edge(array(1, 1, 1, 1)), shapes="0-d: it has no channels", random="channels 0 with probability p, else x / (1 - p)", jit=NEW, torch="F.dropout2d", tinygrad="dropout", errors=(refused("p=2", array(1, 1, 1, 1), 2, kind="DTypeError"),)),
    op("dropout3d",   DROPPED, "np.zeros(x.shape)", edge(array(2, 3, 4, 1, 1)), edge(array(0, 3, 4, 1, 1)), edge(array(1, 1, 1, 1, 1)), shapes="0-d: it has no channels", random="channels 0 with probability p, else x / (1 - p)", jit=NEW, torch="F.dropout3d", tinygrad="dropout", errors=(refused("p=2", array(1, 1, 1, 1, 1), 2, kind="DTypeError"),)),
    op("gumbel_softmax", DROPPED, "np.zeros(x.shape)", edge(array(3, 5)), edge(array(3, 5), 0.5, True, 0), edge(array()), edge(array(0, 3)), edge(array(1, 1)), random="softmax of noise added", jit=NEW, torch="F.gumbel_softmax", tinygrad=NONE),
)
# fmt: on
