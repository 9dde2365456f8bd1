"""Counts the calls of this process that change the disk, and does something before one of them."""

from __future__ import annotations

import errno
import io
import os
import pathlib
import signal
from collections.abc import Callable
from typing import Any

from kconvert_schemas import replacing

CALLS = ("mkdir", "rename", "chmod", "unlink", "rmdir", "fsync")
Fault = Callable[[str], None]


def kill(name: str) -> None:
    """As `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def disk_full(name: str) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def disk_fails(name: str) -> None:
    raise OSError(errno.EIO, "Input/output error")


class Hook:
    """Lets `fault` happen before call number `at`, and with `on` before every later one."""

    def __init__(self, at: int, fault: Fault, *, on: bool = False) -> None:
        self.at, self.fault, self.on = at, fault, on
        self.calls: list[str] = []

    def step(self, name: str) -> None:
        number = len(self.calls)
        self.calls.append(name)
        if number == self.at or (self.on and number > self.at):
            self.fault(name)

    def install(self) -> None:
        """Wrap the calls, for the rest of this process."""
        for name in CALLS:
            self._replace(name, self._wrapped(name, getattr(os, name)))
        replacing._exchange = self._wrapped("exchange", replacing._exchange)
        plain, hook = io.open, self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                hook.step("write")
                return super().write(data)

        def opened(file: Any, mode: str = "r", *options: Any, **more: Any) -> Any:
            if mode != "xb":
                return plain(file, mode, *options, **more)
            hook.step("create")
            return io.BufferedWriter(File(file, mode))

        io.open = opened  # type: ignore[assignment]
        self._replace_in_paths("open", opened)

    def _replace(self, name: str, call: Callable[..., Any]) -> None:
        setattr(os, name, call)
        self._replace_in_paths(name, call)

    def _replace_in_paths(self, name: str, call: Callable[..., Any]) -> None:
        """The paths of Python 3.10 hold the functions of `os` as they were when pathlib was imported."""
        accessor = getattr(pathlib, "_NormalAccessor", None)
        if accessor is not None and hasattr(accessor, name):
            setattr(accessor, name, staticmethod(call))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            self.step(name)
            return call(*arguments, **options)

        return run
