"""Serve the policy pages: packs as documents, their timelines, and a case to try."""
