"""05: a rewrite rule.

Run it: python docs/guide/05_a_rewrite_rule.py
"""

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, evaluate, ops, rewrite
from baregrad.ir.match import rules
from baregrad.ir.pattern import any_, bits, const, fold, ints
from baregrad.ir.uop import Buffer

# A rule is a row: name, pattern, result, and when it holds. Both sides are patterns, so a solver can prove
# a rule from its row (tests/rules/prove.py does). A name that stands twice must be one node; `fold`
# computes a constant.
x, y, c, d = any_("x"), any_("y"), const("c"), const("d")
TABLE = rules("lesson", [
    # name          pattern          result              when
    ("or_of_xor",   (x ^ y) | y,     x | y,              bits),
    ("sub_consts",  (x - c) - d,     x - fold(c + d),    ints),
])  # fmt: skip

# The table becomes one Python function for each op at its head. Ops that commute are matched in both
# orders.
a, b = (UOp(ops.BUFFER, dt.int32, (), Buffer(number, (4,))) for number in range(2))
fired: dict[str, int] = {}
node = (b | (b ^ a)) - 3 - 4
(new,) = rewrite((node,), TABLE, fired=fired)
print(node, "->", new, fired)
assert fired == {"lesson.or_of_xor": 1, "lesson.sub_consts": 1}
assert new in ((a | b) - 7, (b | a) - 7)

# What the rule promises: the same value. The interpreter says what a graph means.
memory = {0: [1, -5, 12, 2**31 - 1], 1: [7, 3, -1, -(2**31)]}
assert evaluate([node], memory) == evaluate([new], memory)

# A rule that cannot work is refused when its table is built.
try:
    rules("lesson", [("wrong", x + 0, y)])
except CompileError as error:
    print(error)
else:
    raise AssertionError("a result used what its pattern does not bind")

# To have it used: write the row into a table of ir/rules/, and run `python -m tests.rules.prove --write`.
# Then it has its proof, its value test, its line in docs/reference/rules.md, and its name in every trace.
