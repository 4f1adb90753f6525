"""Tests of `exchange`."""
