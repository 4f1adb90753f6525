"""Tests of `offramp`."""
