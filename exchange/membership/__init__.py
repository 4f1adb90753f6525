"""The directory of agencies: its versions, keys, witnesses, and proposed changes."""
