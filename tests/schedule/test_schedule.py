"""Schedules of layers and steps: how many kernels they take, and that the values are those of the graph."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, Variable, const, interpret, ops, sized
from baregrad.kernel import optimize
from baregrad.lower import lower
from baregrad.render.targets import AVX2
from baregrad.schedule import schedule
from tests.schedule import nets
from tests.schedule.nets import Buffers
from tests.schedule.numeric import evaluate, numpy_dtype, run


def memory_of(buffers, seed=1):
    rng = np.random.default_rng(seed)
    memory = {}
    for node in buffers.inputs:
        kind = numpy_dtype(node.dtype)
        data = rng.standard_normal(node.shape) if kind.kind == "f" else rng.integers(0, 5, node.shape)
        memory[node.arg.number] = data.astype(kind)
    return memory


def check(roots, buffers, kernels=None, seed=1):
    plan = schedule(roots, buffers)
    memory = memory_of(buffers, seed)
    want = evaluate(roots, memory)
    got = run(plan, memory)
    for root, expected in zip(roots, want):
        np.testing.assert_allclose(got[root], expected, rtol=1e-4, atol=1e-4, err_msg=repr(root))
    if kernels is not None:
        reasons = "\n".join(map(str, plan.decisions))
        names = [item.ast.arg for item in plan.items]
        assert len(names) <= kernels, f"{len(names)} kernels: {names}\n{reasons}"
    return plan


def softmax_forward(b):
    return [nets.softmax(b.input(7, 13))]


def softmax_backward(b):
    x, g = b.input(7, 13), b.input(7, 13)
    return nets.gradients(nets.softmax(x), [x], g)


def layernorm_forward(b):
    return [nets.layernorm(b.input(7, 13), b.input(13), b.input(13))]


def layernorm_backward(b, shape=(64, 48)):
    x, w, c, g = b.input(*shape), b.input(shape[1]), b.input(shape[1]), b.input(*shape)
    return nets.gradients(nets.layernorm(x, w, c), [x, w, c], g)


def linear_gelu(b):
    x, w, c = b.input(5, 7), b.input(7, 11), b.input(11)
    y = nets.matmul(x, w)
    return [nets.gelu(y + nets.row(c, y))]


def conv_relu(b):
    x, w, c = b.input(2, 3, 6, 5), b.input(4, 3, 3, 3), b.input(4)
    y = nets.conv(x, w, padding=1)
    return [nets.relu(y + nets.channel(c, y))]


def conv_backward(b, stride=1):
    x, w = b.input(2, 3, 6, 6), b.input(4, 3, 3, 3)
    y = nets.conv(x, w, stride=stride, padding=1)
    return nets.gradients(y, [x, w], b.input(*y.shape))


def conv_backward_of_stride_2(b):
    return conv_backward(b, 2)


def max_pool(b):
    return [nets.maxpool(b.input(2, 3, 6, 6), 2, 2)]


def batch_norm(b):
    x, w, c, m, v = b.input(4, 3, 5, 5), b.input(3), b.input(3), b.input(1, 3, 1, 1), b.input(1, 3, 1, 1)
    y, mean, var = nets.batchnorm(x, w, c)
    return [y, m.assign(m * 0.9 + mean * 0.1), v.assign(v * 0.9 + var * 0.1)]


def cross_entropy(b):
    return [nets.cross_entropy(b.input(8, 10), b.input(8, dtype=dt.int32))]


def adam_step(b):
    return list(nets.adam(*(b.input(11, 3) for _ in range(4))))


def softmax_both(b):
    x, g = b.input(7, 13), b.input(7, 13)
    y = nets.softmax(x)
    return [y, *nets.gradients(y, [x], g)]


def layernorm_both(b):
    x, w, c, g = b.input(64, 48), b.input(48), b.input(48), b.input(64, 48)
    y = nets.layernorm(x, w, c)
    return [y, *nets.gradients(y, [x, w, c], g)]


def attention(b):
    return [nets.attention(*(b.input(2, 64, 32) for _ in range(3)))]


def embedding(b):
    table, words = b.input(50, 13), b.input(2, 7, dtype=dt.int64)
    return [table.gather(0, words.reshape((14, 1)).expand((14, 13))).reshape((2, 7, 13))]


def embedding_backward(b):
    table, g = b.input(50, 13), b.input(2, 7, 13)
    b.inputs.remove(table)  # the gradient does not read it
    words = b.input(14, dtype=dt.int64).reshape((14, 1)).expand((14, 13))
    return nets.gradients(table.gather(0, words).reshape((2, 7, 13)), [table], g)


def chosen_class(b):
    x, labels = b.input(7, 13), b.input(7, dtype=dt.int32)
    return [nets.softmax(x).alu(ops.LOG).gather(1, labels.reshape((7, 1)))]


COUNTS = [
    (embedding, 1),
    (embedding_backward, 2),
    (chosen_class, 2),
    (softmax_forward, 1),
    (softmax_backward, 2),
    (layernorm_forward, 1),
    (layernorm_backward, 3),
    (linear_gelu, 1),
    (conv_relu, 1),
    (conv_backward, 2),
    (conv_backward_of_stride_2, 3),
    (max_pool, 1),
    (batch_norm, 3),
    (cross_entropy, 1),
    (adam_step, 1),
    (softmax_both, 2),
    (layernorm_both, 3),
    (attention, 3),
]


@pytest.mark.parametrize("make, kernels", COUNTS, ids=[make.__name__ for make, _ in COUNTS])
def test_layers_take_few_kernels_and_keep_their_values(make, kernels):
    buffers = Buffers()
    check(make(buffers), buffers, kernels)


def test_a_training_step_of_a_conv_net():
    buffers = Buffers()
    roots = nets.conv_step(buffers, 3)
    plan = check(roots, buffers, 45)
    assert sum(len(item.donates) for item in plan.items) == len(roots) - 1, (
        "every parameter is written in place"
    )


def test_decisions_say_what_is_stored_and_why():
    buffers = Buffers()
    plan = check(layernorm_both(buffers), buffers)
    reasons = [decision.reason for decision in plan.decisions]
    assert reasons.count("wanted") == 4
    assert any("evaluations" in reason for reason in reasons), reasons
    assert {d.item for d in plan.decisions} == set(range(len(plan.items)))


def test_a_buffer_and_its_reshape_need_no_kernel():
    buffers = Buffers()
    x = buffers.input(4, 6)
    plan = check([x, x.reshape((24,))], buffers, 0)
    assert plan.outputs[x] is x
    assert plan.outputs[x.reshape((24,))] is x


def test_adam_writes_over_its_old_versions():
    buffers = Buffers()
    plan = check(adam_step(buffers), buffers, 1)
    assert len(plan.items[0].donates) == 3


@pytest.mark.parametrize("axis", [0, 1])
def test_a_reduction_of_nothing_is_the_identity(axis):
    buffers = Buffers()
    x = buffers.input(0, 3)
    check([x.reduce("add", (axis,)), x.reduce("max", (axis,)) + 1.0, x * 2.0], buffers)


def test_constants_and_views_are_realized():
    buffers = Buffers()
    x = buffers.input(3, 4)
    iota = UOp(ops.IOTA, dt.int32, (), 5)
    check(
        [const(3.0, dt.float32), const(2, dt.int32).expand((2, 3)), x.permute((1, 0)), x.flip((1,)), iota],
        buffers,
    )


def test_two_versions_and_a_reader_of_the_old_one():
    buffers = Buffers()
    x, y = buffers.input(4), buffers.input(4)
    first = x.assign(x + y)
    second = first.assign(first * 2.0)
    check([second, x * 3.0, first.flip((0,))], buffers)
    check([second], buffers, 1)


def test_no_donation_while_an_element_is_read_elsewhere():
    buffers = Buffers()
    x = buffers.input(4)
    plan = check([x.assign(x.flip((0,)))], buffers, 1)
    assert not plan.items[0].donates


def test_what_only_its_own_kernel_uses_is_not_stored():
    buffers = Buffers()
    plan = check([((buffers.input(5) * 2.0).contiguous() + 1.0).contiguous() * 3.0], buffers, 1)
    assert plan.items[0].writes == (0,)


def test_a_long_chain_needs_no_recursion():
    buffers = Buffers()
    x = buffers.input(8)
    node = x
    for _ in range(3000):
        node = -node
    plan = check([node], buffers)
    assert 6 <= len(plan.items) <= 9


@pytest.mark.parametrize(
    "size, kernel, stride, padding", [(12, 2, 2, 0), (13, 3, 2, 1), (17, 3, 4, 0), (14, 5, 3, 2)]
)
def test_the_gradient_of_strided_windows_visits_few_windows(size, kernel, stride, padding):
    buffers = Buffers()
    x = buffers.input(1, 2, size, 3)
    y = x.view(
        (1, 2, (size + 2 * padding - kernel) // stride + 1, 3, kernel),
        ((0, (1, 0, 0, 0, 0)), (0, (0, 1, 0, 0, 0)), (-padding, (0, 0, stride, 0, 1)), (0, (0, 0, 0, 1, 0))),
    )
    plan = check(nets.gradients(y, [x], buffers.input(*y.shape)), buffers, 1)
    loops = [node.src[0].arg for node in plan.items[0].ast.toposort() if node.op is ops.RANGE]
    assert sum(loops) <= 2 + size + 3 + -(-kernel // stride)
    for seed in range(3):
        check(nets.gradients(nets.maxpool(x, 3, 2), [x]), buffers, seed=seed)


@pytest.mark.parametrize(
    "shape, axes", [((70000,), (0,)), ((3, 65537), (1,)), ((64, 3, 20, 20), (0, 2, 3)), ((2, 40000), (0, 1))]
)
@pytest.mark.parametrize("name", ["add", "max"])
def test_a_large_reduction_to_few_elements_has_partial_results(shape, axes, name):
    buffers = Buffers()
    x = buffers.input(*shape)
    plan = check([x.reduce(name, axes), (x * x).reduce(name, axes) + 1.0], buffers, 3)
    assert len(plan.items) >= 2
    parts = plan.items[0].buffers[0]
    assert 32 <= np.prod(parts.shape) <= 4096


def test_a_choice_that_knows_a_sum_stays_outside_of_it():
    """relu(a @ w).sum(): the mask of relu compares the inner sum, so the two sums are no single one."""
    buffers = Buffers()
    h = nets.matmul(buffers.input(2, 3), buffers.input(3, 2))
    plan = check([(h > 0.0).where(h, const(0.0, nets.F)).reduce("add", (0, 1))], buffers, 1)
    reduces = [node for node in plan.items[0].ast.toposort() if node.op is ops.REDUCE]
    assert len(reduces) == 2
    assert not set(reduces[0].src[1:]) & set(reduces[1].src[1:])


def test_copies_are_made_before_a_schedule():
    buffers = Buffers()
    x, y = buffers.input(4), UOp(ops.BUFFER, nets.F, (), Buffer(99, (4,), ("null",)))
    with pytest.raises(AssertionError, match="one device"):
        schedule([x + y], buffers)
    with pytest.raises(AssertionError, match="a copy is made before"):
        schedule([x.copy_to("null") + 1.0], buffers)


def test_tangled_indices_are_stored_on_the_way():
    buffers = Buffers()
    node = buffers.input(4, 6)
    for _ in range(40):
        node = node.permute((1, 0)).reshape((4, 6)) + 1.0
    plan = check([node], buffers)
    assert 1 < len(plan.items) < 20
    assert max(len(item.ast.toposort()) for item in plan.items) < 200


def test_sizes_that_are_values():
    n = sized(Variable("n", 1, 9))
    buffers = Buffers()
    x, y = buffers((n, 4), nets.F), buffers((4,), nets.F)
    z = (x + nets.row(y, x)).permute((1, 0))
    plan = schedule([z.reduce("add", (1,)), x * 2.0 + 1.0], buffers)
    assert sorted(item.ast.arg for item in plan.items) == ["e_n_4", "r_4_n"]
    memory = {x.arg.number: [float(i) for i in range(28)], y.arg.number: [1.0, 2.0, 3.0, 4.0]}
    for item in plan.items:
        memory[item.buffers[0].arg.number] = [0.0] * 28
        interpret.run_kernel(item.ast, [*(memory[buffer.arg.number] for buffer in item.buffers), 7])
        assert item.variables == ("n",)
    summed, doubled = (memory[plan.outputs[root].arg.number] for root in plan.outputs)
    assert summed[:4] == [91.0, 105.0, 119.0, 133.0]
    assert doubled == [2.0 * i + 1.0 for i in range(28)]


@pytest.mark.parametrize("name", ["add", "max", "mul"])
def test_reducing_what_is_the_same_everywhere_takes_no_loop(name):
    buffers = Buffers()
    x, i = buffers.input(4, 1, 3), buffers.input(1, dtype=dt.int32)
    roots = [x.expand((4, 5, 3)).reduce(name, (1, 2)), i.expand((6,)).reduce(name, (0,))]
    plan = check(roots, buffers)
    loops = {node.src[0].arg for item in plan.items for node in item.ast.toposort() if node.op is ops.RANGE}
    assert loops == ({4, 3} if name != "mul" else {4, 5, 3, 6})


def test_a_product_that_is_summed_up_runs_alone():
    buffers = Buffers()
    product = nets.matmul(buffers.input(48, 40), buffers.input(40, 48))
    plan = check([product.reduce("add", (0, 1)), nets.relu(product + 1.0).reduce("max", (1,))], buffers, 3)
    assert plan.items[0].ast.arg == "r_48_48_40"


def test_a_sum_that_is_stored_and_summed_again_is_not_joined():
    buffers = Buffers()
    x = buffers.input(7, 6, dtype=dt.float16)
    once = x.reshape((7, 6, 1)).expand((7, 6, 5)).reduce("add", (2,))  # the same in each step of the next one
    plan = schedule([once, once.expand((7, 6, 3)).reduce("add", (2,))], buffers)
    for item in plan.items:
        assert lower(optimize(item.ast, AVX2), AVX2).uops, "joined, it could not be lowered"


def test_scalars_share_a_kernel():
    buffers = Buffers()
    x, y = buffers.input(), buffers.input()
    check([x.assign(x * 0.9), y.assign(y * 0.99)], buffers, 1)


def test_a_mask_of_indices_is_never_stored():
    buffers = Buffers()
    places = UOp(ops.IOTA, dt.int32, (), 64)
    a, b = places.reshape((64, 1)).expand((64, 64)), places.reshape((1, 64)).expand((64, 64))
    mask = (a < b).reshape((1, 64, 64)).expand((8, 64, 64)).reshape((512, 64))
    check([nets.softmax(mask.where(-1e9, buffers.input(512, 64)))], buffers, 1)
