"""Tensors on the C device give what the reference device gives: each dtype, and a net that is trained."""

from __future__ import annotations

import random
from typing import Any

import pytest

import baregrad as bg
from baregrad import Tensor, nn
from baregrad.base import override
from baregrad.base.errors import DeviceError
from baregrad.engine import Session
from baregrad.render import C
from baregrad.runtime import Device
from baregrad.viz import assembly, hot_loop

pytestmark = pytest.mark.cc


def on(device: str, make: Any) -> Any:
    with override(device=device):
        return make()


DTYPES = sorted(C.native_dtypes - {"bool"})


def mixed(name: str) -> list[Tensor]:
    """Arithmetic, comparisons, a reduction and a conversion of one dtype."""
    x = Tensor([[1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1]], dtype=getattr(bg.dtypes, name))
    y = (x * x + 3).maximum(x * 2 + 5)
    return [y, y.where(x > 3, x).sum(axis=1), y.max(), y.cast(bg.dtypes.float32).mean()]


def all_mixed() -> list[Any]:
    """Of all dtypes, computed as one graph: one call of the compiler."""
    found = [tensor for name in DTYPES for tensor in mixed(name)]
    found[0].realize(*found[1:])
    return [tensor.tolist() for tensor in found]


def test_every_dtype_that_c_has() -> None:
    rows = zip(on("c", all_mixed), on("reference", all_mixed), strict=True)
    for i, (ours, wanted) in enumerate(rows):
        assert ours == wanted, f"result {i % 4} of {DTYPES[i // 4]} is {ours}, not {wanted}"


class Net(nn.Module):
    """A convolution, a normalisation and a classifier, with weights that are given."""

    def __init__(self, rng: random.Random) -> None:
        self.conv = nn.Conv2d(1, 3, 3)
        self.linear = nn.Linear(3 * 4, 4)
        for parameter in self.parameters():
            count = len(parameter.reshape(-1))
            values = Tensor([rng.uniform(-0.5, 0.5) for _ in range(count)])
            parameter.assign(values.reshape(parameter.shape))

    def __call__(self, x: Tensor) -> Tensor:
        """Logits of images (n, 1, 4, 4)."""
        return self.linear(self.conv(x).relu().reshape(x.shape[0], -1))


def train(jitted: bool) -> list[Any]:
    """Three steps; the losses and the weights."""
    rng = random.Random(7)
    net = Net(rng)
    optimizer = nn.Adam(net.parameters(), lr=0.01)
    images = Tensor([[[[rng.uniform(0, 1) for _ in range(4)] for _ in range(4)]] for _ in range(5)])
    labels = Tensor([0, 1, 2, 3, 1])

    def step(images: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = net(images).cross_entropy(labels)
        loss.backward()
        optimizer.step()
        return loss

    call = bg.jit(step) if jitted else step
    losses = [call(images, labels).item() for _ in range(3)]
    return [*losses, *(v for p in net.parameters() for v in p.reshape(-1).tolist())]


@pytest.mark.parametrize("jitted", [False, True], ids=["steps", "replayed"])
def test_a_net_trained_for_three_steps(jitted: bool) -> None:
    ours, wanted = on("c", lambda: train(jitted)), on("reference", lambda: train(False))
    assert ours == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert ours[2] < ours[0]


def test_the_c_device_serves_where_machine_code_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    monkeypatch.setattr(session, "_why_not_cpu", lambda: "this CPU has no avx2")
    with pytest.warns(UserWarning, match="computes on the c device: this CPU has no avx2"):
        assert session.default_device() == "c"
    session.device("c").close()


def test_the_reference_device_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Device:
        raise DeviceError(f"no {name}")

    session = Session()
    monkeypatch.setattr(session, "_why_not_cpu", lambda: "this CPU has no avx2")
    monkeypatch.setattr(session, "device", missing)
    with pytest.warns(UserWarning, match="reference device, slowly"):
        assert session.default_device() == "reference"


def test_shown_code_is_the_text() -> None:
    code = b"#include <math.h>\nvoid kernel_k(void **args, int64_t grid_item)\n{\n}\n"
    assert assembly(code) == code.decode()
    assert hot_loop(code)[0] == "#include <math.h>"
