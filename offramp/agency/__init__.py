"""One agency's side as a program: keys, a journal of what came and went, a client of the hub, a schedule, and commands."""
