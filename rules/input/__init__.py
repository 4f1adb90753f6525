"""Read what comes in: YAML text, the keys of packs, the vocabulary, and the facts of a case."""
