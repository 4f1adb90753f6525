"""Start Spark on this computer or as a client of a cluster, and end it.

Spark's programs write their log to standard error. Here it goes to a file that nobody keeps, since
a terminal shows the report.

INVARIANT: the settings below are part of the meaning of the SQL that is printed. They win over the
settings of the computer.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from rules.errors import RequestError
from rules.input.printing import printable

LOCAL = "local[*]"
_LOCAL = re.compile(r"local(\[([1-9][0-9]{0,3}|\*)\])?")
_CLUSTER = re.compile(r"spark://[^\s,:/]+:[0-9]{1,5}(,[^\s,:/]+:[0-9]{1,5})*")
_REACHED_IN = 5.0  # seconds
_WORKERS_IN = 30.0  # seconds
_SETTINGS = {
    # An overflow, a bad cast, and a bad index are errors, and no NULL.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",  # names are quoted as in DuckDB
    "spark.sql.caseSensitive": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
    # A row of a CSV file is read with all of its cells, so that one too many is noticed.
    "spark.sql.optimizer.enableCsvExpressionOptimization": "false",
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    "spark.sql.adaptive.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",  # it would keep cells of the file
    "spark.ui.showConsoleProgress": "false",
}


@contextmanager
def spark_session(master: str, settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Start Spark, and end it with the block. Yield its `SparkSession`.

    `master` is `local[N]` for N cores of this computer, or `spark://HOST:PORT`. Raises
    `RequestError`, also for what goes wrong in the block.
    """
    _refuse_other_masters(master)
    _refuse_without_packages()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    with (
        tempfile.TemporaryDirectory(prefix="offramp-spark-") as folder,
        tempfile.TemporaryFile() as log,
        _interrupts_as_before(),
        _no_log(),
    ):
        try:
            with _context(master, {**(settings or {}), **_folders(folder)}, log) as context:
                if master.startswith("spark://"):
                    _wait_for_workers(context, master)
                from pyspark.sql import SparkSession

                yield SparkSession(context)
        except (PySparkException, Py4JError) as error:
            raise RequestError(
                "spark-failed",
                f"`--engine spark` stopped before it had counted: {first_line(error)}",
                fix="see that every computer of the cluster can read the file at this path, or "
                "leave out `--engine spark`",
            ) from None


def _folders(folder: str) -> dict[str, str]:
    return {"spark.sql.warehouse.dir": folder, "spark.local.dir": folder}


def _refuse_other_masters(master: str) -> None:
    if not _LOCAL.fullmatch(master) and not _CLUSTER.fullmatch(master):
        raise RequestError(
            "usage",
            f"`--master {printable(master)}` names no place where Spark can run",
            fix="write `local[2]` for two cores of this computer, or `spark://HOST:PORT`",
        )


def _refuse_without_packages() -> None:
    try:
        import pyspark  # noqa: F401  # only to see that it is installed
    except ImportError:
        raise RequestError(
            "no-spark",
            "`--engine spark` needs Spark, and it isn't installed",
            fix="run `pip install -c constraints.txt '.[spark]'` in Offramp's checkout, or leave "
            "out `--engine spark`",
        ) from None
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        raise _no_java("there is none here")


def _no_java(reason: str) -> RequestError:
    return RequestError(
        "no-java",
        f"`--engine spark` needs Java 17 or newer, and {reason}",
        fix="install it, such as with `apt-get install openjdk-17-jre-headless`, or leave out "
        "`--engine spark`",
    )


@contextmanager
def _context(master: str, settings: Mapping[str, str], log: IO[bytes]) -> Iterator[Any]:
    """Start Java and a context in it. Both end with the block."""
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if master.startswith("spark://"):
        _refuse_unreached(master)
    conf = SparkConf(loadDefaults=False).setMaster(master).setAppName("offramp")
    for name, value in {**settings, **_SETTINGS}.items():
        conf.set(name, value)
    try:
        gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
    except PySparkRuntimeError:
        raise _no_java("the one that is here didn't start Spark") from None
    try:
        try:
            context = SparkContext(conf=conf, gateway=gateway)
        except Py4JError as error:
            if master.startswith("spark://"):
                raise _no_master(master, first_line(error)) from None
            raise
        try:
            yield context
        finally:
            with suppress(Py4JError):
                context.stop()
    finally:
        SparkContext._gateway = SparkContext._jvm = None  # Java ends, and another may be started
        gateway.shutdown()
        gateway.proc.stdin.close()  # Java ends with it
        gateway.proc.wait()


@contextmanager
def _interrupts_as_before() -> Iterator[None]:
    """Keep what Ctrl-C does. Spark replaces it when it starts."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        with suppress(ValueError):  # Spark replaced nothing outside of the main thread
            signal.signal(signal.SIGINT, before)


@contextmanager
def _no_log() -> Iterator[None]:
    """Log nothing. The link to Java would write a trace for a call that somebody interrupts."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _refuse_unreached(master: str) -> None:
    """Raise `RequestError` if no master answers. Spark itself would try for a minute."""
    reasons = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), _REACHED_IN).close()
            return
        except (OSError, OverflowError) as error:
            reasons.append((getattr(error, "strerror", None) or "no answer").lower())
    raise _no_master(master, reasons[0])


def _wait_for_workers(context: Any, master: str) -> None:
    """Raise `RequestError` if no worker has a core free. Spark itself would wait forever."""
    end = monotonic() + _WORKERS_IN
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # this program is one
        if monotonic() > end:
            raise _no_master(master, "no worker has a core and the memory free")
        sleep(0.2)


def _no_master(master: str, reason: str) -> RequestError:
    return RequestError(
        "no-master",
        f"the cluster at `{printable(master)}` can't be used: {printable(reason)}",
        fix="see that its master and its workers run, or leave out `--master` to use this computer",
    )


def first_line(error: Exception) -> str:
    """Return what is wrong, without the trace of Java."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() or java.toString()) if java is not None else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return printable(lines[0]) if lines else type(error).__name__
