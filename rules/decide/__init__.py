"""Decide one question on one set of facts, and explain the answer."""
