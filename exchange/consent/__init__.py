"""Consent: from the log to flat facts, the disclosure decision, and the account of a case."""
