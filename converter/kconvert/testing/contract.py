"""What both contracts share: failures that are declared, with their reasons."""

from __future__ import annotations

import functools
import importlib
import unittest
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

Test = Callable[[Any], None]


class Contract:
    """Tests to inherit. `xfail` names tests that are known to fail, with the reason.

    A declared failure is strict: once the test passes, it fails until its entry is removed.
    """

    xfail: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Wrap the tests whose failure is declared; TypeError for a name that is not a test, or no reason."""
        super().__init_subclass__(**kwargs)
        tests = {name: getattr(cls, name) for name in dir(cls) if name.startswith("test_")}
        strangers = cls.xfail.keys() - tests.keys()
        if strangers:
            raise TypeError(
                f"{cls.__name__}.xfail names {', '.join(sorted(strangers))}; the tests are {', '.join(tests)}"
            )
        for name, test in tests.items():
            plain = getattr(test, "declared", test)
            reason = cls.xfail.get(name)
            if reason is not None and not reason.strip():
                raise TypeError(f"{cls.__name__}.xfail[{name!r}] must give a reason")
            if reason is not None:
                setattr(cls, name, _declared(plain, reason))
            elif plain is not test:
                setattr(cls, name, plain)


def _declared(test: Test, reason: str) -> Test:
    @functools.wraps(test)
    def run(self: Any) -> None:
        try:
            test(self)
        except unittest.SkipTest:
            raise
        except Exception:
            _report(reason)
        raise AssertionError(f"{test.__name__} passes now: remove it from xfail (declared reason: {reason})")

    run.declared = test  # type: ignore[attr-defined]
    return run


def _report(reason: str) -> NoReturn:
    """Say that a declared failure happened, in pytest's way where there is one."""
    try:
        pytest = importlib.import_module("pytest")
    except ImportError:
        raise unittest.SkipTest(f"declared: {reason}") from None
    pytest.xfail(reason)
    raise unittest.SkipTest(reason)
