"""The keys of packs, scenarios, and cases: every key, with its value and its purpose.

The readers of these files take from here the keys that are allowed and those that are required.
`pack_schemas` makes the same list into schemas, with which editors complete and check a
pack. A check that needs more than one place (names, conditions, dates) is only in the readers.

These are plain classes, because every decision from a cold shell loads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Union

# The values of scalars. A `DAY` is 2014-04-01, 2014-04, or 2014. A `CONDITION` is a text in the
# language of `docs/language.md`.
TEXT, NAME, DAY, PERCENT, FLAG, CONDITION = "text", "name", "day", "percent", "flag", "condition"
OUTCOME = "outcome"  # an outcome of the decision around it
CITED = "cited"  # a source's id, or `{id, at}`
DOLLARS = "dollars"  # an amount above 0, with cents at most
COUNT = "count"  # a whole number, none below 0
END = "end"  # of a range: a number, or null for none
AMOUNT = "amount"  # a parameter's value: a number, or a list where the unit is one of lists
FACTS = "facts"  # a case's facts, nested as the vocabulary has them
ANSWER = "answer"  # an outcome, or a list of them
FAULT = "fault"  # an error's code, or true for any
PHRASE = "phrase"  # a text, or two


class Words:
    """A word of a closed list, such as `roles` or `units`.

    A pack may add to a list that is `open_ended`.
    """

    __slots__ = ("of", "open_ended")

    def __init__(self, of: str, *, open_ended: bool = False) -> None:
        self.of = of
        self.open_ended = open_ended


class ListOf:
    """A list of values, with its least and greatest length."""

    __slots__ = ("item", "least", "most")

    def __init__(self, item: Value, least: int = 0, most: int | None = None) -> None:
        self.item = item
        self.least = least
        self.most = most


class MapOf:
    """A mapping from names that the author chooses to values of one kind.

    `names_of` is the kind of thing that has these names, where it is known.
    """

    __slots__ = ("item", "names_of")

    def __init__(self, item: Value, names_of: str = "") -> None:
        self.item = item
        self.names_of = names_of


class Key:
    """A key. Editors show `about`."""

    __slots__ = ("about", "required", "value")

    def __init__(self, about: str, value: Value = TEXT, *, required: bool = False) -> None:
        self.about = about
        self.value = value
        self.required = required


class Entry:
    """A mapping with a closed list of keys. Exactly one of `one_of` is required, if it has any."""

    __slots__ = ("keys", "name", "names", "one_of", "required")

    def __init__(self, name: str, keys: Mapping[str, Key], one_of: tuple[str, ...] = ()) -> None:
        self.name = name
        self.keys = keys
        self.names = tuple(keys)
        self.required = tuple(name for name, key in keys.items() if key.required)
        self.one_of = one_of


Value = Union[str, Words, ListOf, MapOf, Entry]

# Items and their sources

_SOURCE = {
    "source": Key(
        "Where this is said: the id of one of the `sources`, or {id: …, at: the place in "
        "it}. Everything has one.",
        CITED,
        required=True,
    )
}

OTHER = Entry(
    "what another source says",
    {
        "says": Key("What the other source says. It is shown, and never applied.", required=True),
        **_SOURCE,
        "why": Key("Why that isn't what applies."),
    },
)

_DOUBT = {
    "provisional": Key(
        "Why this is doubtful. Every answer that rests on it says so. Leave it out where "
        "nothing is doubtful."
    ),
    "other": Key("What other sources say about the same thing.", ListOf(OTHER)),
}
_DATES = {
    "from": Key(
        "The first day on which this holds: 2027-01-01, or 2027-01 or 2027 for its first day.", DAY
    ),
    "until": Key("The first day on which this no longer holds.", DAY),
}
_ITEM = {**_SOURCE, **_DATES, **_DOUBT}

_ID = {
    "id": Key("A short name of your own: small letters, digits and hyphens.", NAME, required=True)
}
_BECAUSE = {
    "because": Key(
        "The reason, as the person concerned may read it. {a_parameter} in braces shows its value.",
        required=True,
    )
}
_WHEN = {
    "when": Key(
        "The condition, in the language of conditions: person.age < 18, or "
        "encounter.charges.exists(c, c.violent). In quotes "
        "if it begins with a sign.",
        CONDITION,
        required=True,
    )
}
_REVIEWABLE = {"reviewable_by": Key("The roles that may review it.", Words("roles"))}

SOURCE = Entry(
    "a source",
    {
        "title": Key("The title, as a citation has it.", required=True),
        "address": Key("Where it can be found: a web address, or a place in words.", required=True),
        "confidence": Key(
            "How certain it is that the source states this: high, medium, or low.",
            Words("confidence"),
            required=True,
        ),
        "note": Key("What else a reader should know about it."),
        "checked": Key(
            "The day on which somebody last compared the pack with it. Left out: the pack's "
            "`checked`.",
            DAY,
        ),
    },
)

_UNTIL = Key("The first day on which it was no longer a pilot.", DAY, required=True)
PILOT = Entry(
    "the pilot",
    {**_ITEM, "until": _UNTIL, "says": Key("What the pilot was to test.")},
)
PLACES = Entry(
    "places",
    {
        "value": Key("How many people at once, or at least.", COUNT, required=True),
        "high": Key("How many at most, if the source has a range.", COUNT),
        **_ITEM,
    },
)
FIGURE = Entry(
    "a figure",
    {
        "dollars": Key("The amount in dollars.", DOLLARS, required=True),
        "says": Key("How the source states it, and for whom.", required=True),
        **_SOURCE,
    },
)
COST = Entry(
    "a cost",
    {
        **_ID,
        "says": Key("What has this amount.", required=True),
        "unit": Key(
            "What it is for: an arrest, a client over the whole time, or a client_year. Or a "
            "total, or a total_year.",
            Words("cost_units"),
            required=True,
        ),
        "low": Key("The lowest figure that a source has.", FIGURE, required=True),
        "high": Key("The highest figure. It may be the same one.", FIGURE, required=True),
        **_ITEM,
    },
)
BREAK_EVEN = Entry(
    "a break-even",
    {
        "says": Key("What the total is, in words.", required=True),
        "total": Key("The id of a cost in total, or total_year.", NAME, required=True),
        "each": Key("The id of the cost for one that it is divided by.", NAME, required=True),
        "note": Key("What a reader must know before relying on it."),
        **_ITEM,
    },
)
FUNDING = Entry(
    "funding", {"says": Key("The payer, the amount, and the purpose.", required=True), **_ITEM}
)
PROGRAM_DOUBT = Entry(
    "a doubt about the program",
    {
        "says": Key("What is in doubt on these days. Every answer then says it.", required=True),
        **_ITEM,
    },
)
BODY = Entry(
    "a body",
    {
        "name": Key("The name of the body.", required=True),
        "members": Key("The roles of its members.", ListOf(Words("roles"))),
        "others": Key("Members without such a role.", ListOf(TEXT)),
        "does": Key("What it decides, and how."),
        **_ITEM,
    },
)
OPEN_CASES = Entry(
    "the open cases",
    {
        "says": Key(
            "What becomes of the cases that are open when the program ends.", required=True
        ),
        **_SOURCE,
        **_DOUBT,
    },
)
PROGRAM = Entry(
    "the program",
    {
        "from": Key(
            "The first day of the program. For an earlier day, Offramp answers that there was "
            "no program.",
            DAY,
            required=True,
        ),
        "until": Key("The first day after the end of the program.", DAY),
        **_SOURCE,
        **_DOUBT,
        "kind": Key(
            "program. Or base, if other packs extend it and no city runs it itself. Or plan, if "
            "it never opened.",
            Words("program_kinds"),
        ),
        "note": Key("Known facts about its start and its course."),
        "pilot": Key("The end of its time as a pilot.", PILOT),
        "places": Key("The number of people that it takes at once, by date.", ListOf(PLACES)),
        "funding": Key("The payers and the amounts.", ListOf(FUNDING)),
        "costs": Key(
            "Amounts of money that sources state, each with a low and a high.", ListOf(COST)
        ),
        "break_even": Key(
            "For how many people or arrests a total would have to be true.", ListOf(BREAK_EVEN)
        ),
        "bodies": Key("The bodies that decide about the program.", ListOf(BODY)),
        "doubts": Key(
            "Times of which the sources leave the whole program in doubt.", ListOf(PROGRAM_DOUBT)
        ),
        "open_cases": Key("What becomes of the cases that are open when it ends.", OPEN_CASES),
    },
)

COVERAGE = Entry(
    "coverage",
    {
        "rules": Key(
            "How many of this pack's own rules must hold in some scenario, in per cent.", PERCENT
        ),
        "conditions": Key(
            "How many of their conditions must be seen both true and false, in per cent.", PERCENT
        ),
        "values": Key(
            "The same for each value in time that a condition reads, in per cent: a cap that "
            "changes needs scenarios before and after.",
            PERCENT,
        ),
    },
)

# Facts that a pack adds

_FIELD = {
    "type": Key("What kind of answer it has.", Words("types"), required=True),
    "choices": Key("The words to choose from, if the type is choice.", ListOf(TEXT)),
    "range": Key("[lowest, highest]; null for no end.", ListOf(END, 2, 2)),
    "unit": Key("What a number counts: g, years, …"),
    "question": Key("The question that asks for it, in plain words.", required=True),
    "says": Key(
        "How documents speak of it: a noun; for a yes or no both clauses; for a list one "
        "and several.",
        PHRASE,
    ),
    "known_by": Key("The roles that can answer the question.", Words("roles")),
    "category": Key(
        "The kind of information. It decides which agencies may receive the fact.",
        Words("categories"),
    ),
    "asks": Key("The person whom the agency asks.", Words("persons")),
    "kind": Key(
        "A record, a measurement, somebody's judgment, or an event with its time.", Words("kinds")
    ),
    "scene": Key(
        "true: an officer can see it or ask for it at the scene, so that an offer may read it.",
        FLAG,
    ),
}
FIELD = Entry("a field of a list", _FIELD)
# What a fact of its own needs besides. A field that a pack adds to a list takes them from the list.
OF_ITS_OWN = ("known_by", "category", "kind")
FACT = Entry(
    "a fact",
    {
        **_FIELD,
        "fields": Key("What each record of the list holds, if the type is list.", MapOf(FIELD)),
        **_SOURCE,
    },
)

# Parameters and clocks

PARAMETER_VALUE = Entry(
    "a value of a parameter",
    {
        "value": Key(
            "The number; or, if the unit is codes or citations, a list; or a time of day; or, if "
            "it has by, a row for each word.",
            AMOUNT,
            required=True,
        ),
        **_ITEM,
    },
)
PARAMETER = Entry(
    "a parameter",
    {
        "label": Key("What it is, in a few words.", required=True),
        "unit": Key(
            "What the number counts; codes for a list of words, citations for one of sections; "
            "time of day for a time such as 07:00.",
            Words("units"),
            required=True,
        ),
        "range": Key(
            "[lowest, highest] that a value may be, here and in a child; null for no end.",
            ListOf(END, 2, 2),
        ),
        "by": Key("The choice that has a row for each of its words, if this is a table."),
        "values": Key(
            "The values, each from its day to the next one's.",
            ListOf(PARAMETER_VALUE, 1),
            required=True,
        ),
    },
)
CLOCK = Entry(
    "a clock",
    {
        "label": Key("What must be done in time, in a few words.", required=True),
        "owner": Key("The role that must act.", Words("roles"), required=True),
        "start": Key("The event that starts it.", Words("events", open_ended=True), required=True),
        "stop": Key(
            "The event that ends it. Either this or repeats.", Words("events", open_ended=True)
        ),
        "repeats": Key("The event after which it is due again.", Words("events", open_ended=True)),
        "length": Key("The parameter that says how long it is.", NAME, required=True),
        "counts": Key(
            "days: the time ends with the last second of the last local day. Left out: it elapses.",
            Words("counts"),
        ),
        "tolling": Key("The list of pauses, each with from and until, during which it stops."),
        "follows": Key(
            "What follows, in plain words; {a_parameter} shows its value.", required=True
        ),
        **_ITEM,
    },
    one_of=("stop", "repeats"),
)

# What an offense table states about itself, in `table.yaml`

TABLE = Entry(
    "a table",
    {
        "system": Key("The system of its citations, such as RCW. A table may name one of its own."),
        "authority": Key("Whose law it is, for a system that the vocabulary doesn't have."),
        "levels": Key("The parts of a section in a system of its own: title.chapter.section."),
        "covers": Key(
            "The chapters of which it has every section that may be charged.",
            ListOf(TEXT),
            required=True,
        ),
        "checked": Key(
            "The day on which somebody last compared the table with all its sources.", DAY
        ),
        "aliases": Key(
            "Short spellings of the system that count in this table's packs.", ListOf(TEXT)
        ),
        "aliases_of": Key(
            "Short spellings of other known systems that count in this table's packs.",
            MapOf(ListOf(TEXT)),
        ),
    },
)

# Decisions

EXEMPTION = Entry("an exception", {**_ID, **_WHEN, **_BECAUSE, **_ITEM})
RULE = Entry(
    "a rule",
    {
        **_ID,
        **_WHEN,
        "then": Key("The outcome, if the condition is true.", OUTCOME, required=True),
        **_BECAUSE,
        "unless": Key("Exceptions: while one of them holds, the rule doesn't.", ListOf(EXEMPTION)),
        **_REVIEWABLE,
        **_ITEM,
    },
)
OTHERWISE = Entry(
    "otherwise",
    {
        "id": Key("The word otherwise, if this entry is under override.", NAME),
        "outcome": Key("The outcome when no rule gives one.", OUTCOME, required=True),
        **_BECAUSE,
        **_REVIEWABLE,
        **_SOURCE,
        **_DOUBT,
    },
)
REMOVAL = Entry(
    "a removal",
    {
        "id": Key("The id of the parent's rule that doesn't apply here.", NAME, required=True),
        "because": Key("Why it doesn't apply here.", required=True),
        **_SOURCE,
    },
)
USE = Entry(
    "a use of an optional rule",
    {
        "id": Key("The id of an optional rule of the parent.", NAME, required=True),
        "because": Key("Why this program uses it.", required=True),
        **_ITEM,
    },
)
STEP = Entry(
    "a next step",
    {
        "who": Key("The role that acts.", Words("roles"), required=True),
        "text": Key("What to do, in plain words; {a_parameter} shows its value.", required=True),
        **_ITEM,
    },
)
OBLIGATION = Entry(
    "an obligation",
    {
        "id": Key(
            "The id of an obligation of the vocabulary.", Words("obligations"), required=True
        ),
        **_WHEN,
        **_ITEM,
    },
)
REPLACED = "a rule, or `otherwise`"
DECISION = Entry(
    "a decision",
    {
        "outcomes": Key(
            "The outcomes that this program uses, highest first. Left out: all.", ListOf(OUTCOME, 1)
        ),
        "asks": Key("The question, for a decision that the vocabulary doesn't have."),
        "decided_by": Key(
            "The role that decides, for a decision that the vocabulary doesn't have.",
            Words("roles"),
        ),
        "governed_by": Key(
            "The date that selects the rules, for a decision that the vocabulary doesn't have."
        ),
        "reads": Key(
            "What else such a decision reads: records that never travel, or clocks. Or scene: it "
            "reads only what is seen at the scene, and an offer may read it.",
            ListOf(Words("reads"), 1),
        ),
        "collect": Key("true: the outcome is the list of all that surely hold.", FLAG),
        "rules": Key(
            "Rules that this pack adds. They have no order; the highest outcome wins.", ListOf(RULE)
        ),
        "override": Key(
            "Whole rules, or otherwise, that replace those of the parent with the same id.",
            ListOf(REPLACED),
        ),
        "remove": Key("Rules of the parent that don't apply here.", ListOf(REMOVAL)),
        "optional": Key(
            "Rules that apply in no pack until it uses them. A child may use one even where it may "
            "only tighten.",
            ListOf(RULE),
        ),
        "use": Key("Optional rules of the parent that apply here.", ListOf(USE)),
        "otherwise": Key("The answer if no rule applies.", OTHERWISE),
        "while_waiting": Key("The first step while the answer isn't known.", STEP),
        "next": Key("What comes after each outcome.", MapOf(STEP, "outcomes")),
        "obligations": Key("Duties of each recipient of the answer.", ListOf(OBLIGATION)),
    },
)

INVARIANT = Entry(
    "an invariant",
    {
        **_ID,
        "decision": Key(
            "The decision that it is about.", Words("decisions", open_ended=True), required=True
        ),
        "when": Key("The cases that it is about; left out: all.", CONDITION),
        "always": Key("What must hold then. Either this or independent_of.", CONDITION),
        "independent_of": Key(
            "Facts that never change the outcome: paths, .* for all below one.", ListOf(TEXT)
        ),
        "because": Key("Why no edit may break it."),
        **_ITEM,
    },
    one_of=("always", "independent_of"),
)

# Consent sets and words

IN_BOTH = Entry(
    "a text in two languages",
    {
        "en": Key("The text in English.", required=True),
        "es": Key("The same text in Spanish, with usted.", required=True),
    },
)
CONSENT_GRANT = Entry(
    "a grant of a consent question",
    {
        "from": Key("The role that may tell.", Words("roles"), required=True),
        "categories": Key(
            "The kinds of information.", ListOf(Words("categories"), 1), required=True
        ),
        "purposes": Key("What it is told for.", ListOf(Words("purposes"), 1), required=True),
        "says": Key(
            "A sentence of the pack's own about it. The exact list follows it in any case.",
            IN_BOTH,
        ),
    },
)
CONSENT_QUESTION = Entry(
    "a consent question",
    {
        "to": Key("The role that would be told.", Words("roles"), required=True),
        "need": Key(
            "minimum, if a decision of that role reads what it would be told. optional, if no "
            "decision about entering the program does.",
            Words("needs"),
            required=True,
        ),
        "days": Key("How many days the consent lasts, if other than the set says.", COUNT),
        "asks": Key("The question in the pack's own words.", IN_BOTH),
        "grants": Key(
            "The grants: who may tell what, for what.", ListOf(CONSENT_GRANT, 1), required=True
        ),
    },
)
CONSENT_SET = Entry(
    "a consent set",
    {
        "label": Key("When it is asked, in words for the person.", IN_BOTH, required=True),
        "after": Key(
            "The event after which it is asked.", Words("events", open_ended=True), required=True
        ),
        "days": Key(
            "How many days the consent lasts, the first and the last day included.",
            COUNT,
            required=True,
        ),
        "questions": Key(
            "The questions, each about one recipient. Each is answered by itself.",
            MapOf(CONSENT_QUESTION),
            required=True,
        ),
        **_SOURCE,
        **_DOUBT,
    },
)
GROUPING = Entry(
    "a grouping",
    {
        "of": Key(
            "The fact by which reports count people: encounter.route, person.age.",
            required=True,
        ),
        "says": Key("How a report calls it: age at the encounter.", required=True),
        "bands": Key(
            "For a number, the lowest number of each band but the first: [25, 35, 45].",
            ListOf(COUNT, 1),
        ),
        **_SOURCE,
        **_DOUBT,
    },
)
PERIOD = Entry(
    "a time of keeping",
    {
        "days": Key("How many days.", COUNT),
        "months": Key("How many months.", COUNT),
        "years": Key("How many years.", COUNT),
    },
    one_of=("days", "months", "years"),
)
ENDS = Entry(
    "the early ends",
    {
        "dismissed": Key("The charge was dismissed.", COUNT),
        "sealed": Key("A court ordered the record sealed or expunged.", COUNT),
        "completed": Key("The person completed the program.", COUNT),
    },
)
RETENTION = Entry(
    "a rule on retention",
    {
        "says": Key("What is kept, in a few words: what police hold of a case.", required=True),
        "held_by": Key(
            "The roles of the agencies that keep it.", ListOf(Words("roles"), 1), required=True
        ),
        "categories": Key(
            "The kinds of information.", ListOf(Words("categories"), 1), required=True
        ),
        "keep": Key(
            "How long it is kept, from the day on which it was told: {years: 6}.",
            PERIOD,
            required=True,
        ),
        "ends": Key(
            "What ends it before its time, each with the days that it is kept after that day.", ENDS
        ),
        **_ITEM,
    },
)
PHONE = Entry(
    "the phone number",
    {
        "number": Key("The number, as it is dialed: 505-555-0100.", required=True),
        **_SOURCE,
        **_DOUBT,
    },
)
OFFICER_SAYS = Entry("what the officer says", {**IN_BOTH.keys, **_SOURCE, **_DOUBT})
WORDS = Entry(
    "the words",
    {
        "phone": Key("The number at which the program answers an officer.", PHONE),
        "officer_says": Key(
            "What the officer says to the person, by the outcome of the offer.",
            MapOf(OFFICER_SAYS),
        ),
        "choices": Key(
            "Short labels of choices, by the path of a fact and the choice.", MapOf(MapOf(IN_BOTH))
        ),
    },
)

OVERRIDE = Entry(
    "override",
    {
        "parameters": Key(
            "Parameters in place of the parent's, whole, in the same unit.", MapOf(PARAMETER)
        ),
        "clocks": Key("Clocks in place of the parent's, whole.", MapOf(CLOCK)),
        "consent_sets": Key(
            "Consent sets in place of the parent's, whole: fewer grants, or for fewer days.",
            MapOf(CONSENT_SET),
        ),
        "groups": Key("Groupings of reports in place of the parent's, whole.", MapOf(GROUPING)),
        "retention": Key("Rules on retention in place of the parent's, whole.", MapOf(RETENTION)),
    },
)

PACK = Entry(
    "the pack",
    {
        "id": Key(
            "The pack's name, the same as its folder's: small letters, digits and hyphens.",
            NAME,
            required=True,
        ),
        "title": Key("What the program is called.", required=True),
        "extends": Key(
            "The pack that this one starts from: everything not written here is that one's.", NAME
        ),
        "time_zone": Key("The program's time zone, such as America/Denver.", required=True),
        "program": Key(
            "The dates of the program, and known facts about it.", PROGRAM, required=True
        ),
        "sources": Key(
            "The documents that the pack rests on. Each item of the pack names one of them.",
            MapOf(SOURCE),
            required=True,
        ),
        "checked": Key(
            "The day on which somebody last compared the pack with all its own sources.", DAY
        ),
        "coverage": Key("How much of the pack its scenarios must touch.", COVERAGE),
        "offenses": Key(
            "What each section of law was, by day: the name of a table, such as new-mexico.", NAME
        ),
        "facts": Key("Facts that the vocabulary lacks, by path: encounter.park.", MapOf(FACT)),
        "refine": Key(
            "Finer words below the words of a choice: {encounter.drugs.kind: {heroin: opioid}}.",
            MapOf(MapOf(TEXT)),
        ),
        "parameters": Key(
            "Amounts and lists that may change: the cap, an age, a deadline.", MapOf(PARAMETER)
        ),
        "decisions": Key("The decisions and their rules.", MapOf(DECISION, "decisions")),
        "clocks": Key("Time limits.", MapOf(CLOCK)),
        "invariants": Key(
            "What no edit may break, this pack's own or a child's.", ListOf(INVARIANT)
        ),
        "consent_sets": Key(
            "What a person may consent to: sets of questions, each asked at one time.",
            MapOf(CONSENT_SET),
        ),
        "words": Key("Words that people read: a phone number, labels, what is said.", WORDS),
        "groups": Key("The facts by which reports count people.", MapOf(GROUPING)),
        "retention": Key(
            "How long each kind of agency keeps each kind of information.", MapOf(RETENTION)
        ),
        "override": Key("Parameters, clocks, and consent sets in place of the parent's.", OVERRIDE),
    },
)

# Scenarios

EXPECT = Entry(
    "what a scenario expects",
    {
        "status": Key("decided or undetermined.", Words("statuses")),
        "outcome": Key("The outcome; a list for a decision that collects.", ANSWER),
        "outcome_not": Key("The outcome that must not result.", ANSWER),
        "outcome_includes": Key("What must be among the outcomes.", ListOf(TEXT)),
        "possible": Key("The outcomes that are still open, highest first.", ListOf(TEXT)),
        "needs": Key("Facts that must be asked for; [] if nothing may be.", ListOf(TEXT)),
        "rules": Key("Rules that must be among the reasons.", ListOf(TEXT)),
        "would_bar": Key(
            "All rules of an offer that something not yet known could make true; [] if none.",
            ListOf(TEXT),
        ),
        "clocks": Key("The states of clocks, such as {plan: overdue}.", MapOf(TEXT)),
        "provisional": Key("Whether the answer rests on something doubtful.", FLAG),
        "next": Key("The role that acts next.", Words("roles")),
        "error": Key("The code of the error that must result.", FAULT),
    },
)
SCENARIO = Entry(
    "a scenario",
    {
        **_ID,
        "says": Key("The case, in a sentence that a lawyer could read.", required=True),
        "decision": Key("What is decided.", Words("decisions", open_ended=True), required=True),
        "as_of": Key("The day whose rules apply; left out: the case's own.", DAY),
        "like": Key(
            "The id of a scenario above. Its facts apply, except those that this one states.", NAME
        ),
        "facts": Key("What is known of the case. What isn't written isn't known.", FACTS),
        "expect": Key("The result that the case must have.", EXPECT, required=True),
    },
)
SCENARIOS = ListOf(SCENARIO)

# Cases

CASE_SOURCE = Entry(
    "the source of an answer",
    {
        "cite": Key("The statute, ruling, or document that decides the case.", required=True),
        "at": Key("The place in it: a subsection, a paragraph, a page.", required=True),
        "address": Key("Its web address, if it is on the web."),
    },
)
CASE = Entry(
    "a case",
    {
        **_ID,
        "decision": Key("What is decided.", Words("decisions", open_ended=True), required=True),
        "day": Key(
            "The day of the case. It fills in `encounter.date`, or noon of it as `now`, whichever "
            "governs the decision.",
            DAY,
            required=True,
        ),
        "like": Key(
            "The id of a case above. Its facts apply, except those that this one states.", NAME
        ),
        "facts": Key("What is known of the case. What isn't written isn't known.", FACTS),
        "expect": Key(
            "The answers that are right. One is enough. `undetermined` and `outside-program` are "
            "answers too.",
            ListOf(TEXT, 1),
            required=True,
        ),
        "source": Key("Where the answer is written.", CASE_SOURCE, required=True),
        "why": Key("Why this is the answer, in a sentence.", required=True),
        "unchecked": Key(
            "What the author of the case could not look up. Left out where all of it was read."
        ),
    },
)
CASES = ListOf(CASE)
