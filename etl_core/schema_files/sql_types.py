"""Types of Redshift that neither SQLAlchemy nor its dialect renders."""

from __future__ import annotations

from sqlalchemy.types import UserDefinedType


class VARBYTE(UserDefinedType[bytes]):
    """VARBYTE(n); sqlalchemy-redshift 1.0 does not have it."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_: object) -> str:
        return f"VARBYTE({self.length})"


class GEOGRAPHY(UserDefinedType[bytes]):
    """GEOGRAPHY; sqlalchemy-redshift 1.0 does not have it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "GEOGRAPHY"


class NAME(UserDefinedType[str]):
    """NAME: the type of names in the catalog. Needed where a function's columns are declared."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "NAME"


class UnknownType(UserDefinedType[object]):
    """A type that the catalog shows and that the loader does not know. Never part of a statement."""

    cache_ok = True

    def __init__(self, text: str) -> None:
        self.text = text


class INTERVALYEARTOMONTH(UserDefinedType[str]):
    """INTERVAL YEAR TO MONTH. SQLAlchemy's own INTERVAL renders the fields for PostgreSQL only."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "INTERVAL YEAR TO MONTH"


class INTERVALDAYTOSECOND(UserDefinedType[str]):
    """INTERVAL DAY TO SECOND."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "INTERVAL DAY TO SECOND"
