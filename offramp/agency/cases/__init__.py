"""The cases of an agency: facts, drafts, decisions, tasks, meetings, and the account."""
