"""The exchange: agencies send each other signed records, a hub enforces consent without reading, a witnessed log proves it.

Nothing here reads a clock or a socket, and only `store` and `pages` a disk: what a hub keeps. Time is an argument; whoever
builds something passes `random_bytes`, a function from a count to that many random bytes. Two draws stay inside the
`cryptography` package, which offers no way to hand them in: the nonce of an ECDSA signature and the ephemeral key of a sealed
text.

From below: the standards, one module each (`_rfc…`, `_c2sp`); `manifest` and `sealed`; what may be said (`shape`, `says`,
`kinds`, `content`, `label`); `directory`, and `proposal`, its next version; `record`, the wire; `consent` and `disclosure`,
whether a part may pass; `log` and `accounting`; and on top, with `inbox` between them, `hub`, over its `store`, and `gateway`,
two state machines that a server and a command line drive; `request` says who asks, `exhibit` is what a gateway shows to
somebody outside. After a restore `restoring` puts a hub's log together from what its members hold, and `generation` is what
they sign of it.
"""
