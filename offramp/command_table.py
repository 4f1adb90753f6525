"""The commands of `offramp`: their groups, their help, and where their words and functions are."""

from __future__ import annotations

from rules.frozen import frozen

AGENCY = "offramp.agency.commands:run"
# The groups of `offramp --help`, in order.
GROUPS = {
    "decide": "Decide",
    "author": "Author",
    "exchange": "Exchange",
    "evidence": "Evidence",
}


@frozen
class Command:
    """A command: its group, its help in one line, and where its words and its function are.

    `function` and `arguments` are `module:name`, imported when the command runs. `arguments` adds
    the command's words to its parser. A command without a group is an old spelling: it works, and
    no help lists it.
    """

    name: str
    group: str | None
    help: str
    function: str
    arguments: str


COMMANDS = (
    Command(
        "decide",
        "decide",
        "decide one case, or many",
        "offramp.policy.commands:decide",
        "offramp.arguments:decide",
    ),
    Command(
        "interview",
        "decide",
        "ask one question after the other until a case is decided",
        "offramp.policy.commands:interview",
        "offramp.arguments:interview",
    ),
    Command(
        "letter",
        "decide",
        "print a decision as a letter to the person",
        "offramp.documents.letter:letter",
        "offramp.arguments:letter",
    ),
    Command(
        "card",
        "decide",
        "print the officer's pocket card",
        "offramp.documents.card:card",
        "offramp.arguments:card",
    ),
    Command(
        "offenses",
        "decide",
        "list the offenses that a program takes on a day",
        "offramp.policy.commands:offenses",
        "offramp.arguments:offenses",
    ),
    Command(
        "programs",
        "decide",
        "list the programs in force on a day and how they ran",
        "offramp.documents.programs:programs",
        "offramp.arguments:programs",
    ),
    Command(
        "show",
        "author",
        "print a pack as a document in plain English",
        "offramp.documents.show:show",
        "offramp.arguments:show",
    ),
    Command(
        "new",
        "author",
        "start a city's own pack from another one",
        "offramp.policy.commands:new",
        "offramp.arguments:new",
    ),
    Command(
        "check",
        "author",
        "check packs and prove their invariants",
        "offramp.policy.commands:check",
        "offramp.arguments:check",
    ),
    Command(
        "console",
        "author",
        "serve the rules as pages, and try cases in a browser",
        "offramp.console.command:console",
        "offramp.arguments:console",
    ),
    Command(
        "prove",
        "author",
        "prove the invariants of packs with a solver, for every case",
        "offramp.policy.proof_command:prove",
        "offramp.arguments:prove",
    ),
    Command(
        "change",
        "author",
        "test a rule change: what it says, whom it moves, what it never does",
        "offramp.change_command:change",
        "offramp.arguments:change",
    ),
    Command(
        "test",
        "author",
        "run packs' scenarios, with coverage",
        "offramp.policy.commands:test",
        "offramp.arguments:test",
    ),
    Command(
        "schema",
        "author",
        "print a published JSON Schema",
        "offramp.published.commands:schema",
        "offramp.published.commands:schema_words",
    ),
    Command(
        "validate",
        "author",
        "hold a file against its published schema",
        "offramp.published.commands:validate",
        "offramp.published.commands:validate_words",
    ),
    Command(
        "agency",
        "exchange",
        "run one agency's side of the exchange",
        AGENCY,
        "offramp.agency.commands:agency",
    ),
    Command(
        "hub",
        "exchange",
        "run the hub: set up, serve, invite, back up",
        "offramp.hub.commands:main",
        "offramp.hub.arguments:hub",
    ),
    Command(
        "demo",
        "exchange",
        "show a hub and six agencies at work on three cases",
        "offramp.demo.command:demo",
        "offramp.arguments:demo",
    ),
    Command(
        "verify",
        "evidence",
        "verify a file from the exchange, offline",
        "offramp.evidence.verify:verify",
        "offramp.arguments:verify",
    ),
    Command(
        "replay",
        "evidence",
        "repeat a decision from its exhibit",
        "offramp.evidence.replay:replay",
        "offramp.arguments:replay",
    ),
    # Old spellings.
    Command(
        "adopt",
        None,
        "propose that a pack be adopted, and sign",
        AGENCY,
        "offramp.agency.commands:adopt",
    ),
    Command(
        "doctor",
        None,
        "examine an agency's installation",
        AGENCY,
        "offramp.agency.commands:doctor",
    ),
    Command(
        "fsck",
        None,
        "check every byte of a stopped hub's database",
        "offramp.hub.commands:main",
        "offramp.hub.arguments:fsck",
    ),
)
