"""Each rule is proven as it stands, both sides agree on boundary values, planted wrong rules are caught."""

import json

import pytest

from baregrad.ir import ops
from baregrad.ir.match import rules
from baregrad.ir.pattern import any_, const, exact, fold, hi, ints, lo
from baregrad.ir.rules import tables
from tests.rules import prove, values

RULES = [rule for table in tables() for rule in table.rows]
VALUES = [rule for rule in RULES if values.takes_values(rule)]
STORED = json.loads(prove.STORED.read_text())
# Rules that match too rarely by chance: tests/rules/test_simplify.py has them.
RARE = ()


def test_every_rule_is_proven_as_it_stands():
    kept = [rule for rule in RULES if prove.is_stored(rule)]
    changed = [rule.name for rule in kept if STORED.get(rule.name, [None, None])[1] != prove.digest(rule)]
    gone = sorted(set(STORED) - {rule.name for rule in kept})
    assert not changed, f"not proven in this form: {changed}; run python -m tests.rules.prove --write"
    assert not gone, f"proofs of rules that are gone: {gone}; run python -m tests.rules.prove --write"


@pytest.mark.parametrize("rule", VALUES, ids=[rule.name for rule in VALUES])
def test_both_sides_agree(rule):
    agreed = values.check_rule(rule)
    if not agreed and rule.name.partition(".")[0] in ("integer", "compare", "boolean"):
        agreed = values.check_function(rule)
    assert agreed or rule.name in RARE, f"{rule.name} never matched: nothing was tested"


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_proof(rule):
    how, wrong = prove.prove(rule)
    assert wrong is None, wrong
    assert not prove.is_stored(rule) or how == STORED[rule.name][0]


x, y, c, d = any_("x"), any_("y"), const("c"), const("d")
PLANTED = rules(
    "planted",
    [
        ("fold", (x * c) * d, x * fold(c + d), ints),
        ("div", (x // c) // d, x // fold(c + d), (c > 0) & (d > 0), exact),
        ("div_edge", x // c, 0, (lo(x) >= 0) & (hi(x) <= c)),
        ("wraps", x + c < d, x < fold(d - c), ints),
        ("zero", x + 0.0, x),
        ("nan", x.eq(x), True),
        ("shift", x << c, x * fold(c + c), ints),
    ],
)


@pytest.mark.parametrize("rule", PLANTED.rows, ids=[rule.name for rule in PLANTED.rows])
def test_wrong_rules_are_caught_by_values(rule):
    with pytest.raises(AssertionError, match="give"):
        values.check_rule(rule, tries=400, wanted=40)


@pytest.mark.parametrize("name", ["fold", "div", "div_edge"])
def test_wrong_rules_are_caught_by_proof(name):
    assert prove.prove_pattern(PLANTED[name]) is not None


def test_wrong_float_rules_are_caught_by_proof():
    assert "float16" in prove.prove_pattern(PLANTED["zero"])
    assert prove.prove_pattern(PLANTED["nan"]) is not None


def test_there_are_rules_for_every_index_op():
    about = {rule.pattern.op for rule in RULES}
    assert {ops.ADD, ops.MUL, ops.IDIV, ops.MOD, ops.CMPLT, ops.SELECT, ops.RESHAPE} <= about
