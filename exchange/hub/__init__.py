"""The hub as a pure state machine, its store, and its restore after a loss."""
