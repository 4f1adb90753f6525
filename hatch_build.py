"""Put the shipped packs' ready files into the wheel, so that a cold start reads no YAML.

A wheel without them works too: an editable install and a build without PyYAML have none. The
program then reads the packs from their files, and keeps them ready in the user's cache.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReadyPacks(BuildHookInterface[Any]):
    """Makes the ready files in a temporary folder, and adds them to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the ready files, unless the wheel is for an editable install."""
        if version != "standard":
            return
        sys.dont_write_bytecode = True
        sys.path.insert(0, self.root)
        try:
            from rules.shelf import READY, Neighbors, find, jurisdictions, make_ready, shipped
            from rules.user_cache import sealed

            folder = Path(tempfile.mkdtemp())
            for name in shipped():
                _, content = make_ready(find(name), Neighbors(jurisdictions().resolve()))
                if content is not None:
                    file = folder / f"{name}.pack"
                    file.write_bytes(sealed(content))
                    inside = f"offramp/jurisdictions/{READY}/{file.name}"
                    build_data["force_include"][str(file)] = inside
        except ImportError as error:
            self.app.display_warning(f"the wheel has no ready packs: {error}")
        finally:
            sys.path.remove(self.root)
