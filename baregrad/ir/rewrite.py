"""Apply tables of rules to graphs: bottom-up to the fixpoint, and plain substitution.

Nothing here recurses; a node is rewritten once a call however often it is used. The rules are tables of
match.py or functions; what they are is in rules/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baregrad.base.errors import CompileError
from baregrad.dtype import void
from baregrad.ir import ops
from baregrad.ir.match import Fired, Matcher, Rules
from baregrad.ir.ops import Op
from baregrad.ir.uop import UOp, toposort

Rewriter = Rules | Callable[[UOp, Any], UOp | None]
LIMIT = 200  # results in a row of one node; the longest seen in practice is below 20


def rewrite(
    roots: Sequence[UOp],
    table: Rewriter,
    ctx: Any = None,  # Any: what the rules' functions take
    *,
    memo: dict[UOp, UOp] | None = None,
    fired: Fired | None = None,
) -> list[UOp]:
    """The roots with every node rewritten, sources first, until no rule matches anywhere.

    `memo` may be kept between calls with the same table and context; `fired` counts rules by name.
    Errors: CompileError that names the rules when they never come to rest.
    """
    done: dict[UOp, UOp] = {} if memo is None else memo
    run = _Run(table, ctx, done, fired)
    for root in roots:
        if root not in done:
            run.settle(root)
    return [done[root] for root in roots]


class _Run:
    """One call of `rewrite`: what is settled, and what rules have made of nodes that are not yet."""

    __slots__ = ("becomes", "ctx", "done", "fired", "matcher_of", "stack")

    def __init__(self, table: Rewriter, ctx: Any, done: dict[UOp, UOp], fired: Fired | None) -> None:
        self.matcher_of = _matchers(table)
        self.ctx, self.done, self.fired = ctx, done, fired
        self.becomes: dict[UOp, UOp] = {}
        self.stack: list[UOp] = []

    def settle(self, root: UOp) -> None:
        """Fill `done` for all nodes below a root."""
        stack, done, becomes = self.stack, self.done, self.becomes
        stack.append(root)
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            after = becomes.get(node)
            if after is None:
                after = self.step(node)
                if after is None:
                    continue
                becomes[node] = after
            settled = done.get(after)
            if settled is not None:
                done[node] = settled
                stack.pop()
                continue
            if after in becomes or len(stack) > LIMIT:
                self.check_progress(after)
            stack.append(after)

    def step(self, node: UOp) -> UOp | None:
        """What a node becomes; None if it is settled now or waits for sources that are on the stack now."""
        done = self.done
        new = []
        changed = False
        for source in node.src:
            settled = done.get(source)
            if settled is None:
                self.push(node)
                return None
            new.append(settled)
            changed = changed or settled is not source
        if changed:
            after = UOp(node.op, node.dtype, tuple(new), node.arg)
            if after is not node:
                return after
        matcher = self.matcher_of(node.op)
        made = None if matcher is None else matcher(node, self.ctx, self.fired)
        if made is None or made is node:
            done[node] = node
            self.stack.pop()
            return None
        return made

    def push(self, node: UOp) -> None:
        """Let a node wait for its sources."""
        for source in node.src:
            if source not in self.done:
                if source in self.becomes:
                    raise _endless(
                        [source], self.matcher_of, self.ctx, "a result that contains what it stands for"
                    )
                self.stack.append(source)

    def check_progress(self, after: UOp) -> None:
        """Refuse a node that becomes itself, and endless chains of results."""
        chain: list[UOp] = []
        for node in reversed(self.stack):
            if self.becomes.get(node) is not (chain[-1] if chain else after):
                break
            chain.append(node)
        if len(chain) >= LIMIT or after in chain:
            raise _endless(chain[:10], self.matcher_of, self.ctx, f"{len(chain)} results in a row")


def _endless(
    chain: Sequence[UOp], matcher_of: Callable[[Op], Matcher | None], ctx: Any, gave: str
) -> CompileError:
    """The error that names the rules which go round in a circle."""
    names: Fired = {}
    for node in chain:
        matcher = matcher_of(node.op)
        if matcher is not None:
            matcher(node, ctx, names)
    return CompileError(
        f"rules never come to rest on {chain[0]!r}",
        why=f"{', '.join(names) or 'a function'} gave {gave}",
        mend="every rule must make the graph smaller or more canonical; correct the last one named",
    )


def _matchers(table: Rewriter) -> Callable[[Op], Matcher | None]:
    if isinstance(table, Rules):
        return table.matcher

    def call(node: UOp, ctx: Any, fired: Fired | None) -> UOp | None:
        made = table(node, ctx)
        if made is not None and fired is not None:
            name = getattr(table, "__name__", "function")
            fired[name] = fired.get(name, 0) + 1
        return made

    return lambda op: call


def substitute(root: UOp, mapping: Mapping[UOp, UOp]) -> UOp:
    """The graph with nodes replaced; what stands in place of a node is not looked into."""
    if not mapping:
        return root
    done: dict[UOp, UOp] = dict(mapping)
    for node in toposort((root,), lambda n: n not in mapping):
        if node not in done:
            src = tuple([done[s] for s in node.src])
            done[node] = node if src == node.src else UOp(node.op, node.dtype, src, node.arg)
    return done[root]


def substitute_all(roots: Sequence[UOp], mapping: Mapping[UOp, UOp]) -> tuple[UOp, ...]:
    """Several graphs with nodes replaced, in one walk."""
    return substitute(UOp(ops.SINK, void, tuple(roots)), mapping).src
