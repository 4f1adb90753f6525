"""Verify an exhibit, an account, or a receipt, and replay a decision."""
