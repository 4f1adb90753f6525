"""An old British spelling on the command line or in a map is refused with the new one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offramp.cli import main
from tests.support.british import british


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(arguments) == 2
    printed: dict[str, dict[str, str]] = json.loads(capsys.readouterr().out)
    return printed["error"]


def test_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of([british("offenses"), "seattle", "--as-of", "2020-01-01", "--json"], capsys)
    assert error["code"] == "usage"
    assert error["fix"] == "write `offenses`, its spelling now"


def test_another_unknown_command_still_points_to_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert error_of(["xyz", "--json"], capsys)["fix"] == "see `offramp --help`"
    assert error_of(["offends", "--json"], capsys)["fix"] == "did you mean `offenses`?"


@pytest.mark.parametrize(
    ("facts", "new"),
    [
        (british("judgment.amenable: {column: open}"), "judgment.amenable"),
        ("judgment.amenable: {column: open}", None),
    ],
)
def test_a_map(
    facts: str, new: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "map.yaml").write_text(
        f"title: T\nid: case\nfacts:\n  encounter.date: {{column: day}}\n  {facts}\n",
        encoding="utf-8",
    )
    (tmp_path / "cases.csv").write_text("case,day,open\n1,2015-01-01,true\n", encoding="utf-8")
    arguments = ["decide", "santa-fe", "offer", str(tmp_path / "cases.csv")]
    arguments += ["--map", str(tmp_path / "map.yaml"), "--json"]
    if new is None:
        main(arguments)
        assert '"error"' not in capsys.readouterr().out
    else:
        assert error_of(arguments, capsys)["fix"] == f"write `{new}`, its spelling now"
