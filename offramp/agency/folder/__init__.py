"""An agency's folder on disk: settings, keys, journal, and the state that follows from them."""
