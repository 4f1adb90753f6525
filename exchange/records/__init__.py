"""Records: labels, contents, sealing, and the signed whole."""
