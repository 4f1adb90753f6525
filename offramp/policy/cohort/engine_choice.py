"""Choose the database that counts rows, and open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from offramp.policy.cohort.sql_engine import SqlEngine
from rules.errors import RequestError
from rules.frozen import frozen

DUCKDB, SPARK = "duckdb", "spark"
ENGINES = (DUCKDB, SPARK)


@frozen
class EngineChoice:
    """The database that somebody asked for. None is DuckDB where it is installed.

    `master` is where Spark runs, None for this computer alone.
    """

    name: str | None = None
    master: str | None = None


def choose_engine(name: str | None, master: str | None) -> EngineChoice:
    """Return what somebody asked for. Raises `RequestError` for a master of no cluster."""
    if master is not None and name != SPARK:
        raise RequestError(
            "usage", "`--master` is where Spark runs", fix="add `--engine spark`, or leave it out"
        )
    return EngineChoice(name, master)


@contextmanager
def open_engine(choice: EngineChoice) -> Iterator[SqlEngine | None]:
    """Open a database. None if none was asked for and DuckDB isn't installed.

    Raises `RequestError` if the one that was asked for can't be used.
    """
    if choice.name == SPARK:
        from offramp.policy.cohort.spark_session import LOCAL, spark_session

        with spark_session(choice.master or LOCAL) as session:
            from offramp.policy.cohort.spark_engine import SparkEngine

            yield SparkEngine(session)
        return
    try:
        import duckdb
    except ImportError:
        if choice.name is not None:
            raise RequestError(
                "no-duckdb",
                f"`--engine {choice.name}` counts rows with DuckDB, and it isn't installed",
                fix="run `pip install -c constraints.txt '.[cohort]'` in Offramp's checkout, or "
                "leave out `--engine`",
            ) from None
        yield None
        return
    from offramp.policy.cohort.duckdb_engine import DuckDbEngine

    with duckdb.connect(":memory:") as connection:
        yield DuckDbEngine(connection)
