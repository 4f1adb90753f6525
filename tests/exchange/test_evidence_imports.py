"""A court's verifier loads no gateway and no hub."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORBIDDEN = ("exchange.agency", "exchange.hub", "offramp.agency", "offramp.hub")


@pytest.mark.parametrize("module", ["exchange.evidence.verify", "offramp.evidence.verify"])
def test_a_verifier_loads_no_gateway_and_no_hub(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    listing = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    loaded = listing.split()
    assert module in loaded
    assert [name for name in loaded if name.startswith(FORBIDDEN)] == []
