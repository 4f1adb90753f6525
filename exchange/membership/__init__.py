"""Directory of agencies: its versions, keys, witnesses, and proposed changes.

- `directory`: the document and its meaning: agencies, roles, keys, threshold, and witnesses.
- `signatures`: detached signatures of a directory, and the threshold that they must reach.
- `history`: the versions and the sealing keys, by their index in the log.
- `proposal`: drafts of the next version, and a list of its changes in words.
"""
