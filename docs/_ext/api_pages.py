"""Read docstrings for the API reference, and check that it describes every public name.

Our docstrings are plain text. An indented block after a line that ends in a colon is code, as in
Markdown. Sphinx needs a second colon there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

log = logging.getLogger(__name__)


def mark_code(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Add the second colon before an indented block."""
    for index, line in enumerate(lines[:-2]):
        following = lines[index + 2]
        indented = len(following) - len(following.lstrip()) > len(line) - len(line.lstrip())
        is_intro = line.endswith(":") and not line.endswith("::") and not lines[index + 1].strip()
        if is_intro and indented and not following.lstrip().startswith((">>>", "- ", "* ")):
            lines[index] += ":"


def check_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about each name of `__all__` that has no entry. Constants need none."""
    described = set(env.domains["py"].data["objects"])
    for module in env.domains["py"].data["modules"]:
        for name in import_module(module).__all__:
            if f"{module}.{name}" not in described and not name.isupper():
                log.warning("the API reference of `%s` lacks `%s`", module, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("autodoc-process-docstring", mark_code)
    app.connect("env-check-consistency", check_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
