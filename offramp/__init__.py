"""Offramp: rules for diversion programs, and a records exchange between their agencies."""

__version__ = "0.1.0"
