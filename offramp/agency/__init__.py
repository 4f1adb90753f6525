"""One agency's side: its folder, its link to the hub, its cases, operations, and commands."""
