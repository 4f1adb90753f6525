"""Offramp: rules for diversion programs, and the exchange that lets their agencies work one case together."""

__version__ = "0.1.0"
