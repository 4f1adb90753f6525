"""The hub's HTTP API: one router for each subject, over one service."""
