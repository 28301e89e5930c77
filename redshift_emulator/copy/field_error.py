"""The error of one field, and the shape of what reads fields."""

from __future__ import annotations

from collections.abc import Callable


class FieldError(Exception):
    """A field that cannot be loaded: the code of the load error reference and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


Convert = Callable[[bytes], bytes | None]
