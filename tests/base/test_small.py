"""The small files of base: cache, events, integers, intern, lazy, walk, errors."""

from __future__ import annotations

import threading

import pytest

from baregrad import base
from baregrad.base import errors
from baregrad.base.errors import BaregradError, ConfigError
from baregrad.base.walk import sources_first


def test_memo_calls_once_for_each_argument():
    calls = []

    @base.memo
    def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    assert [double(2), double(2), double(3)] == [4, 4, 6]
    assert calls == [2, 3]


def test_listeners_hear_their_kinds_in_their_block_only():
    everything, passes = [], []
    assert not base.listening()
    base.emit("pass", name="nobody listens")
    with base.listen(everything.append):
        assert base.listening()
        with base.listen(passes.append, "pass"):
            base.emit("pass", name="simplify")
            base.emit("kernel", name="r_4")
        base.emit("pass", name="lower")
    base.emit("pass", name="nobody listens")
    assert [event.facts["name"] for event in everything] == ["simplify", "r_4", "lower"]
    assert [(event.kind, event.facts["name"]) for event in passes] == [("pass", "simplify")]


def test_listeners_do_not_hear_other_threads():
    heard = []
    with base.listen(heard.append):
        thread = threading.Thread(target=lambda: base.emit("pass"))
        thread.start()
        thread.join()
    assert heard == []


@pytest.mark.parametrize("bits", [1, 7, 8, 32, 64])
def test_wrapping_is_modulo(bits):
    for n in (0, 1, -1, 1 << bits, (1 << bits) - 1, -(1 << bits), 1 << (bits - 1), 12345678901234567890123):
        signed, unsigned = base.wrap_signed(n, bits), base.wrap_unsigned(n, bits)
        assert -(1 << bits) <= 2 * signed < 1 << bits
        assert 0 <= unsigned < 1 << bits
        assert (signed - n) % (1 << bits) == (unsigned - n) % (1 << bits) == 0


def test_a_long_chain_is_walked_without_recursion():
    assert sources_first([100_000, 5], lambda n: range(max(0, n - 2), n)) == list(range(100_001))


def test_weak_table_forgets_what_nobody_holds():
    class Node:
        pass

    table = base.WeakTable()
    node = Node()
    table.put("a", node)
    assert table.get("a") is node
    assert table.get("b") is None
    del node
    assert table.get("a") is None
    assert len(table) == 0


def test_load_finds_our_modules_only():
    assert base.load("baregrad.base.integers").prod((2, 3)) == 6
    with pytest.raises(AssertionError, match="optional"):
        base.load("json")


def test_a_missing_package_says_how_to_get_it():
    assert base.optional("json", wanted_for="nothing", extra="dev").loads("1") == 1
    with pytest.raises(ConfigError, match="nosuchpackage") as caught:
        base.optional("nosuchpackage.inner", wanted_for="the demo", extra="demo")
    assert "baregrad[demo]" in caught.value.mend


CLASSES = [
    each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BaregradError)
]


@pytest.mark.smoke
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_says_what_why_and_mend(kind):
    text = str(kind("what", why="because", mend="do this", where="a.py:3"))
    assert text == "what\n  why : because\n  mend: do this\n  line: a.py:3"
    assert kind.__name__ in errors.__doc__, "it is missing in the drawn tree"
    assert ">>>" in kind.__doc__, "its docstring shows no cause"
