"""The exchange: signed records, sealed parts and a log that nobody can rewrite. Here, so far, its standards, one module each.

Everything is pure. Time is an argument; whoever builds something passes `random_bytes`, a function from a count to that many
random bytes. Two draws stay inside the `cryptography` package, which offers no way to hand them in: the nonce of an
ECDSA signature and the ephemeral key of a sealed text.
"""
