"""`offramp demo`: a town with a hub and six agencies, each a process of its own, and three people's cases between them."""
