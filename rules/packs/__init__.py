"""Rule packs: assembled from files and parents, checked, resolved to a day, and named by digest."""
