"""Make one small mistake in a pack at a time, and show that its check or a scenario notices it.

The packs are Santa Fe's and the one that a reader of the tutorial ends with. No case can tell `> 4`
from a cap that is 4 on every day, so the check refuses it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rules
from offramp.cli import main
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.shelf import read_pack
from tests.conftest import ROOT
from tests.support.tutorial_page import blocks, edit

SANTA_FE = ROOT / "jurisdictions" / "santa-fe"
_OVER = 'filter(d, d.kind == "opioid").map(d, d.grams)) > quantity_cap'
_WEIGHED = 'd.form == "weighed").map(d, d.grams)) > quantity_cap'
_WITHIN = "map(d, d.grams)) <= quantity_cap"
_YEARS = "      label: lowest age\n      unit: years\n      values:\n        - {value: "
_DAYS = "      unit: days\n      values:\n        - value: "
# The text, what is written in its place, and the scenarios that may notice it. None: any of them,
# or the check.
SHIPPED = [
    (_OVER, _OVER.replace(">", ">="), {"three-grams-exactly", "six-grams-exactly"}),
    (_OVER, _OVER.replace("quantity_cap", "4"), None),
    (_WITHIN, _WITHIN.replace("<=", "<"), {"pills-beside-the-cap-exactly"}),
    ("        value: 6\n", "        value: 5\n", None),
    ("        value: 6\n", "        value: 7\n", None),
]
FINISHED = [
    (_OVER, _OVER.replace(">", ">="), {"quantity-cap-exactly"}),
    (_OVER, _OVER.replace("quantity_cap", "4"), {"no-counterpart"}),
    (_WEIGHED, _WEIGHED.replace(">", ">="), {"quantity-cap-exactly-at-the-scene"}),
    (_WEIGHED, _WEIGHED.replace("quantity_cap", "4"), {"text-names-unread"}),
    (_WITHIN, _WITHIN.replace("<=", "<"), None),
    ("        - value: 4\n", "        - value: 3\n", {"quantity-cap-exactly"}),
    ("        - value: 4\n", "        - value: 5\n", {"quantity-cap-beyond"}),
    (f"{_YEARS}18", f"{_YEARS}19", None),
    (f"{_DAYS}30", f"{_DAYS}29", None),
    (f"{_DAYS}30", f"{_DAYS}31", None),
    ('encounter.route == "arrest" && !', 'encounter.route == "arrest" || !', None),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the pack with which the tutorial's reader ends."""
    here = tmp_path_factory.mktemp("tutorial")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        assert main(["new", "las-cruces", "--from", "santa-fe", "--starts", "2027-01-01"]) == 0
    for kind, text in blocks():
        if kind == "diff":
            edit(here, text)
    return here / "las-cruces"


def noticed_by(folder: Path, mistake: tuple[str, str], to: Path) -> set[str]:
    """Return the ids of the scenarios that notice a mistake, or the code of the check's error."""
    shutil.copytree(folder, to / folder.name)
    file = to / folder.name / "pack.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(mistake[0]) >= 1, mistake[0]
    file.write_text(text.replace(*mistake, 1), encoding="utf-8")
    try:
        report = run(Program(read_pack(file.parent, whole=False)), read_scenarios(file.parent))
        if not report.failures:
            read_pack(file.parent, whole=True)
    except rules.Refusal as refusal:
        return {refusal.code}
    return {failure.scenario.id for failure in report.failures}


@pytest.mark.parametrize(("old", "new", "by"), SHIPPED)
def test_santa_fe_s_scenarios_notice_a_mistake_at_its_cap(
    old: str, new: str, by: set[str] | None, tmp_path: Path
) -> None:
    found = noticed_by(SANTA_FE, (old, new), tmp_path)
    assert found and (by is None or found & by), found


@pytest.mark.parametrize(("old", "new", "by"), FINISHED)
def test_the_tutorial_s_finished_pack_notices_each_mistake(
    old: str,
    new: str,
    by: set[str] | None,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = noticed_by(finished, (old, new), tmp_path)
    assert found and (by is None or by <= found), found
    monkeypatch.chdir(tmp_path)
    assert main(["test", finished.name]) != 0
