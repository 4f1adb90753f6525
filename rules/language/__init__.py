"""The language of conditions: text to surface tree to typed tree, with exact numbers."""
