"""Check `docs/architecture.md` against the tree.

import-linter checks the order of imports, by the contracts in `pyproject.toml`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "architecture.md"
LAYERS = ("rules", "exchange", "offramp")
PACKAGES = sorted(init.parent for layer in LAYERS for init in (ROOT / layer).rglob("__init__.py"))
_ROW = re.compile(r"^\| `([a-z0-9_/]+)/` \| (.+) \|$", re.MULTILINE)


def first_sentence(package: Path) -> str:
    """The first sentence of a package's docstring, as a table cell."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    text = " ".join((docstring or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s(?=[A-Z`])", text)[0].replace("|", "\\|")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_package_is_listed_with_its_own_sentence(layer: str) -> None:
    listed = dict(_ROW.findall(PAGE.read_text(encoding="utf-8")))
    packages = {str(package.relative_to(ROOT)): first_sentence(package) for package in PACKAGES}
    expected = {name: text for name, text in packages.items() if name.split("/")[0] == layer}
    rows = {name: text for name, text in listed.items() if name.split("/")[0] == layer}
    assert rows == expected


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for layer in LAYERS for path in (ROOT / layer).rglob("*.py")}
    assert folders == set(PACKAGES)


def test_the_stages_of_a_pack_are_modules_of_rules() -> None:
    (way,) = re.findall(r"^`yaml` → .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    stages = re.findall(r"`(\w+)`", way)
    modules = {path.stem for path in (ROOT / "rules").rglob("*.py")}
    modules |= {path.parent.name for path in (ROOT / "rules").rglob("__init__.py")}
    assert len(stages) >= 8 and set(stages) <= modules


def test_the_picture_names_the_three_layers_and_is_described() -> None:
    picture = (PAGE.parent / "architecture.svg").read_text(encoding="utf-8")
    assert "<title" in picture and "<desc" in picture and "http://www.w3.org/2000/svg" in picture
    named = set(re.findall(r">([a-z_]+)/<", picture))
    assert named == {"rules", "exchange", "offramp", "jurisdictions"}
    for name in re.findall(r'class="m"[^>]*>([a-z_, ]+)<', picture):
        for one in name.replace(",", " ").split():
            assert list((ROOT).rglob(f"{one}.py")) or list(ROOT.rglob(f"{one}/__init__.py")), one


def test_every_path_that_the_page_names_is_there() -> None:
    for path in re.findall(r"`([a-z_]+/[a-zA-Z_./*<>-]+)`", PAGE.read_text(encoding="utf-8")):
        at = path.rstrip("/").replace("<id>", "santa-fe")
        assert list(Path(ROOT).glob(at)), path


def imported_modules(path: Path) -> set[str]:
    """Return the full names of the modules and members that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module or ''}.{alias.name}" for alias in node.names}
    return names


def test_nothing_imports_from_a_test_module() -> None:
    """Shared code is in `tests/support`, and shared fixtures are in a `conftest.py`."""
    files = [path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py")]
    shared_wrongly = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in imported_modules(path)
        if any(part.startswith("test_") for part in name.split(".")[:-1])
        or (name.startswith("tests.") and name.split(".")[-1].startswith("test_"))
    }
    assert len(files) > 100 and not shared_wrongly
