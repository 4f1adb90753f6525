"""Check the extensions of the documentation site: links that leave `docs/`, and broken links."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    monkeypatch.delenv("OFFRAMP_SOURCE_URL", raising=False)
    import check_links
    import project_pages

    for name in ("check_links", "project_pages"):
        monkeypatch.delitem(sys.modules, name)
    return check_links, project_pages


def test_a_broken_link_is_found(extensions: tuple[Any, Any], tmp_path: Path) -> None:
    check_links, _ = extensions
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#end">b</a><a href="#top">a</a>'
    )
    (tmp_path / "b.html").write_text(
        '<a href="a.html#no">a</a><a href="c.html">c</a><a href="https://example.org">x</a>'
    )
    broken = check_links.find_broken_links(tmp_path)
    assert sorted(broken) == [
        ("a.html", "b.html#end"),
        ("b.html", "a.html#no"),
        ("b.html", "c.html"),
    ]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[language](language.md#x)", "[language](language.md#x)"),
        ("[decisions](decisions)", "[decisions](decisions/README.md)"),
        ("[contributing](../CONTRIBUTING.md)", "[contributing](project/contributing.md)"),
        ("[schemas](../schemas)", "schemas"),
        ("[the license](../LICENSE)", "the license (`LICENSE`)"),
        ("[elsewhere](https://example.org/x)", "[elsewhere](https://example.org/x)"),
        ("![picture](programs.svg)", "![picture](programs.svg)"),
        ("```\n[a](../LICENSE)\n```", "```\n[a](../LICENSE)\n```"),
    ],
)
def test_links_work_in_the_site(extensions: tuple[Any, Any], link: str, expected: str) -> None:
    _, project_pages = extensions
    assert project_pages.rewrite_links(link, DOCS, DOCS) == expected


def test_links_of_a_root_page_are_moved(extensions: tuple[Any, Any]) -> None:
    _, project_pages = extensions
    text = "[errors](docs/errors.md) [security](SECURITY.md)"
    assert (
        project_pages.rewrite_links(text, ROOT, DOCS / "project")
        == "[errors](../errors.md) [security](security.md)"
    )


def test_a_base_address_for_the_sources(
    extensions: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, project_pages = extensions
    monkeypatch.setenv("OFFRAMP_SOURCE_URL", "https://example.org/tree/")
    assert (
        project_pages.rewrite_links("[s](../schemas)", DOCS, DOCS)
        == "[s](https://example.org/tree/schemas)"
    )
