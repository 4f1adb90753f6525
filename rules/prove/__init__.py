"""Prove what a pack promises over all cases, and keep what was proved."""
