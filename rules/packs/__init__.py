"""Rule packs: assembled from files and parents, checked, resolved to a day, and named by digest.

The stages of a pack, with their public names:

* `assemble`: `assemble` makes a `Pack` (`pack`) of a folder and its parents. It uses `draft`,
  `head`, `parameters`, `offenses`, `decisions`, and `invariants`.
* `resolve`: `resolve` makes the `Segment` of a pack in force on a day.
* `digest`: `digest` names a pack by its content.
* `law`: `Law` applies an offense table to the charges of a case.

Import from the modules: this package loads none of them, so that a cold start stays fast.
"""
