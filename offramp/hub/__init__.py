"""The hub as a process: its folder, its one writer, its HTTP API."""
