"""One body in all ways on many inputs: what agrees, what does not, what cannot be run.

Read ways.py and inputs.py first.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from baregrad.base.errors import BaregradError
from baregrad.engine.compile import target_of
from baregrad.lift.lanes import WIDTH
from baregrad.runtime import Device
from tests.lift.amd import inputs
from tests.lift.amd.bodies import Body
from tests.lift.amd.ways import FILES, Held, Interpreted, Machine, Native, Refused, Ways, differences


class Result(NamedTuple):
    """By way: how many inputs were compared, why it cannot be run, the first difference."""

    ran: dict[str, int]
    left: dict[str, str]
    wrong: dict[str, str]


def check(
    machine: Machine,
    body: Body,
    device: Device | None,
    count: int,
    rng: random.Random,
    by_tree: int = 1 << 30,
) -> Result:
    """Run a body in all ways. After `by_tree` states its Python source is what the others are compared with,
    and after the first state (if not by the tree) only the machine code is: the tree itself and the
    interpreter are slow for products of matrices.
    """
    half = rng.choice(("low", "high")) if machine.layout.family == "rdna" or rng.random() < 0.3 else ""
    ways = Ways(machine, body, half)
    result = Result({}, {}, {})
    others: dict[str, Callable[[], object]] = {"source": ways.source}
    try:
        kernel = ways.kernel(target_of(device).vector_bytes // 4 if device else WIDTH)
    except (BaregradError, AssertionError, KeyError) as error:
        result.left["uops"] = result.left["native"] = f"{type(error).__name__}: {error}"
    else:
        for name, make in (
            ("uops", lambda: Interpreted(machine, kernel)),
            ("native", lambda: Native(machine, kernel, device) if device else None),
        ):
            try:
                made = make()
                if made is not None:
                    others[name] = made
            except BaregradError as error:
                result.left[name] = f"{type(error).__name__}: {error}"
    if len(others) == 1:  # nothing else is there to compare its source with
        by_tree = max(by_tree, 1)
    for number, (held, trials) in enumerate(states(ways, count, rng)):
        if number >= by_tree:
            others = {name: do for name, do in others.items() if name in ("uops", "native")[number > 0 :]}
        once(ways, held, trials, others, result, number < by_tree)
    return result


def states(ways: Ways, count: int, rng: random.Random):  # type: ignore[no-untyped-def]
    """States to run on, and how many inputs each has."""
    machine, body = ways.machine, ways.body
    lanes = ways.lanes if body.scope == "lane" else 1
    machine.memory.whole = machine.local.whole = inputs.grain_of(body.tree, {}) == 8
    plain = {name: body.variables[name] for name in body.plain}
    local = any(name == "LDS_SIZE" for name in body.variables) and "SHARED_BASE" not in body.variables
    draws = (
        inputs.addresses(
            body.variables, body.tree, local, "st64" in body.name or "stride64" in body.name, rng
        )
        if body.memory or local
        else {}
    )
    rows = inputs.rows({n: b for n, b in plain.items() if n not in draws}, body.tree, count, rng)
    files = any(name in FILES for name in body.variables)
    size = 4 * machine.layout.size
    memory = bytes(inputs.filled(inputs.SIZE, rng)) if body.memory else bytes(inputs.SIZE)
    lds = bytes(inputs.filled(inputs.LOCAL, rng)) if body.memory else bytes(inputs.LOCAL)
    for first in range(0, count, lanes):
        cells = inputs.registers(size, first // lanes, rng) if files else bytes(size)
        machine.hold(Held(cells, memory, lds))
        machine.u[machine.layout.at["STOP"]] = 0
        mask = (1 << lanes) - 1 if rng.random() < 0.7 else rng.getrandbits(lanes) | 1
        machine.u[126], machine.u[127] = mask & 0xFFFFFFFF, mask >> 32
        scalars(ways, draws, rng)
        for lane, row in enumerate(rows[first : first + lanes]):
            for name, value in row.items():
                ways.put(name, lane, value)
        for name in draws:
            if name in plain:
                for lane in range(lanes):
                    ways.put(name, lane, draws[name]())
        yield machine.held(), min(lanes, count - first)


def scalars(ways: Ways, draws: dict[str, inputs.Draw], rng: random.Random) -> None:
    """The variables that a wave has once."""
    for name, place in ways.places.items():
        if name in ways.body.plain or place.kind in ("lane", "file"):
            continue
        if place.kind == "mask" and name != "EXEC":
            for lane in range(ways.lanes):
                ways.put(name, lane, rng.getrandbits(1))
        elif place.kind != "mask":
            ways.put(name, 0, draws[name]() if name in draws else scalar(ways, name, place.bits, rng))


def scalar(ways: Ways, name: str, bits: int, rng: random.Random) -> int:
    """A value of a variable that a wave has once."""
    if name == "EXEC":
        return rng.choice((0, 1, rng.getrandbits(bits), (1 << bits) - 1))
    if name.endswith("_NUMBER"):
        of_sgprs = "SGPR" in ways.body.variables and "VGPR" not in ways.body.variables
        return rng.randrange(8) * 8 + 32 if of_sgprs else rng.randrange(6) * 32
    if name == "MODE":
        return rng.choice((0, 0xF0, 0x2F0, 0x1F0, 0x3F0))
    if name == "M0":
        return rng.randrange(40) if rng.random() < 0.7 else rng.getrandbits(32) & 0x1F001F
    values = inputs.Values(bits, inputs.types_of(ways.body.tree, name), rng)
    return rng.choice(values.specials()) if rng.random() < 0.6 else values.any()


def once(
    ways: Ways,
    held: Held,
    trials: int,
    others: dict[str, Callable[[], object]],
    result: Result,
    by_tree: bool = True,
) -> None:
    """One state in all ways."""
    machine = ways.machine
    refused = False
    try:
        mask = ways.reference() if by_tree else ways.source()
    except Refused:
        refused, mask = True, 0
    wanted = machine.held()
    if not refused and ways.body.scope == "lane":  # without the lanes that were refused
        machine.hold(held)
        if mask != ways.lanes_on():
            machine.u[126], machine.u[127] = mask & 0xFFFFFFFF, mask >> 32
            held = machine.held()
            ways.reference()
            wanted = machine.held()
    for name, do in others.items():
        if name in result.wrong:
            continue
        machine.hold(held)
        stop = machine.layout.at["STOP"]
        try:
            do()
            over = machine.u[stop] == 3
        except Refused:
            over = True
        machine.u[stop] = 0
        if over or refused:
            if not (over and refused):
                result.wrong[name] = f"refused: {over}, by the tree: {refused}"
            continue
        result.ran[name] = result.ran.get(name, 0) + trials
        bad = differences(ways, wanted, machine.held(), name == "uops")
        if bad:
            result.wrong[name] = f"{len(bad)} cells: {bad[0]}; {shown(ways, held, bad[0])}"


def shown(ways: Ways, held: Held, bad: str) -> str:
    """The inputs of the lane in which a cell differs."""
    cells = memoryview(held.cells).cast("I")
    at = int(bad[bad.index("[") + 1 : bad.index("]")])
    lane = (at - ways.machine.layout.at["VGPR"]) % ways.lanes if bad.startswith("cells") else 0
    if ways.body.scope != "lane" or at < ways.machine.layout.at["VGPR"]:
        lane = 0
    found = {name: ways.get(name, lane, cells) for name, place in ways.places.items() if place.kind != "file"}
    return f"lane {lane} " + " ".join(f"{name}={value:#x}" for name, value in found.items())
