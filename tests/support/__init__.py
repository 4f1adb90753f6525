"""Code that tests share: generators, simulators, readers of vectors, and processes."""
