"""The value of a fact that nobody recorded: neither true nor false, neither zero nor empty.

There is one `UNKNOWN`. It has no truth value, so that Python code can't take it for false by
accident. Compare with `is UNKNOWN`.
"""

from __future__ import annotations

from typing import Final, NoReturn, final


@final
class Unknown:
    """The type of `UNKNOWN`. A call of it returns the one value."""

    __slots__ = ()
    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> NoReturn:
        raise TypeError("UNKNOWN is neither true nor false; compare with `is UNKNOWN`")

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: object) -> Unknown:
        return self

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
