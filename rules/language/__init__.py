"""The language of conditions: text to surface tree to typed tree, with exact numbers.

The stages of a condition, with their public names:

* `parse`: `parse` makes the surface tree of a text (`syntax`). It uses `tokens`, `literals`, and
  `syntax_errors`.
* `check`: `check` makes the typed tree (`tree`) in a `Scope`. It uses `checker`, `names`, `lists`,
  and `operators`.
* `tree`: the nodes of a typed tree. `tree.text` prints one, `facts_read` lists its facts.
* `exact`: arithmetic and comparison without rounding, for all engines.

Import from the modules: this package loads none of them, so that a cold start stays fast.
"""
