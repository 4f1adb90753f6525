"""Read what comes in: YAML text, the keys of packs, the vocabulary, and the facts of a case.

Modules, in the order of their dependence, with their public names:

* `printing`: `plain`, `kind_of`, and `printable` show input in JSON and in messages.
* `yaml`: `read_file` and `read_text` make `Node`s, with the place of each.
* `keys`: the `Entry` of each mapping in a pack or a scenario.
* `vocabulary`: `read_vocabulary` makes a `Vocabulary`, `read_fact` a `Fact`.
* `values`: the readers of each type of fact. `iso_day` and `read_instant` read days and times.
* `json_text`: `parse_json` reads the text of a request.
* `facts`: `read_facts` makes `Facts`.

Import from the modules: this package loads none of them, so that a cold start stays fast.
"""
