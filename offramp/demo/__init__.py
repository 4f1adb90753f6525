"""`offramp demo`: a hub and six agencies as processes, and three people's cases."""
