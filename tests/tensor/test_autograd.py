"""Custom functions, checkpoints, hooks, tapes that are kept or used up: what torch's users expect."""

from __future__ import annotations

import math

import pytest

import baregrad as bg
from baregrad import Tensor, nn
from baregrad import dtypes as dt
from baregrad.base.errors import GradientError, ShapeError
from baregrad.engine import SESSION
from baregrad.engine.realize import put_in_realized
from baregrad.ir import UOp, ops, simplify_tensor
from baregrad.schedule import plan_memory, schedule


class Cube(bg.Function):
    """Two results, and an argument that is no tensor."""

    calls: list[int] = []

    @staticmethod
    def forward(ctx, x, by):
        y = x * x * x
        ctx.save_for_backward(x, y, None)
        ctx.by = by
        assert not y.requires_grad, "forward runs off the tape"
        return y, x * by

    @staticmethod
    def backward(ctx, grad, other):
        Cube.calls.append(1)
        x, y, nothing = ctx.saved_tensors
        assert nothing is None
        return grad * 3 * y / x + other * ctx.by, None


# fmt: off
USES = [  # name, of both results, the gradient at 2
    ("first",   lambda y, z: y,               12.0),
    ("second",  lambda y, z: z,               5.0),
    ("both",    lambda y, z: y * z,           3 * 4 * 10.0 + 8 * 5.0),
    ("twice",   lambda y, z: y + y + z,       29.0),
    ("through", lambda y, z: (y + 1).log(),   12.0 / 9),
]
# fmt: on


@pytest.mark.parametrize("name, use, expected", USES, ids=[row[0] for row in USES])
@pytest.mark.parametrize("realized", [False, True])
def test_a_function_with_a_gradient_of_its_own(device, name, use, expected, realized):
    Cube.calls.clear()
    x = Tensor([2.0], requires_grad=True)
    y, z = Cube.apply(x * 1, 5)
    if realized:
        y.realize(z)
    result = use(y, z).sum()
    x.assign([100.0])  # what was saved stays as it was
    result.backward()
    assert (x.grad.item(), Cube.calls) == (pytest.approx(expected), [1])


def test_gradients_of_gradients_of_a_function(device):
    x = Tensor([2.0], requires_grad=True)
    y, _ = Cube.apply(x, 1)
    (slope,) = bg.grad((y * y).sum(), x, create_graph=True)  # x ** 6
    (bend,) = bg.grad(slope.sum(), x, create_graph=True)
    (third,) = bg.grad(bend.sum(), x)
    assert (slope.item(), bend.item(), third.item()) == pytest.approx((6 * 32.0, 30 * 16.0, 120 * 8.0))


class Wrong(bg.Function):
    """What backward gives is `gives`."""

    gives = None

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return Wrong.gives(grad)


@pytest.mark.parametrize(
    "gives, words",
    [
        (lambda g: (g, g), "2 gradients for 1"),
        (lambda g: g.sum(), "for an input of"),
        (lambda g: 1.0, "gives a float"),
    ],
)
def test_wrong_functions_are_refused(device, gives, words):
    Wrong.gives = gives
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GradientError, match=words):
        Wrong.apply(x).sum().backward()
    assert Wrong.apply(x.detach()).requires_grad is False


def test_a_function_without_a_gradient_for_an_input(device):
    Wrong.gives = lambda g: None
    x = Tensor([1.0, 2.0], requires_grad=True)
    (Wrong.apply(x) + x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_function_in_a_captured_step(device):
    weight = Tensor([2.0], requires_grad=True)

    @bg.jit
    def step(x):
        weight.grad = None
        y, z = Cube.apply(weight * x, 5)
        (y + z).sum().backward()
        return weight.grad * 1

    assert [step(Tensor([float(i)])).item() for i in range(1, 6)] == [12 * i**3 + 5 * i for i in range(1, 6)]


# -- checkpoints -----------------------------------------------------------------------------------------


def network(x, w, v):
    return ((x @ w).tanh().dropout(0.5) @ v).exp()


def trained(recompute, nested=False):
    """Gradients of two blocks with dropout."""
    Tensor.manual_seed(3)
    tensors = [Tensor.arange(12.0).reshape(3, 4) / 12 - k / 5 for k in range(3)]
    w, v, x = (t.realize().requires_grad_() for t in (tensors[0], tensors[1].T, tensors[2][:, :3]))

    def block(y):
        return network(y, w, v)

    call = bg.checkpoint if recompute else lambda f, *args: f(*args)
    y = call(block, x * 2)
    y = call(lambda z: call(block, z) * 2, y) if nested else call(block, y)
    y.sum().backward()
    return [t.grad.tolist() for t in (w, v, x)]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", ["reference", pytest.param("cpu", marks=pytest.mark.slow)])
def test_a_checkpoint_changes_no_number(name, nested):
    with bg.override(device=name):
        compare_checkpoint(nested)


def compare_checkpoint(nested):
    expected, found = trained(False, nested), trained(True, nested)
    assert all(any(any(row) for row in part) for part in expected)
    for one, other in zip(expected, found, strict=True):
        assert other == [pytest.approx(row, rel=1e-5) for row in one]


def bytes_between(recompute):
    """The memory for intermediate values of a deep step."""
    w = Tensor.full((64, 64), 0.1).realize().requires_grad_()

    def block(y):
        for _ in range(4):
            y = (y @ w).tanh()
        return y

    y = Tensor.ones(256, 64).realize()
    for _ in range(4):
        y = bg.checkpoint(block, y) if recompute else block(y)
    y.sum().backward()
    roots = put_in_realized(SESSION, [w.grad.value.uop], "cpu", [])
    roots = simplify_tensor(UOp(ops.SINK, dt.void, tuple(roots))).src
    made = schedule(roots, lambda shape, dtype: SESSION.new_buffer(shape, dtype, "cpu"))
    return plan_memory(made.items, {b.arg.number for b in made.outputs.values()}).nbytes


@pytest.mark.slow
def test_a_checkpoint_saves_memory():
    with bg.override(device="cpu"):
        without, with_ = bytes_between(False), bytes_between(True)
    assert with_ < without * 0.7, (with_, without)


def test_checkpoints_of_other_things(device):
    x = Tensor([2.0], requires_grad=True)
    a, b = bg.checkpoint(lambda x, k: (x * k, (x * x).detach()), x, 3.0)
    assert (b.requires_grad, a.item(), b.item()) == (False, 6.0, 4.0)
    (slope,) = bg.checkpoint(lambda x: x * x * x, x * 1).sum().gradient(x, create_graph=True)
    assert (slope.item(), slope.sum().gradient(x)[0].item()) == (12.0, 12.0)
    with pytest.raises(GradientError, match="checkpoint gives"):
        bg.checkpoint(lambda x: [x], x)
    with bg.no_grad():
        assert bg.checkpoint(lambda x: x * 2, x).requires_grad is False


# -- tapes -----------------------------------------------------------------------------------------------


def test_a_tape_is_used_up_unless_it_is_kept(device):
    x = Tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(GradientError, match="retain_graph"):
        y.backward()
    z = (x * x).sum()
    z.gradient(x, create_graph=True)
    z.backward()
    assert x.grad.item() == 12.0


def test_grad_of_outputs_and_inputs(device):
    x, w, unused = (Tensor([v], requires_grad=True) for v in (2.0, 3.0, 4.0))
    h = x * w
    found = bg.grad([h * h, h], [x, h], [Tensor([1.0]), Tensor([10.0])], retain_graph=True)
    assert [g.item() for g in found] == [2 * 6 * 3.0 + 30, 12.0 + 10]
    assert (x.grad, w.grad) == (None, None)
    with pytest.raises(GradientError, match="allow_unused"):
        h.gradient(unused, retain_graph=True)
    assert h.gradient(unused, x, allow_unused=True)[0] is None
    with pytest.raises(ShapeError, match="gradient of"):
        (x * w).backward(Tensor([1.0, 2.0]))
    with pytest.raises(GradientError, match="does not require"):
        (x * 1).sum().gradient(Tensor([1.0]))


def test_gradients_with_a_graph_add_up(device):
    x = Tensor([2.0], requires_grad=True)
    for _ in range(2):
        (x * x * x).sum().backward(create_graph=True)
    assert x.grad.item() == 24.0
    first, x.grad = x.grad, None
    first.sum().backward()
    assert x.grad.item() == 24.0, "2 * 6x"


def test_a_tensor_that_was_computed_twice_is_refused(device):
    x = Tensor([2.0], requires_grad=True)
    one, two = x * 2, x * 2
    with pytest.raises(GradientError, match="twice alike"):
        (one * 3 + two).sum().gradient(one)


def test_two_leaves_in_one_memory_have_gradients_of_their_own(device):
    one = Tensor([1.0, 2.0]).realize()
    two = one.detach().requires_grad_()
    one.requires_grad_()
    one.realize(two)
    (one * 3 + two * 2).sum().backward()
    assert (one.grad.tolist(), two.grad.tolist()) == ([3.0, 3.0], [2.0, 2.0])


def test_gradients_that_are_kept_on_the_way(device):
    x = Tensor([2.0], requires_grad=True)
    h = x * x
    h.retain_grad()
    (h * h).sum().backward()
    assert (h.grad.item(), x.grad.item()) == (8.0, 32.0)
    assert h.requires_grad is False
    with pytest.raises(GradientError, match="without a tape"):
        h.retain_grad()


def test_hooks(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    seen = []
    hook = x.register_hook(lambda g: seen.append(g.tolist()))
    double = x.register_hook(lambda g: g * 2)
    (x * x).sum().backward()
    hook.remove()
    hook.remove()
    (x * x).sum().backward()
    double.remove()
    (x * x).sum().backward()
    assert (seen, x.grad.tolist()) == ([[2.0, 4.0]], [10.0, 20.0])
    with pytest.raises(GradientError, match="retain_grad"):
        (x * 2).register_hook(print)


def test_where_the_tape_is_on(device):
    x = Tensor([1.0], requires_grad=True)
    with bg.no_grad():
        with bg.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad

    @bg.no_grad()
    def off():
        return x * 2

    assert not off().requires_grad
    assert (x * 2).detach().requires_grad is False
    y = x.detach()
    x.assign([5.0])
    assert y.item() == 1.0


def test_a_penalty_on_gradients_trains(device):
    """A double backward through a network into its parameters, against differences."""
    Tensor.manual_seed(1)
    net = nn.Linear(2, 1)
    x = Tensor([[0.3, -0.7]], requires_grad=True)

    def penalty():
        (slope,) = bg.grad(net(x).tanh().sum(), x, create_graph=True)
        return slope.square().sum()

    penalty().backward()
    weight, step = net.weight, 1e-2
    now, found = weight.tolist(), weight.grad[0, 0].item()
    sides = []
    for sign in (1, -1):
        weight.assign([[now[0][0] + sign * step, now[0][1]]])
        sides.append(penalty().item())
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(found, rel=1e-2)
    assert math.isfinite(found)
