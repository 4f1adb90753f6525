"""`docs/architecture.md` lists every module with what it says of itself; nothing imports what stands below it in its list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "architecture.md"
PARTS = ("rules", "exchange", "offramp", "offramp/agency", "offramp/hub", "offramp/demo")
_ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (.+) \|$", re.MULTILINE)


@cache
def modules(part: str) -> dict[str, ast.Module]:
    """The modules of one folder, without its `__init__` and `__main__`."""
    found = sorted(path for path in (ROOT / part).glob("*.py") if not path.stem.startswith("__"))
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in found}


@cache
def listed(part: str) -> dict[str, str]:
    (section,) = re.findall(
        rf"^### `{part}/`\n(.*?)(?=^##|\Z)",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return dict(_ROW.findall(section))


def says(module: ast.Module) -> str:
    """The first sentence that a module says of itself, as a cell of a table."""
    text = " ".join((ast.get_docstring(module) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s(?=[A-Z`])", text)[0].replace("|", "\\|")


def imports(module: ast.Module) -> Iterator[str]:
    """What a module imports when it is loaded: neither inside a function nor for the type checker alone."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


@pytest.mark.parametrize("part", PARTS)
def test_every_module_is_listed_with_what_it_says_of_itself(part: str) -> None:
    there = {name: says(module) for name, module in modules(part).items()}
    shown = listed(part)
    missing = [f"| `{name}` | {text} |" for name, text in there.items() if shown.get(name) != text]
    assert not missing, f"rows to put under `{part}/`, below what they import:\n" + "\n".join(
        missing
    )
    assert set(shown) == set(there), "no row of a module that is gone"


@pytest.mark.parametrize("part", PARTS)
def test_nothing_imports_what_stands_below_it(part: str) -> None:
    order = list(listed(part))
    dotted = part.replace("/", ".")
    for name, module in modules(part).items():
        for imported in imports(module):
            stem = imported.removeprefix(f"{dotted}.")
            if imported.startswith(f"{dotted}.") and stem in order:
                assert order.index(stem) < order.index(name), (
                    f"`{name}` imports `{stem}`, which stands below it"
                )


def test_every_folder_of_modules_is_listed() -> None:
    folders = {
        str(path.parent.relative_to(ROOT))
        for top in ("rules", "exchange", "offramp")
        for path in (ROOT / top).rglob("*.py")
    }
    assert folders == set(PARTS)


def test_the_two_agencies_programs_do_not_know_each_other() -> None:
    """A hub imports nothing of an agency's, nor an agency anything of the hub's server: they meet on the wire."""
    for part, other in (("offramp/agency", "offramp.hub"), ("offramp/hub", "offramp.agency")):
        for name, module in modules(part).items():
            everywhere = [
                node for node in ast.walk(module) if isinstance(node, (ast.Import, ast.ImportFrom))
            ]
            for node in everywhere:
                names = (
                    [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else [one.name for one in node.names]
                )
                assert not any(one.startswith(other) for one in names), (
                    f"{part}/{name} imports {names}"
                )


def test_what_the_page_says_of_the_pipeline_is_in_the_order_of_the_list() -> None:
    (way,) = re.findall(r"^`read` → .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    steps = re.findall(r"`(\w+)`", way)
    assert len(steps) >= 8 and set(steps) <= set(modules("rules"))


def test_the_picture_names_the_three_layers_and_is_described() -> None:
    picture = (PAGE.parent / "architecture.svg").read_text(encoding="utf-8")
    assert "<title" in picture and "<desc" in picture and "http://www.w3.org/2000/svg" in picture
    named = set(re.findall(r">([a-z_]+)/<", picture))
    assert named == {"rules", "exchange", "offramp", "jurisdictions"}
    for name in re.findall(r'class="m"[^>]*>([a-z_, ]+)<', picture):
        for one in name.replace(",", " ").split():
            assert any(one in modules(part) for part in PARTS), one


def test_every_path_that_the_page_names_is_there() -> None:
    for path in re.findall(r"`([a-z_]+/[a-zA-Z_./*<>-]+)`", PAGE.read_text(encoding="utf-8")):
        at = path.rstrip("/").replace("<id>", "santa-fe")
        assert list(Path(ROOT).glob(at)), path
