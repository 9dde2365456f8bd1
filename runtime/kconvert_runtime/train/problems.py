"""Several wrong things of a request in one error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kconvert_schemas.errors import InputError, KconvertError, paragraph

T = TypeVar("T")


class Several(InputError):
    """Several errors, told together."""

    def __init__(self, errors: list[KconvertError]) -> None:
        super().__init__(paragraph("This training cannot begin:", [str(error) for error in errors]))
        self.errors = errors


class Problems:
    """Collects the errors of steps that do not need each other."""

    def __init__(self) -> None:
        self._found: list[KconvertError] = []

    def trying(self, step: Callable[[], T]) -> T | None:
        """Return what a step gives; None where it raises one of our errors, which is kept."""
        try:
            return step()
        except KconvertError as error:
            for one in error.errors if isinstance(error, Several) else [error]:
                self._keep(one)
            return None

    def add(self, text: str) -> None:
        """Keep a problem."""
        self._keep(InputError(text))

    def _keep(self, error: KconvertError) -> None:
        if str(error) not in map(str, self._found):
            self._found.append(error)

    def check(self) -> None:
        """Raise what was kept: one error as it is, several as one InputError."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise Several(self._found)
