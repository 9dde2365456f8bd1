"""Run something in a copy of this process."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, below 0 for a signal, and what it wrote to stderr."""

    code: int
    said: str


@dataclass(frozen=True)
class Running:
    """A process that was started."""

    process: int
    pipe: int

    def wait(self) -> Ended:
        """Wait for its end."""
        with os.fdopen(self.pipe, "rb") as file:
            said = file.read().decode()
        _, status = os.waitpid(self.process, 0)
        return Ended(os.waitstatus_to_exitcode(status), said)


def start(work: Callable[[], int]) -> Running:
    """Run `work` in a copy of this process, which ends with the code that it returns, 99 for an exception."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads of BLAS, which the copy does not need
        process = os.fork()
    if process:
        os.close(writing)
        return Running(process, reading)
    os.close(reading)
    code, said = 99, io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = work()
    except BaseException as error:
        said.write(repr(error))
    finally:
        os.write(writing, said.getvalue().encode()[:60_000])
        os._exit(code)
