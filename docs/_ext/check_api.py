"""Check that the API reference describes every public name of each package that it covers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

log = logging.getLogger(__name__)


def check_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about each name of `__all__` that has no entry. Constants need none."""
    described = set(env.domains["py"].data["objects"])
    for module in env.domains["py"].data["modules"]:
        for name in import_module(module).__all__:
            if f"{module}.{name}" not in described and not name.isupper():
                log.warning("the API reference of `%s` lacks `%s`", module, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("env-check-consistency", check_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
