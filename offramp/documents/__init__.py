"""Documents that people read: pack pages, pocket cards, letters, and the list of programs."""
