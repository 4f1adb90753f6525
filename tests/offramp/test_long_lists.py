"""Lists of many people at those who decide: each page is light and quick, and nobody is left out.

`bench/console.py` measures the same pages with 500 and 5,000 cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("starlette", reason="the console needs the extra `console`")

from bench import console as measured
from tests.support.agencies import Town

CASES = 25
LISTS = {"prosecutor": ("/queue", "/held"), "program": ("/applications",)}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(tmp_path_factory.mktemp("town"), roles=measured.ROLES_OF_TOWN)
    measured.refer_to_all(town, CASES)
    for office in town.at.values():
        office.close()
    return town


def pages_of(client: httpx.Client, path: str) -> Iterator[str]:
    """Yield each page of a list, by its links to the next one."""
    following: str | None = path
    while following is not None:
        text = client.get(following).raise_for_status().text
        yield following
        found = re.search(r'href="([^"]+)">Next<', text)
        following = found[1] if found is not None else None


@pytest.mark.parametrize("agency", LISTS)
def test_each_page_of_a_long_list_is_light_and_quick(town: Town, agency: str) -> None:
    """V6 and V7."""
    with measured.served(town, agency) as (client, pid):
        for listing in LISTS[agency]:
            people: list[str] = []
            pages = list(pages_of(client, listing))
            assert len(pages) > 1, "the list is long"
            for page in pages:
                _, worked, size = measured.ask_page(client, page, pid, times=20)
                assert 0 < worked[18] <= measured.LIMITS[0] and size <= 20_480, (page, worked, size)
                text = client.get(page).text
                people += re.findall(r'<th scope="row"><a href="[^"]+/([0-9a-f]{20})/', text)
            assert len({*people}) == CASES, listing
            beyond = client.get(f"{listing}?page=400")
            if beyond.is_redirect:
                beyond = client.get(beyond.headers["location"])
            assert f"Page {len(pages)} of {len(pages)}" in beyond.text, "the last page"
