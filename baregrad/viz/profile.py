"""A profile: how many kernels were compiled or came from the cache, and where the time of launches went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from baregrad.base import Event, listen
from baregrad.ir import UOp
from baregrad.viz.figures import Figures, figures


@dataclass(slots=True)
class KernelUse:
    """One kernel: how often it ran, for how long, and what it is."""

    name: str
    ast: UOp | None
    code: bytes
    launches: int = 0
    seconds: float = 0.0

    @property
    def figures(self) -> Figures:
        """What one launch does."""
        return Figures(0, 0) if self.ast is None else figures(self.ast)

    @property
    def rates(self) -> str:
        """GFLOP/s and GB/s over all launches."""
        return self.figures.rates(self.seconds / self.launches) if self.launches else ""


@dataclass(slots=True)
class Profile:
    """What was heard of while `compiling` or `launches` was open."""

    compiled: int = 0
    cached: int = 0
    compile_seconds: float = 0.0
    kernels: dict[int, KernelUse] = field(default_factory=dict)

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Count kernels that are made; costs nothing while none are."""
        with listen(self._hear_compile, "compiled", "cached"):
            yield

    @contextmanager
    def launches(self) -> Iterator[None]:
        """Time every launch."""
        with listen(self._hear_launch, "launch"):
            yield

    def _hear_compile(self, event: Event) -> None:
        if event.kind == "cached":
            self.cached += 1
            return
        self.compiled += 1
        self.compile_seconds += event.facts["seconds"]

    def _hear_launch(self, event: Event) -> None:
        made = event.facts["compiled"]
        use = self.kernels.get(id(made))
        if use is None:
            code = b"" if made.program is None else made.program.code
            use = self.kernels[id(made)] = KernelUse(event.facts["name"], made.ast, code)
        use.launches += 1
        use.seconds += event.facts["seconds"]

    @property
    def seconds(self) -> float:
        """The seconds of all launches that were timed."""
        return sum(use.seconds for use in self.kernels.values())

    def hottest(self) -> list[KernelUse]:
        """The kernels, those that took longest first."""
        return sorted(self.kernels.values(), key=lambda use: -use.seconds)
