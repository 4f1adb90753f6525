"""Test the adoption of a pack.

An agency proposes it with its text, the others read it as a difference in words, the threshold
signs, and decisions follow it from then on.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offramp.adoption import PackFiles, accept_pack, collect_pack
from offramp.agency.errors import AgencyError, HubRefused
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from offramp.agency.operations import fetch_account
from offramp.agency.wording import account_lines
from offramp.cli import main
from rules.author.spoken_dates import spoken_time
from rules.errors import PackError
from rules.packs.digest import digest
from rules.shelf import read_pack
from tests.support.agencies import referral
from tests.support.running_agencies import SIGNERS, Running, consent, drafts, refused, told

CITY = """
id: our-city
title: Our city's LEAD
extends: lead
time_zone: America/Denver
program: {from: 2020-01-01, source: {id: ordinance}}
sources:
  ordinance: {title: Ordinance 7, address: "https://city.example/7", confidence: high}
decisions:
  disclosure:
    rules:
      - id: no-status-to-police
        when: 'part.category == "status" && recipient.role == "police"'
        then: deny
        because: Our police are not told how the person fares.
        source: {id: ordinance}
"""


def test_a_pack_is_adopted_by_the_threshold_and_kept_by_digest(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = running.folder / "packs" / "our-city"
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(CITY)
    words = [
        "agency",
        "adopt",
        str(running.folder / "defender"),
        str(folder),
        "--passphrase-file",
        str(running.passphrase),
    ]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    change = "rule disclosure.no-status-to-police came: deny when "
    assert any(one.startswith(change) for one in done["changes"])
    # Whoever approves sees it, worked out from what the hub gave and this agency proved.
    for name in SIGNERS[1:]:
        if name == SIGNERS[1]:
            (draft,) = drafts(running, capsys, name)
            assert any("has not proved the new pack yet" in one for one in draft["changes"])
        assert "the draft has the digest" in refused(running, capsys, "approve", name, "0")
        (draft,) = drafts(running, capsys, name)
        assert draft["sha256"] == done["draft"] and any(
            one.startswith(change) for one in draft["changes"]
        )
        assert any("the rules: pack `our-city`" in one for one in draft["changes"])
        # Each signer reads which pack it is, and that treatment must sign as well as defense.
        assert draft["pack"] == {"id": "our-city", "digest": done["pack"]}
        assert "a treatment provider must sign: `clinic`" in draft["still_needed"]
        assert not [sentence for sentence in draft["still_needed"] if "a defender" in sentence]
        assert running.agency("status", name) == 0
        printed = capsys.readouterr().out
        assert f"the pack is `our-city`, with the digest {done['pack']}" in printed
        assert "still needed: a treatment provider must sign: `clinic`" in printed
        approved = told(running, capsys, "approve", name, done["draft"])
        assert approved["pack"] == draft["pack"]
        assert bool(approved["still_needed"]) == (name != "clinic")
    # The folder that it came from may go: live cases are judged by what was adopted.
    (folder / "pack.yaml").unlink()
    with closing(running.office("police")) as office:
        learn_directory(link_of(office))
        working_set = office.working_set()
        assert working_set.gateway.history.newest.pack == done["pack"]
        assert digest(working_set.gateway.pack) == done["pack"]
        # What was in force before is kept too.
        assert office.pack(digest(read_pack("lead"))) == read_pack("lead")
        with pytest.raises(AgencyError) as found:
            office.pack("sha256:" + "0" * 64)
        assert found.value.code == "unknown-pack"
        # A pack that the hub doesn't have can't be named, and one without the federal minimum can't
        # be sent.
        files = dict(collect_pack("santa-fe").files)
        files["deflection/pack.yaml"] = files["deflection/pack.yaml"].replace(
            "      - id: restricted\n", "      - id: restricted\n        until: 2020-01-01\n"
        )
        client = link_of(office).client
        with pytest.raises(HubRefused) as lifted:
            client.send_pack(json.dumps({"id": "santa-fe", "files": files}).encode())
        assert lifted.value.hub_code == "floor-lifted"
    change_file = running.folder / "change.json"
    change_file.write_text(json.dumps({"pack": {"id": "lead", "digest": "sha256:" + "1" * 64}}))
    assert "doesn't have the pack" in refused(
        running, capsys, "propose", "police", str(change_file)
    )
    # The hub judges by it too, also after a start.
    running.stop()
    running.start()
    with closing(running.office("crossroads")) as office:
        run_duties(link_of(office))
        assert digest(office.working_set().gateway.pack) == done["pack"]
    assert main([*words[:3], "lead", *words[4:]]) == 0


COUNTY = """
id: our-county
title: Our county's deflection
extends: deflection
time_zone: America/Los_Angeles
program: {from: 2024-09-01, source: {id: county}}
sources:
  county: {title: The county's rules, address: "https://county.example/rules", confidence: high}
decisions:
  eligibility:
    rules:
      - id: under-age
        when: person.age < 18
        then: ineligible
        because: The program is for adults.
        source: {id: county}
"""


def county(folder: Path, text: str = COUNTY) -> PackFiles:
    (folder / "our-county").mkdir(parents=True)
    (folder / "our-county" / "pack.yaml").write_text(text)
    return collect_pack(str(folder / "our-county"))


def test_a_program_without_lead_is_accepted(tmp_path: Path) -> None:
    files = county(tmp_path)
    assert not any(path.startswith("lead/") for path in files.files)
    pack, pack_digest = accept_pack(files)
    assert pack.id == "our-county" and pack_digest == digest(files.pack())


@pytest.mark.parametrize("base", ["deflection", "lead"])
@pytest.mark.parametrize("rule", ["restricted", "consent-type-refused", "part2-needs-consent"])
def test_no_pack_is_accepted_that_lifts_a_limit_of_the_law(
    base: str, rule: str, tmp_path: Path
) -> None:
    files = county(tmp_path, COUNTY.replace("extends: deflection", f"extends: {base}"))
    texts = dict(files.files)
    text = texts["deflection/pack.yaml"]
    assert f"      - id: {rule}\n" in text
    texts["deflection/pack.yaml"] = text.replace(
        f"      - id: {rule}\n", f"      - id: {rule}\n        until: 2020-01-01\n"
    )
    with pytest.raises(PackError) as lifted:
        accept_pack(PackFiles(files.id, texts))
    assert lifted.value.code == "floor-lifted"


def test_a_pack_that_extends_lead_keeps_the_golden_rules(tmp_path: Path) -> None:
    files = county(tmp_path, COUNTY.replace("extends: deflection", "extends: lead"))
    texts = dict(files.files)
    texts["lead/pack.yaml"] = texts["lead/pack.yaml"].replace(
        "      - id: care-reports-no-offense\n",
        "      - id: care-reports-no-offense\n        until: 2020-01-01\n",
    )
    with pytest.raises(PackError) as lifted:
        accept_pack(PackFiles(files.id, texts))
    assert lifted.value.code == "floor-lifted" and "care-reports-no-offense" in lifted.value.message


def test_a_pack_without_rules_today_is_not_adopted(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be in force at once, and nobody could get an offer."""
    folder = running.folder / "packs" / "our-city"
    folder.mkdir(parents=True, exist_ok=True)
    for dates, why in (
        ("from: 2099-12-15", "has no rules before 2099-12-15"),
        ("from: 2020-01-01, until: 2021-01-01", "the last day of `our-city` was 2020-12-31"),
    ):
        (folder / "pack.yaml").write_text(CITY.replace("from: 2020-01-01", dates))
        assert why in refused(running, capsys, "adopt", "defender", str(folder))
    assert drafts(running, capsys, "defender") == []


def test_the_time_zone_of_an_adopted_pack_applies(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(running.office("police")) as office:
        assert office.working_set().gateway.history.newest.zone.key == "America/Los_Angeles"
    adopt = ["agency", "adopt", str(running.folder / "defender"), "santa-fe"]
    capsys.readouterr()
    assert main([*adopt, "--passphrase-file", str(running.passphrase), "--json"]) == 0
    proposed = json.loads(capsys.readouterr().out)
    for name in SIGNERS[1:]:
        (draft,) = drafts(running, capsys, name)
        zone = "the zone is `America/Denver` and was `America/Los_Angeles`"
        assert zone in draft["changes"]
        told(running, capsys, "approve", name, proposed["draft"])
    case = "c" * 32
    with closing(running.office("police")) as office:
        learn_directory(link_of(office))
        assert office.working_set().gateway.history.newest.zone.key == "America/Denver"
        office.compose("referral", (referral(),), case=case)
    running.settle()
    # The collector of a consent may take the account.
    consent(running, capsys, case, 1)
    running.settle()
    with closing(running.office("crossroads")) as office:
        account = fetch_account(office, case)
    # The account's first line has the time to the minute, in the program's zone.
    at = datetime.fromtimestamp(account.statement.at, UTC)
    local = spoken_time(at.astimezone(ZoneInfo("America/Denver")), "en")
    assert account_lines(account, "en")[0].endswith(local)
    assert account_lines(account, "en")[1].endswith("America/Denver.")
