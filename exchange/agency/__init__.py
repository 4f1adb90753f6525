"""An agency's gateway as a pure state machine."""
