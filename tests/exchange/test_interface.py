"""The public interface of `exchange`: every name is there, and none is loaded before its use."""

import subprocess
import sys

import pytest

import exchange


def test_every_public_name_can_be_imported() -> None:
    for name in exchange.__all__:
        assert getattr(exchange, name) is not None
        assert name in dir(exchange)


def test_every_public_name_has_a_docstring() -> None:
    missing = [name for name in exchange.__all__ if not getattr(exchange, name).__doc__]
    assert missing == []


def test_importing_the_package_loads_no_other_module_of_it() -> None:
    program = "import sys, exchange; print([name for name in sys.modules if 'exchange.' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute `seal_everything`"):
        exchange.seal_everything  # noqa: B018
