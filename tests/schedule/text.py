"""A short text of a schedule for golden files: one line a value, indices written out. For reading only."""

from __future__ import annotations

from baregrad.ir import ops

INLINE = (ops.IDIV, ops.MOD, ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.AND, ops.ADD, ops.MUL)
SILENT = (ops.CONST, ops.RANGE, ops.PARAM, ops.INDEX, ops.STORE, ops.SINK)


def is_index(node):
    """Whether a node is written where it is used."""
    return node.op in INLINE and node.src[0].dtype.name in ("int64", "bool")


class Printer:
    def __init__(self):
        self.names = {}
        self.lines = []

    def show(self, node):
        if node.op is ops.CONST:
            return f"{node.arg:.7g}" if isinstance(node.arg, float) else str(node.arg)
        if node.op in (ops.RANGE, ops.PARAM):
            return f"{'r' if node.op is ops.RANGE else 'p'}{node.arg[0]}"
        if is_index(node):
            text = f" {node.op.symbol} ".join(map(self.show, node.src))
            return text if node.op in (ops.MUL, ops.ADD, ops.AND) else f"({text})"
        if node.op is ops.INDEX:
            mask = f" if {self.show(node.src[2])}" if len(node.src) > 2 else ""
            return f"{self.show(node.src[0])}[{self.show(node.src[1])}]{mask}"
        return self.names[node]

    def add(self, node):
        if node.op in SILENT or is_index(node):
            return
        name = self.names[node] = f"v{len(self.names)}"
        if node.op is ops.LOAD:
            self.lines.append(f"  {name} = {self.show(node.src[0])}")
        elif node.op is ops.END:
            place, value, *serial = node.src[0].src
            loops = self.loops(node.src[1:]) + "".join(f", r{r.arg[0]} in order" for r in serial)
            joins = node.src[0].arg or ""
            self.lines.append(f"  {self.show(place)} {joins}= {self.show(value)} for {loops}")
        elif node.op is ops.REDUCE:
            self.lines.append(
                f"  {name} = {node.arg[0]} of {self.show(node.src[0])} over {self.loops(node.src[1:])}"
            )
        else:
            what = node.op.name if node.op is not ops.CAST else f"{node.dtype} of"
            self.lines.append(f"  {name} = {what} {' '.join(map(self.show, node.src))}")

    @staticmethod
    def loops(ranges):
        return " ".join(f"r{r.arg[0]}:{r.src[0].arg}" for r in ranges) or "once"


def item_text(item):
    printer = Printer()
    for node in item.ast.toposort():
        printer.add(node)
    donates = "".join(f", p{new} may lie on p{old}" for new, old in item.donates)
    buffers = " ".join(f"p{slot}={buffer.arg.number}" for slot, buffer in enumerate(item.buffers))
    return "\n".join([f"{item.ast.arg}: {buffers}{donates}", *printer.lines, ""])


def schedule_text(plan):
    """All items."""
    return "\n".join(map(item_text, plan.items))
