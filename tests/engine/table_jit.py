"""The rows of test_jit_list.py: short programs in which captured steps go wrong in silence elsewhere.

`scenario(jit)` wraps its step with `jit` and yields what it sees; the outcome is "right" or "error".
"""

from __future__ import annotations

import copy
import gc
import random
import threading
import time
from collections import deque
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy as np

import baregrad as bg
from baregrad import Tensor, nn
from baregrad import dtypes as dt
from baregrad.base.errors import JitError

ROWS = []
TEMPERATURE = 1.0


def row(outcome, sentence):
    """Add a row: its name is the function's."""

    def add(scenario):
        ROWS.append((scenario.__name__.replace("_", " "), outcome, sentence, scenario))
        return scenario

    return add


def ones(*shape):
    return Tensor.ones(*shape).realize()


def seen(result):
    """Numbers of a result."""
    if isinstance(result, tuple | list):
        return [seen(part) for part in result]
    if isinstance(result, dict):
        return {name: seen(part) for name, part in result.items()}
    return result.tolist() if isinstance(result, Tensor) else result


def calls(step, times=4, change=None, argument=lambda i: Tensor([float(i)])):
    """The results of some calls; `change` comes before the last."""
    for i in range(times):
        if i == times - 1 and change is not None:
            change()
        yield seen(step(argument(i)))


# -- Python values ---------------------------------------------------------------------------------------


@row("error", "A number in the step's closure is another one at a replay.")
def number_in_a_closure(jit):
    rate = 2.0

    def change():
        nonlocal rate
        rate = 3.0

    yield from calls(jit(lambda x: x * rate), change=change)


@row("error", "A global number is another one.")
def global_number(jit):
    global TEMPERATURE
    TEMPERATURE = 2.0

    def change():
        global TEMPERATURE
        TEMPERATURE = 5.0

    yield from calls(jit(lambda x: x * TEMPERATURE), change=change)


class Scaled:
    """Its method reads a global."""

    def __init__(self):
        self.scale, self.parts = 2.0, [1.0, 2.0]

    def __call__(self, x):
        return x * self.scale * TEMPERATURE * sum(self.parts) * self.half

    @property
    def half(self):
        return self.scale / 2


@row("error", "A global that only a method of an object reads is another one.")
def global_number_behind_a_method(jit):
    global TEMPERATURE
    TEMPERATURE, owner = 2.0, Scaled()

    def change():
        global TEMPERATURE
        TEMPERATURE = 5.0

    yield from calls(jit(lambda x: owner(x)), change=change)


@row("error", "An attribute of an object that the step reaches is another one.")
def attribute_of_an_object(jit):
    owner = Scaled()
    yield from calls(jit(lambda x: owner(x)), change=lambda: setattr(owner, "scale", 7.0))


@row("error", "A list that the step reads has another element.")
def element_of_a_list(jit):
    owner = Scaled()
    yield from calls(jit(lambda x: owner(x)), change=lambda: owner.parts.__setitem__(0, 9.0))


@row("error", "A deque that the step reads is longer.")
def element_of_a_deque(jit):
    rates = deque([1.0, 2.0])
    yield from calls(jit(lambda x: x * sum(rates)), change=lambda: rates.append(3.0))


@row("error", "A set that the step reads has one element more.")
def element_of_a_set(jit):
    rates = {1.0, 2.0}
    yield from calls(jit(lambda x: x * sum(rates)), change=lambda: rates.add(3.0))


@row("error", "A key of a dict was added.")
def key_of_a_dict(jit):
    rates = {"a": 1.0}
    yield from calls(jit(lambda x: x * sum(rates.values())), change=lambda: rates.update(b=2.0))


@row("error", "An attribute of a module of the user's is another one.")
def attribute_of_a_module(jit):
    settings = ModuleType("settings")
    settings.rate = 2.0
    yield from calls(jit(lambda x: x * settings.rate), change=lambda: setattr(settings, "rate", 5.0))


@row("error", "The step is a partial, and what it holds has changed.")
def held_by_a_partial(jit):
    owner = Scaled()
    step = jit(partial(lambda o, x: o(x), owner))
    yield from calls(step, change=lambda: setattr(owner, "scale", 7.0))


@row("error", "A default of the step is another one.")
def default_of_the_step(jit):
    def inside(x, rate=2.0):
        return x * rate

    yield from calls(jit(inside), change=lambda: setattr(inside, "__defaults__", (3.0,)))


@row("error", "The elements of a numpy array in the closure have changed.")
def elements_of_an_array_in_a_closure(jit):
    array = np.ones(1, np.float32)
    yield from calls(jit(lambda x: x * Tensor(array)), change=lambda: array.__setitem__(0, 5.0))


@row("error", "The elements of a numpy array among the arguments have changed.")
def elements_of_an_array_argument(jit):
    array, step = np.ones(1, np.float32), jit(lambda x, a: x * Tensor(a))
    yield from calls(lambda x: step(x, array), change=lambda: array.__setitem__(0, 5.0))


@row("error", "The step takes batches from a generator of its own.")
def batches_from_a_generator(jit):
    batches = (Tensor([float(i)]) for i in range(9))
    yield from calls(jit(lambda x: x + next(batches)))


@row("error", "The step takes numbers from an iterator.")
def numbers_from_an_iterator(jit):
    numbers = iter([1.0, 2.0, 3.0, 4.0, 5.0])
    yield from calls(jit(lambda x: x + next(numbers)))


@row("error", "The step counts its calls in Python.")
def count_in_python(jit):
    count = 0

    def inside(x):
        nonlocal count
        count += 1
        return x * count

    yield from calls(jit(inside))


@row("error", "Control flow on a Python value that changes.")
def control_flow_on_a_python_value(jit):
    owner = SimpleNamespace(warm=True)
    step = jit(lambda x: x * 2 if owner.warm else x * 3)
    yield from calls(step, change=lambda: setattr(owner, "warm", False))


@row("error", "The step asks for the time.")
def time_of_day(jit):
    yield from calls(jit(lambda x: x * 0 + (time.time() > 0)))


@row("error", "The step draws from Python's random numbers.")
def random_numbers_of_python(jit):
    random.seed(3)
    yield from calls(jit(lambda x: x * random.uniform(0, 1)))


@row("error", "The step draws from numpy's random numbers.")
def random_numbers_of_numpy(jit):
    np.random.seed(3)
    yield from calls(jit(lambda x: x * float(np.random.rand())))


@row("error", "The step draws from a generator of numpy in its closure.")
def random_generator_of_numpy(jit):
    generator = np.random.default_rng(3)
    yield from calls(jit(lambda x: x * float(generator.random())))


@row("error", "The step reads a file.")
def contents_of_a_file(jit):
    def inside(x):
        with open(__file__, encoding="utf8") as file:
            return x + len(file.readline())

    yield from calls(jit(inside))


# -- arguments -------------------------------------------------------------------------------------------


@row("right", "Other elements in tensors of the same signature.")
def other_elements(jit):
    step = jit(lambda x, y: x * 2 + y)
    for i in range(5):
        yield seen(step(Tensor([float(i)]), Tensor([10.0 * i])))


@row("error", "Another shape.")
def other_shape(jit):
    yield from calls(jit(lambda x: x.sum()), argument=lambda i: ones(2 if i < 3 else 3))


@row("error", "Another dtype.")
def other_dtype(jit):
    kinds = [dt.float32] * 3 + [dt.int32]
    yield from calls(jit(lambda x: x * 2), argument=lambda i: Tensor([1, 2], dtype=kinds[i]))


@row("error", "Another Python number as an argument.")
def other_number_as_an_argument(jit):
    step = jit(lambda x, k: x * k)
    yield from calls(lambda x: step(x, 2 if x.item() < 3 else 3))


@row("error", "A keyword argument that was not there.")
def keyword_argument_added(jit):
    step = jit(lambda x, **more: x + sum(more.values()))
    for i in range(4):
        yield seen(step(ones(1), **({"bias": ones(1)} if i == 3 else {})))


@row("right", "Keyword arguments in another order.")
def keywords_in_another_order(jit):
    step = jit(lambda *, a, b: a * 10 + b)
    for i in range(5):
        a, b = Tensor([float(i)]), Tensor([1.0])
        yield seen(step(a=a, b=b) if i % 2 else step(b=b, a=a))


@row("right", "Tensors in nested tuples, lists and dicts.")
def nested_arguments(jit):
    step = jit(lambda tree, *, scale: tree["a"][0] * scale + tree["b"])
    for i in range(4):
        yield seen(step({"a": [Tensor([float(i)])], "b": Tensor([1.0])}, scale=3))


@row("error", "One tensor twice, where the capture had two.")
def the_same_tensor_twice(jit):
    step, x = jit(lambda x, y: x * 10 + y), Tensor([3.0])
    for i in range(4):
        yield seen(step(x, x if i == 3 else Tensor([float(i)])))


@row("error", "Two tensors, where the capture had one twice.")
def one_tensor_where_there_were_two(jit):
    step, x = jit(lambda x, y: x * 10 + y), Tensor([3.0])
    for i in range(4):
        yield seen(step(x, Tensor([5.0]) if i == 3 else x))


@row("right", "Views of one buffer as two arguments.")
def views_of_one_buffer(jit):
    step, x = jit(lambda a, b: a * 10 + b), Tensor([[1.0, 2.0], [3.0, 4.0]])
    for i in range(5):
        yield seen(step(x[i % 2], x[:, 0]))


@row("right", "An argument that is assigned to outside, between replays.")
def argument_assigned_between(jit):
    step, x = jit(lambda x: x * 2), Tensor([1.0])
    for _ in range(5):
        yield seen(step(x))
        x.assign(x + 1)


@row("error", "The step assigns to an argument, and gets another tensor.")
def step_assigns_to_an_argument(jit):
    def inside(x):
        x.assign(x + 1)
        return x * 2

    step, x = jit(inside), Tensor([1.0])
    for i in range(5):
        other = Tensor([50.0]) if i == 4 else x
        yield seen(step(other))
        yield seen(other)


@row("error", "An object among the arguments, and another one of its kind.")
def another_object(jit):
    step = jit(lambda x, o: x * o.rate)
    for i in range(5):
        yield seen(step(ones(1), SimpleNamespace(rate=float(i))))
        gc.collect(0)


@row("right", "Arguments that nobody holds after the call.")
def arguments_that_are_gone(jit):
    step = jit(lambda x, y: x @ y)
    for i in range(5):
        yield seen(step(Tensor([[float(i)]]) * 1, Tensor([[2.0]]) + i))
        gc.collect(0)


# -- tensors that the step finds -------------------------------------------------------------------------


@row("right", "A parameter gets other elements by assign().")
def parameter_assigned(jit):
    weight = Tensor([2.0])
    yield from calls(jit(lambda x: x * weight), change=lambda: weight.assign([7.0]))


@row("right", "Weights are loaded between replays.")
def weights_loaded(jit):
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": Tensor([[1.0]]), "bias": Tensor([0.0])})
    state = {"weight": Tensor([[2.0]]), "bias": Tensor([1.0])}
    yield from calls(jit(lambda x: net(x)), change=lambda: net.load_state_dict(state))


@row("error", "A parameter is another tensor.")
def parameter_replaced(jit):
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": Tensor([[1.0]]), "bias": Tensor([0.0])})
    change = lambda: setattr(net, "weight", Tensor([[5.0]], requires_grad=True))  # noqa: E731
    yield from calls(jit(lambda x: net(x)), change=change)


@row("error", "A layer was added to a list of layers.")
def layer_added(jit):
    layers = [lambda x: x + 1]
    step = jit(lambda x: sum((layer(x) for layer in layers), x))
    yield from calls(step, change=lambda: layers.append(lambda x: x * 100))


@row("error", "A tensor comes from a place without a name (a queue, another thread).")
def tensor_without_a_name(jit):
    def inside(x):
        found = []
        worker = threading.Thread(target=lambda: found.append(Tensor([2.0], device=x.device).realize()))
        worker.start()
        worker.join()
        return x * found[0]

    yield from calls(jit(inside))


@row("right", "Two tensors that the step finds lie in one memory, and one is assigned to.")
def aliases_outside(jit):
    a = Tensor([2.0]).realize()
    b = a.detach()
    yield from calls(jit(lambda x: a * x + b), change=lambda: b.assign([5.0]))


@row("right", "A part of a tensor is assigned inside.")
def part_assigned_inside(jit):
    table = Tensor([[0.0, 0.0], [0.0, 0.0]])

    def inside(x):
        table[1] = table[1] + x
        return table * 1

    yield from calls(jit(inside), times=5)
    yield seen(table)


@row("right", "Tensors exchange their values inside.")
def exchange_inside(jit):
    a, b = Tensor([1.0]), Tensor([2.0])

    def inside(x):
        old = a + 0
        a.assign(b * 1)
        b.assign(old)
        return a * 10 + b + x

    yield from calls(jit(inside), times=6)


@row("right", "An old version that is held outlives the next ones.")
def old_versions_held(jit):
    weight = Tensor([1.0])

    def inside(x):
        weight.assign(weight * 2)
        return weight + 0

    step, held = jit(inside), []
    for _ in range(5):
        held.append((weight.detach(), step(ones(1))))
        yield seen(held)


@row("right", "Memory that numpy shares is not written by a replay.")
def memory_shared_with_numpy(jit):
    weight = Tensor([1.0])

    def inside(x):
        weight.assign(weight + x)
        return weight * 1

    step, held = jit(inside), []
    for _ in range(5):
        step(ones(1))
        held.append(np.asarray(weight))
        yield [part.tolist() for part in held]


@row("right", "What a replay has overwritten is not taken for what was computed there first.")
def memory_written_over(jit):
    step, x = jit(lambda x: x * 2), Tensor([1.0])
    lazy = x * 2
    for number in range(5):
        step(x if number < 2 else Tensor([5.0]))
    yield seen(lazy)


# -- results ---------------------------------------------------------------------------------------------


@row("right", "Results that are held are not written over.")
def results_held(jit):
    step, held = jit(lambda x: (x * 2, {"b": x + 1})), []
    for i in range(6):
        held.append(step(Tensor([float(i)])))
        yield seen(held)


@row("right", "What is computed from a result later uses that result.")
def lazy_uses_of_results(jit):
    step = jit(lambda x: x * 2)
    lazy = [step(Tensor([float(i)])) + 1 for i in range(6)]
    yield seen(lazy)


@row("right", "Results fed back as arguments.")
def results_fed_back(jit):
    step, x = jit(lambda x, y: (y, x + y)), (Tensor([1.0]), Tensor([1.0]))
    for _ in range(7):
        x = step(*x)
        yield seen(x)


@row("right", "An argument, a parameter and a constant among the results.")
def returned_as_they_are(jit):
    kept = Tensor([7.0])
    step = jit(lambda x: (x, kept, Tensor([5.0]), x, None, [x + 1]))
    held = []
    for i in range(5):
        held.append(step(Tensor([float(i)])))
        kept.assign(kept + 1)
        yield seen(held)


@row("error", "A Python number among the results.")
def python_number_returned(jit):
    yield from calls(jit(lambda x: (x, len(x.shape))))


@row("error", "A generator as the result.")
def generator_returned(jit):
    step = jit(lambda x: (x * k for k in (1, 2)))
    for i in range(3):
        yield [seen(part) for part in step(Tensor([float(i)]))]


@row("error", "A new tensor is kept in an object, under the same name each time.")
def new_tensor_kept(jit):
    kept = {}

    def inside(x):
        kept["last"] = x * 3
        return x + 1

    step = jit(inside)
    for i in range(4):
        yield seen(step(Tensor([float(i)])))
        yield seen(kept["last"])


# -- inside the step -------------------------------------------------------------------------------------


@row("error", "A number is read back inside.")
def read_back(jit):
    yield from calls(jit(lambda x: x * x.item()))


@row("error", "The truth of a tensor decides.")
def control_flow_on_values(jit):
    yield from calls(jit(lambda x: x * 2 if (x > 1).all() else x * 3))


@row("error", "The step catches the error of its read-back and goes another way.")
def read_back_whose_error_is_caught(jit):
    def inside(x):
        try:
            return x * x.item()
        except JitError:
            return x * 0

    yield from calls(jit(inside))


@row("error", "numpy sees a tensor inside.")
def array_made_inside(jit):
    yield from calls(jit(lambda x: x * Tensor(np.asarray(x))))


@row("right", "A step that calls a step.")
def step_in_a_step(jit):
    inner = jit(lambda x: x * 2)
    outer = jit(lambda x: inner(x) + inner(x + 1))
    for i in range(5):
        yield seen(outer(Tensor([float(i)])))
        yield seen(inner(Tensor([float(i)])))


@row("right", "realize() in the middle.")
def realize_inside(jit):
    weight = Tensor([1.0])

    def inside(x):
        y = (x + weight).realize()
        weight.assign(weight + y)
        weight.realize()
        return y * weight

    yield from calls(jit(inside), times=6)


@row("right", "An exception half-way: what was assigned stays, and the next call captures anew.")
def exception_half_way(jit):
    weight, fail = Tensor([1.0]), [False, True, False, False, False, False]

    def inside(x):
        weight.assign(weight + x)
        if fail.pop(0):
            raise ValueError("half way")
        return weight * 2

    step = jit(inside)
    for _ in range(2):
        try:
            yield seen(step(ones(1)))
        except ValueError as error:
            yield [str(error), seen(weight)]
    for _ in range(3):
        fail[:] = [False] * 4
        try:
            yield seen(step(ones(1)))
        except JitError:
            step.reset()
            yield seen(step(ones(1)))


@row("right", "Random numbers are new at each replay, and those of eager calls.")
def random_numbers(jit):
    Tensor.manual_seed(4)
    yield from calls(jit(lambda x: (x + Tensor.rand(3), Tensor.rand(2).dropout(0.5))), times=6)


@row("right", "The seed is set between replays.")
def seed_between_replays(jit):
    step = jit(lambda x: x + Tensor.rand(2))
    Tensor.manual_seed(1)
    yield from calls(step, change=lambda: Tensor.manual_seed(8))


@row("right", "The seed is set inside.")
def seed_inside(jit):
    def inside(x):
        Tensor.manual_seed(5)
        return x + Tensor.rand(2)

    yield from calls(jit(inside), times=5)


@row("error", "The step is captured under other switches than it is replayed with.")
def other_switches(jit):
    y = Tensor([-1.0 - 2**-11])
    step, x = jit(lambda x: x * x + y), Tensor([1.0 + 2**-12])
    for i in range(4):
        with bg.override(contract=i == 3):
            yield seen(step(x))


@row("right", "Captured under no_grad, replayed without it.")
def captured_under_no_grad(jit):
    weight = Tensor([2.0], requires_grad=True)
    step = jit(lambda x: x * weight)
    for i in range(5):
        if i < 3:
            with bg.no_grad():
                yield seen(step(Tensor([float(i)])))
        else:
            yield seen(step(Tensor([float(i)])))


@row("right", "Captures in several threads at once.")
def captures_in_threads(jit):
    results = {}

    def work(k):
        weight = Tensor([float(k)])

        def inside(x):
            weight.assign(weight + x)
            return weight * 1

        step = jit(inside)
        results[k] = [seen(step(Tensor([1.0]))) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield [results[k] for k in range(3)]


# -- training --------------------------------------------------------------------------------------------


def trained(jit, make, change=lambda i, net, used: None, steps=6):
    """Parameters after each step of a small regression."""
    Tensor.manual_seed(2)
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm(2), nn.Dropout(0.25))
    used = make(net.parameters())
    x, y = Tensor([[0.1, 0.5], [0.7, -0.3], [-0.2, 0.4]]), Tensor([[0.2], [0.1], [0.6]])

    def inside(x, y):
        used.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        used.step()
        return loss

    step = jit(inside)
    for i in range(steps):
        change(i, net, used)
        yield seen(step(x, y))
        yield [seen(t) for _, t in net.named_tensors()]


@row("right", "The counter and the means of an optimiser go on; running statistics and dropout, too.")
def optimiser_state(jit):
    yield from trained(jit, lambda p: nn.AdamW(p, 0.1))


@row("right", "The learning rate is set between replays.")
def learning_rate(jit):
    def change(i, net, used):
        used.lr = 0.1 / (i + 1)

    yield from trained(jit, lambda p: nn.SGD(p, 0.1, momentum=0.9), change)


@row("error", "Another number of an optimiser (its momentum) is set.")
def momentum(jit):
    def change(i, net, used):
        used.momentum = 0.5 if i > 3 else 0.9

    yield from trained(jit, lambda p: nn.SGD(p, 0.1, momentum=0.9), change)


@row("error", "The network goes from training to use.")
def train_and_eval(jit):
    def change(i, net, used):
        net.train(i < 4)

    yield from trained(jit, lambda p: nn.SGD(p, 0.1), change)


@row("right", "A gradient that is held stays as it was.")
def gradient_held(jit):
    weight, held = Tensor([2.0], requires_grad=True), []

    def inside(x):
        weight.grad = None
        (weight * x).sum().backward()
        return weight * 1

    step = jit(inside)
    for i in range(6):
        step(Tensor([float(i)]))
        held.append(weight.grad)
        yield seen(held)


@row("error", "Gradients add up outside of the step, which was captured without them.")
def gradient_there_or_not(jit):
    weight = Tensor([2.0], requires_grad=True)

    def inside(x):
        (weight * x).sum().backward()
        return weight.grad * 1

    step = jit(inside)
    for i in range(5):
        if i < 4:
            weight.grad = None
        yield seen(step(ones(1)))


@row("right", "Gradients that add up in place.")
def gradients_add_up(jit):
    weight = Tensor([2.0], requires_grad=True)
    weight.grad = Tensor([0.0]).realize()

    def inside(x):
        (weight * x).sum().backward()

    step = jit(inside)
    for i in range(6):
        step(Tensor([float(i)]))
        yield seen(weight.grad)


class Stepper(nn.Module):
    """A step of its own."""

    def __init__(self, jit):
        self.weight, self.step = Tensor([2.0]), jit(self.plain)

    def plain(self, x):
        return x * self.weight


@row("right", "A copy of a network, captured or not, runs its own step.")
def copied_network(jit):
    one = Stepper(jit)
    yield from calls(one.step)
    two = copy.deepcopy(one)
    two.weight.assign([3.0])
    yield from calls(two.step)
    yield from calls(one.step)
