"""Bodies in the vendor's pseudocode become the trees that they mean, and trees come back from their text."""

from __future__ import annotations

import pytest

from baregrad.isa.pseudocode import Unreadable, parse, read, walk, written

CASES = (
    # what, a body (ours), its tree
    ("a sum", "D0.u32 = S0.u32 + S1.u32", "(do (= (. D0 u32) (+ (. S0 u32) (. S1 u32))))"),
    ("order of operators", "a = b + c * d << 1 & e", "(do (= a (& (<< (+ b (* c d)) 1) e)))"),
    ("a choice", "a = b < c ? d : e", "(do (= a (? (< b c) d e)))"),
    ("slices", "a = S0[7 : 0].u8 + S1.u32[i * 4 +: 4]",
     "(do (= a (+ (. ([:] S0 7 0) u8) (+: (. S1 u32) (* i 4) 4))))"),
    ("sized numbers",
     "SCC = 1'1U; x = 0x10LL; y = 16'-1.0", "(do (= SCC (num 1:1U)) (= x (num 0x10LL)) (= y (num 16:-1.0)))"),
    ("casts", "D0.i32 = 32'I(signext(S0.i8))", "(do (= (. D0 i32) (cast 32I (call signext (. S0 i8)))))"),
    ("several places", "{ D1.u1, D0.u64 } = 65'B(a)", "(do (= (cat (. D1 u1) (. D0 u64)) (cast 65B a)))"),
    ("one value for two places", "a = b = c", "(do (= a (= b c)))"),
    ("branches", "if a then\n b = 1\nelsif c then\n b = 2\nelse\n b = 3\nendif",
     "(do (if a (do (= b 1)) (do (if c (do (= b 2)) (do (= b 3))))))"),
    ("a loop", "for i in 0 : 31 do\n if S0.u32[i] == 1'1U then\n  tmp = i;\n  break\n endif\nendfor",
     "(do (for i 0 31 (do (if (== (@ (. S0 u32) i) (num 1:1U)) (do (= tmp i) (break)) (do)))))"),
    ("C's loop", "for (i = 0; i < 4; i++) { x[i] = i; }",
     "(do (do (= i 0) (while (< i 4) (do (= (@ x i) i) (+= i 1)))))"),
    ("C's branches", "if (a) { b = 1; } else if (c) { b = 2; }",
     "(do (if a (do (= b 1)) (do (if c (do (= b 2)) (do)))))"),
    ("a function",
     "F = lambda(n) (\n if n > 3 then\n return 8'0U\n else\n return n\n endif);\nD0.u8 = F(S0.u8)",
     "(do (= F (lambda (names n) (do (if (> n 3) (do (return (num 8:0U))) (do (return n))))))"
     " (= (. D0 u8) (call F (. S0 u8))))"),
    ("declared", "declare tmp : 32'B[64]", "(do (declare tmp 32'B 64))"),
    ("matrices", "D = A (sparse 16x64) * B (64x16) + D (16x16)",
     "(do (= D (+ (* (call A (sparse (dims 16 64))) (call B (dims 64 16))) (call D (dims 16 16)))))"),
    ("comments", "// what\na = 1 // why\n// end", "(do (= a 1))"),
    ("a name in words", "n = count(valid mask)", "(do (= n (call count valid_mask)))"),
    ("memory", "MEM[addr + 4U].u32 = DATA[31 : 0]",
     "(do (= (. (@ MEM (+ addr (num 4U))) u32) ([:] DATA 31 0)))"),
)  # fmt: skip


@pytest.mark.parametrize("what, body, tree", CASES, ids=[case[0] for case in CASES])
def test_bodies(what: str, body: str, tree: str) -> None:
    assert written(parse(body)) == tree
    assert read(tree) == parse(body)


@pytest.mark.parametrize(
    "body", ["D0.u32 = = S0", "if a then b = 1", "a = (b", "for i in 0 do x endfor", "a = @"]
)
def test_what_is_no_body_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        parse(body)


@pytest.mark.parametrize("text", ["(a", "a)", "(a) (b)", ""])
def test_what_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"tree|many"):
        read(text)


def test_walk_is_outermost_first() -> None:
    assert [node[0] for node in walk(read("(= (. D0 u32) (+ 1 (neg x)))"))] == ["=", ".", "+", "neg"]
