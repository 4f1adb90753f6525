"""The log: leaves, checkpoints, receipts, and the generations of a restored log."""
