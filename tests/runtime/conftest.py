"""Child processes: for what a test must not do to its own, as dying, forking with threads, filling memory."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest


@pytest.fixture
def child() -> Callable[[str], str]:
    """Run Python source in a new interpreter; what it printed. It must end well, in 20 s."""

    def run(source: str) -> str:
        command = [sys.executable, "-c", textwrap.dedent(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"the child ended with {done.returncode}:\n{said}"
        assert not done.stderr, said
        return done.stdout

    return run


@pytest.fixture
def fork_status() -> Callable[[Callable[[], object]], int]:
    """Call a function in a forked child; 0, or minus the signal that ended it, or 1 when it raised."""

    def run(function: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            status = 1
            faulthandler.disable()  # a child that is killed on purpose
            try:
                function()
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    return run
