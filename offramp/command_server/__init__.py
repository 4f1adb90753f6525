"""Run commands for people whose own accounts can't open the agency's folder."""
