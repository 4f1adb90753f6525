"""The people of an agency: who is listed, with which roles, and who acts."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from offramp.agency import operations
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import init
from offramp.agency.folder.staff import FOUNDING_ROLES, own_login
from tests.support.agencies import PASSPHRASE


def test_the_founder_is_listed_and_acts_for_the_login_that_made_the_folder(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder="Rosa Quintana")
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        session = operations.sign_in(office)
        assert (session.name, session.login) == ("Rosa Quintana", own_login())
        assert session.person.roles == FOUNDING_ROLES


def test_a_name_that_is_not_listed_does_not_act(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder="Rosa Quintana")
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        for words in ({"by": "Somebody"}, {"login": "another"}):
            with pytest.raises(AgencyError) as refused:
                operations.sign_in(office, **words)
            assert refused.value.code == "unlisted-person"


def test_a_folder_of_an_older_version_lists_its_owner_first(tmp_path: Path) -> None:
    init(tmp_path / "a", "clinic", PASSPHRASE)
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        with pytest.raises(AgencyError) as refused:
            operations.sign_in(office, login="another")
        assert refused.value.code == "unlisted-person"
        assert operations.sign_in(office, by="Rosa Quintana").name == "Rosa Quintana"
        assert operations.sign_in(office).name == "Rosa Quintana"
