"""Fixtures of the application's tests."""

from tests.support.running_agencies import running

__all__ = ["running"]
