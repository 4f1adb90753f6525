"""`offramp schema` and `offramp validate`."""

from __future__ import annotations

import argparse

from offramp.published.registry import find_schema, published, schema_text
from offramp.terminal import print_json, print_text


def schema(options: argparse.Namespace) -> int:
    """Print a published schema, or list all of them."""
    if options.name is not None:
        print_text(schema_text(find_schema(options.name)), end="")
        return 0
    width = max(len(name) for name in published())
    for entry in published().values():
        print_text(f"{entry.name:<{width}}  {entry.line}")
    return 0


def validate(options: argparse.Namespace) -> int:
    """Hold files against their schemas. Exit code 1 where one doesn't fit."""
    from offramp.published.validation import validate_file

    code = 0
    for name in options.files:
        validation = validate_file(name, options.schema)
        if validation.fault is not None:
            code = 1
        if options.json:
            print_json(validation.as_json(), compact=True)
        elif validation.fault is not None:
            print_text(f"{validation.fault}")
        else:
            print_text(f"{name}: fits `{validation.schema}`")
    return code


def schema_words(parser: argparse.ArgumentParser, _: object) -> None:
    """Add the words of `offramp schema`."""
    parser.description = "Print a published JSON Schema. Without a name, list all of them."
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="the schema: facts, pack, draft, a kind such as referral, a category, …",
    )


def validate_words(parser: argparse.ArgumentParser, _: object) -> None:
    """Add the words of `offramp validate`."""
    parser.description = (
        "Hold YAML or JSON files against their published schema. Exit code 0: they fit. 1: one "
        "doesn't, and its fault is named at its place. 2: it can't be read."
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a YAML or JSON file, or a pack")
    parser.add_argument(
        "--as",
        dest="schema",
        metavar="NAME",
        help="the schema. Default: the one that the file shows it is",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object for each file")
