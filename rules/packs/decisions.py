"""Readers of decisions: their terms, rules, default, next steps, and obligations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rules.errors import PackError, nearest
from rules.frozen import replace
from rules.input import keys
from rules.input.vocabulary import DecisionTerms
from rules.input.yaml import Node
from rules.language import tree
from rules.language.check import check
from rules.packs.draft import Draft, read_id, read_items, refuse_unusable
from rules.packs.faults import gather
from rules.packs.own_reads import (
    SCENE,
    own_reads,
    read_reads,
    refuse_other_office,
    refuse_telling_outcomes,
)
from rules.packs.pack import Decision, Default, Exemption, Obligation, Removal, Rule, Wording
from rules.packs.scene import refuse_beyond_scene

_FIXED_TERMS = ("asks", "decided_by", "governed_by")

# The terms of decisions: read before any condition, since a condition may name any decision


def read_terms(draft: Draft, nodes: Mapping[str, Node]) -> None:
    """Read the terms of the pack's decisions, and of its parent's, into the draft."""
    vocabulary = draft.vocabulary.decisions
    if draft.parent:
        for name, decision in draft.parent.decisions.items():
            draft.terms[name] = _inherited_terms(decision, vocabulary.get(name))
    for name, node in nodes.items():
        with draft.faults.collect(name):
            draft.terms[name] = _read_terms(draft, name, node, vocabulary.get(name))


def _read_terms(draft: Draft, name: str, node: Node, fixed: DecisionTerms | None) -> DecisionTerms:
    """Read the terms of one decision. `fixed` are those of the vocabulary."""
    with draft.faults.collect():
        node.mapping(f"the decision `{name}`", keys.DECISION.names)
    fields = node.mapping(f"the decision `{name}`")
    refuse_unusable(name, node)
    inherited = draft.terms.get(name)
    terms = inherited or fixed
    if terms is None:
        key_node = draft.entry["decisions"].keys.get(name, node)
        terms = _read_new_terms(draft, name, fields, key_node)
    else:
        _refuse_fixed_terms(name, fields)
    if "collect" in fields and not terms.collect:
        terms = _read_collect(terms, fields["collect"])
    if "outcomes" in fields:
        if inherited:
            fields["outcomes"].fail(
                "floor-lifted", f"the outcomes of `{name}` are the parent's", "leave them out"
            )
        terms = replace(terms, outcomes=_read_outcomes(terms, fields["outcomes"]))
    if "reads" in fields:
        refuse_telling_outcomes(terms, fields["outcomes"])
    return terms


def _inherited_terms(decision: Decision, fixed: DecisionTerms | None) -> DecisionTerms:
    if fixed is not None:
        return replace(fixed, outcomes=decision.outcomes)
    return DecisionTerms(
        decision.name,
        decision.asks,
        decision.decided_by,
        decision.governed_by,
        decision.outcomes,
        decision.collect,
        **own_reads(decision.reads),
    )


def _read_new_terms(
    draft: Draft, name: str, fields: Mapping[str, Node], key_node: Node
) -> DecisionTerms:
    """Read the terms of a decision that the vocabulary does not have. Its outcomes come later."""
    for key in (*_FIXED_TERMS, "outcomes"):
        if key not in fields:
            names = tuple(draft.vocabulary.decisions)
            key_node.fail(
                "unknown-decision",
                f"the decision `{name}` is not in the vocabulary and has no `{key}`",
                nearest(name, names) if key == "asks" else f"add `{key}:`",
            )
    governed_by = fields["governed_by"].text("`governed_by`")
    fact = draft.vocabulary.facts.get(governed_by)
    if governed_by not in ("as_of", "now") and (fact is None or fact.type != "date"):
        fields["governed_by"].fail(
            "unknown-fact", f"`{governed_by}` is no date", "name a date, `now` or `as_of`"
        )
    asks = fields["asks"].text("`asks`")
    role = draft.read_role(fields["decided_by"])
    reads = read_reads(fields["reads"], name, governed_by) if "reads" in fields else ()
    return DecisionTerms(name, asks, role, governed_by, (), **own_reads(reads))


def _refuse_fixed_terms(name: str, fields: Mapping[str, Node]) -> None:
    for key in (*_FIXED_TERMS, "reads"):
        if key in fields:
            fields[key].fail(
                "fixed-word", f"`{key}` of `{name}` is fixed by the vocabulary", "leave it out"
            )


def _read_collect(terms: DecisionTerms, node: Node) -> DecisionTerms:
    if terms.outcomes:
        node.fail("fixed-word", f"`collect` of `{terms.name}` is fixed already", "leave it out")
    return replace(terms, collect=node.flag("`collect`"))


def _read_outcomes(terms: DecisionTerms, node: Node) -> tuple[str, ...]:
    """Read outcomes, highest first: of a known decision some of its own, in their order."""
    outcomes = tuple(read_outcome(outcome, terms) for outcome in node.items("`outcomes`"))
    ranks = [terms.outcomes.index(outcome) if terms.outcomes else 0 for outcome in outcomes]
    is_ordered = not terms.outcomes or ranks == sorted(set(ranks))
    if not is_ordered or len(set(outcomes)) != len(outcomes) or not outcomes:
        node.fail(
            "wrong-order",
            f"the outcomes of `{terms.name}` are out of order",
            f"keep the order: {', '.join(terms.outcomes) or 'each once'}",
        )
    return outcomes


def read_outcome(node: Node, terms: DecisionTerms) -> str:
    """Read an outcome of a decision."""
    name = node.text("the outcome")
    if terms.outcomes and name not in terms.outcomes:
        node.fail(
            "unknown-outcome",
            f"`{name}` is no outcome of `{terms.name}`",
            nearest(name, terms.outcomes),
        )
    return name


def refuse_clashes(draft: Draft, nodes: Mapping[str, Node]) -> None:
    """Refuse a parameter or a decision with the name of something else."""
    facts = draft.vocabulary.facts
    for name, parameter in draft.parameters.items():
        if name in facts or name in draft.terms or name in draft.vocabulary.decisions:
            noun = "fact" if name in facts else "decision"
            draft.faults.add(
                PackError(
                    "name-clash",
                    f"the parameter `{name}` has the name of a {noun}",
                    at=parameter.place,
                    fix="rename the parameter",
                )
            )
    for name, node in nodes.items():
        if name in facts:
            with draft.faults.collect():
                node.fail(
                    "name-clash",
                    f"the decision `{name}` has the name of a fact",
                    "rename the decision",
                )


# One decision


def read_decision(draft: Draft, name: str, node: Node, before: Decision | None) -> Decision:
    """Read a decision. What it does not state comes from `before`, the parent's."""
    fields = node.mapping(f"the decision `{name}`")
    terms = draft.terms[name]
    if before and terms.tighten_only:
        _refuse_loosening(terms, fields)
    rules = dict(before.rules) if before else {}
    removed = {**(before.removed if before else {}), **_remove_rules(draft, fields, rules)}
    otherwise = _override_rules(draft, terms, fields, rules, before)
    _add_rules(draft, terms, fields, rules, before)
    optional = _read_optional(draft, terms, fields, rules, before)
    _use_rules(draft, fields, rules, before)
    if "otherwise" in fields:
        if otherwise is not None:
            fields["otherwise"].fail(
                "duplicate-id",
                f"`{name}` has the parent's `otherwise` already",
                "put it under `override` with `id: otherwise`",
            )
        with draft.faults.collect("otherwise"):
            otherwise = _read_default(draft, fields["otherwise"], terms)
    elif otherwise is None:
        node.fail(
            "missing-key",
            f"the decision `{name}` has no `otherwise`",
            "say what holds when no rule does",
        )
    next_steps = _read_next_steps(draft, terms, fields, before)
    waiting = before.while_waiting if before else None
    if "while_waiting" in fields:
        with draft.faults.collect():
            waiting = _read_step(draft, fields["while_waiting"], "`while_waiting`")
    obligations = _read_obligations(draft, terms, fields, before)
    if otherwise is None:
        draft.faults.raise_all()
    assert otherwise is not None  # or its fault was raised
    return Decision(
        name,
        terms.asks,
        terms.decided_by,
        terms.governed_by,
        terms.outcomes,
        terms.collect,
        rules,
        otherwise,
        waiting,
        next_steps,
        obligations,
        node.place,
        terms.reads if name not in draft.vocabulary.decisions else (),
        optional,
        {rule_id: removal for rule_id, removal in removed.items() if rule_id not in rules},
    )


def _refuse_loosening(terms: DecisionTerms, fields: Mapping[str, Node]) -> None:
    for key in ("override", "remove", "otherwise"):
        if key in fields:
            fields[key].fail(
                "floor-lifted",
                f"`{terms.name}` may only be tightened, and `{key}` could loosen it",
                f"add rules that {' or '.join(terms.tighten_only)}",
            )


def _remove_rules(
    draft: Draft, fields: Mapping[str, Node], rules: dict[str, Rule]
) -> dict[str, Removal]:
    """Take rules of the parent out of `rules`. Return why, by their ids."""
    removed: dict[str, Removal] = {}
    for node in read_items(fields, "remove"):
        with draft.faults.collect():
            removal = node.mapping("what is removed", keys.REMOVAL.names, ("id",))
            rule_id = removal["id"].text("`id`")
            subject = f"the removal of `{rule_id}`"
            node.mapping(subject, (), keys.REMOVAL.required)
            because = removal["because"].text(f"`because` of {subject}")
            source = draft.read_citation(node, removal, subject)
            if rule_id not in rules:
                removal["id"].fail(
                    "override-of-nothing",
                    f"there is no rule `{rule_id}` to remove",
                    nearest(rule_id, tuple(rules)),
                )
            del rules[rule_id]
            removed[rule_id] = Removal(
                id=rule_id,
                because=" ".join(because.split()),
                source=source,
                declared_in=draft.id,
                place=node.place,
            )
    return removed


def _override_rules(
    draft: Draft,
    terms: DecisionTerms,
    fields: Mapping[str, Node],
    rules: dict[str, Rule],
    before: Decision | None,
) -> Default | None:
    """Replace the parent's rules. Return its default, or the one that replaces it."""
    otherwise = before.otherwise if before else None
    overridden: set[str] = set()
    for node in read_items(fields, "override"):
        with draft.faults.collect():
            id_node = node.mapping("what overrides", (), ("id",))["id"]
            rule_id = id_node.text("`id`")
            if rule_id in overridden:
                id_node.fail("duplicate-id", f"`{rule_id}` is overridden twice", "keep one of them")
            overridden.add(rule_id)
            if rule_id == "otherwise" and otherwise is not None:
                otherwise = _read_default(draft, node, terms)
            elif before is None or rule_id not in before.rules:
                id_node.fail(
                    "override-of-nothing",
                    f"there is no rule `{rule_id}` to override",
                    nearest(rule_id, tuple(before.rules) if before else ()),
                )
            else:
                rules[rule_id] = _read_rule(draft, node, terms)
    return otherwise


def _add_rules(
    draft: Draft,
    terms: DecisionTerms,
    fields: Mapping[str, Node],
    rules: dict[str, Rule],
    before: Decision | None,
) -> None:
    added: set[str] = set()
    for node in read_items(fields, "rules"):
        with draft.faults.collect():
            rule = _read_rule(draft, node, terms)
            if rule.id == "otherwise":
                node.fail(
                    "bad-id",
                    "`otherwise` is the word for what holds when no rule does",
                    "choose another id",
                )
            if rule.id in added or (rule.id in rules and not _restates(rule, before)):
                _refuse_duplicate(node, rule, terms, before)
            added.add(rule.id)
            _refuse_permit(node, rule, terms, before)
            rules[rule.id] = rule


def _refuse_permit(node: Node, rule: Rule, terms: DecisionTerms, before: Decision | None) -> None:
    """Refuse a child's rule that would loosen a decision that may only be tightened."""
    if before and terms.tighten_only and rule.then not in terms.tighten_only:
        node.fail(
            "floor-lifted",
            f"`{terms.name}` may only be tightened, and `{rule.id}` would {rule.then}",
            f"add rules that {' or '.join(terms.tighten_only)}",
        )


def _read_optional(
    draft: Draft,
    terms: DecisionTerms,
    fields: Mapping[str, Node],
    rules: Mapping[str, Rule],
    before: Decision | None,
) -> dict[str, Rule]:
    """Return the optional rules of the pack and of its parent, by id."""
    optional = dict(before.optional) if before else {}
    for node in read_items(fields, "optional"):
        with draft.faults.collect():
            rule = _read_rule(draft, node, terms)
            if rule.id in optional or rule.id in rules:
                node.fail(
                    "duplicate-id",
                    f"there is a rule `{rule.id}` of `{terms.name}` already",
                    "choose another id",
                )
            _refuse_permit(node, rule, terms, before)
            optional[rule.id] = rule
    return optional


def _use_rules(
    draft: Draft, fields: Mapping[str, Node], rules: dict[str, Rule], before: Decision | None
) -> None:
    """Put optional rules of the parent in force, with the dates and the source of the choice."""
    optional = before.optional if before else {}
    for node in read_items(fields, "use"):
        with draft.faults.collect():
            use = node.mapping("what is used", keys.USE.names, ("id",))
            rule_id = use["id"].text("`id`")
            subject = f"the use of `{rule_id}`"
            node.mapping(subject, (), keys.USE.required)
            use["because"].text(f"`because` of {subject}")
            if rule_id not in optional:
                use["id"].fail(
                    "override-of-nothing",
                    f"there is no optional rule `{rule_id}` to use",
                    nearest(rule_id, tuple(optional)),
                )
            if rule_id in rules:
                node.fail("duplicate-id", f"`{rule_id}` is in use already", "leave it out")
            item = draft.read_item(node, use, subject)
            item["provisional"] = item["provisional"] or optional[rule_id].provisional
            rules[rule_id] = replace(optional[rule_id], **item)


def _restates(rule: Rule, before: Decision | None) -> bool:
    """Return whether a rule has the parent's id and decides as the parent's, in its own words.

    A program's pack may state a rule that its base has gained since. Only the texts differ then.
    """
    inherited = before.rules.get(rule.id) if before else None
    return inherited is not None and _content(inherited) == _content(rule)


def _content(rule: Rule) -> tuple[object, ...]:
    exemptions = tuple((tree.text(one.when), one.since, one.until) for one in rule.unless)
    return (tree.text(rule.when), rule.then, rule.since, rule.until, exemptions)


def _refuse_duplicate(
    node: Node, rule: Rule, terms: DecisionTerms, before: Decision | None
) -> None:
    if before is not None and rule.id in before.rules:
        fault, fix = "is in the parent already", "put it under `override`, or choose another id"
    else:
        fault, fix = "appears twice", "choose another id"
    node.fail("duplicate-id", f"the rule `{rule.id}` of `{terms.name}` {fault}", fix)


def _read_next_steps(
    draft: Draft, terms: DecisionTerms, fields: Mapping[str, Node], before: Decision | None
) -> dict[str, Wording]:
    steps = dict(before.next) if before else {}
    if "next" in fields:
        for outcome, node in fields["next"].mapping("`next`").items():
            with draft.faults.collect():
                read_outcome(fields["next"].keys[outcome], terms)
                steps[outcome] = _read_step(draft, node, f"the next step of `{outcome}`")
    return steps


def _read_obligations(
    draft: Draft, terms: DecisionTerms, fields: Mapping[str, Node], before: Decision | None
) -> dict[str, Obligation]:
    obligations = dict(before.obligations) if before else {}
    for node in read_items(fields, "obligations"):
        with draft.faults.collect():
            obligation = _read_obligation(draft, node, terms)
            if obligation.id in obligations:
                node.fail(
                    "duplicate-id",
                    f"the obligation `{obligation.id}` is listed already",
                    "leave it out",
                )
            obligations[obligation.id] = obligation
    return obligations


# Parts of a decision


def _read_condition(
    draft: Draft, node: Node, terms: DecisionTerms, subject: str, key: str = "when"
) -> tree.Tree:
    """Read a condition, and refuse one that reads what its decision may not.

    `key` is `when` for a rule's condition, else the key of the item.
    """
    condition = check(node, draft.scope)
    for part in tree.nodes(condition):
        if isinstance(part, tree.StatusOf) and not terms.reads_clocks:
            node.fail(
                "reads-clock",
                f"{subject} reads the clock `{part.clock}`, and `{terms.name}` may not",
                "only admission, filing, review, completion, and a decision of your own with "
                "`reads: [clocks]` read clocks",
            )
    refuse_beyond_scene(draft, node, condition, terms, subject, key)
    if SCENE in terms.reads:
        return condition
    for path, fact in tree.facts_read(condition).items():
        if fact.category in draft.vocabulary.never_travels:
            if not terms.reads_criminal_history:
                node.fail(
                    "reads-too-much",
                    f"{subject} reads `{path}`, which never leaves the office that knows it",
                    "read it in `screening` or in a decision with `reads: [records]`, and that "
                    "decision here",
                )
            refuse_other_office(terms, fact, node, subject)
    return condition


def _read_rule(draft: Draft, node: Node, terms: DecisionTerms) -> Rule:
    fields, fault = _read_fields(node, "a rule", keys.RULE)
    rule_id = read_id(fields["id"])
    subject = f"the rule `{rule_id}`"
    parts = gather(
        {
            **_key_readers(node, fault, subject, keys.RULE),
            "unless": partial(_read_exemptions, draft, fields, terms),
            **_present(
                fields,
                when=lambda field: _read_condition(draft, field, terms, subject),
                then=lambda field: read_outcome(field, terms),
                because=draft.read_wording,
            ),
            "reviewable_by": partial(draft.read_reviewer, fields),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    del parts["required"]
    return Rule(id=rule_id, **parts.pop("item"), **parts)


def _read_fields(
    node: Node, subject: str, entry: keys.Entry
) -> tuple[dict[str, Node], PackError | None]:
    """Return an item's fields, and the fault of its keys, if they have one.

    Raises `PackError` for an item that is no mapping or has no id.
    """
    try:
        return node.mapping(subject, entry.names, ("id",)), None
    except PackError as error:
        fault = error
    fields = node.mapping(subject)
    is_cut = any(error.fix.startswith("put the condition") for error in fault.all())
    if "id" not in fields or is_cut:  # a condition without quotes is cut at its brackets
        raise fault
    return fields, fault


def _key_readers(
    node: Node, fault: PackError | None, subject: str, entry: keys.Entry
) -> dict[str, Callable[[], Any]]:
    """Return the readers that raise the faults of an item's keys."""
    if fault is None:
        return {"required": partial(node.mapping, subject, (), entry.required)}
    key_fault = fault
    meant = "".join(error.fix for error in fault.all())
    required = tuple(key for key in entry.required if f"did you mean `{key}`" not in meant)

    def refuse() -> None:
        """Raise the faults of the keys."""
        raise key_fault

    return {"names": refuse, "required": partial(node.mapping, subject, (), required)}


def _present(
    fields: Mapping[str, Node], **readers: Callable[[Node], Any]
) -> dict[str, Callable[[], Any]]:
    """Return the readers of the fields that are present. The others are refused as missing."""
    return {name: partial(read, fields[name]) for name, read in readers.items() if name in fields}


def _read_exemptions(
    draft: Draft, fields: Mapping[str, Node], terms: DecisionTerms
) -> tuple[Exemption, ...]:
    exemptions: dict[str, Exemption] = {}
    for node in read_items(fields, "unless"):
        with draft.faults.collect():
            exemption = _read_exemption(draft, node, terms)
            if exemption.id in exemptions:
                node.fail(
                    "duplicate-id",
                    f"the exception `{exemption.id}` appears twice",
                    "choose another id",
                )
            exemptions[exemption.id] = exemption
    return tuple(exemptions.values())


def _read_exemption(draft: Draft, node: Node, terms: DecisionTerms) -> Exemption:
    fields, fault = _read_fields(node, "an exception", keys.EXEMPTION)
    exemption_id = read_id(fields["id"])
    subject = f"the exception `{exemption_id}`"
    parts = gather(
        {
            **_key_readers(node, fault, subject, keys.EXEMPTION),
            **_present(
                fields,
                when=lambda field: _read_condition(draft, field, terms, subject, "unless"),
                because=draft.read_wording,
            ),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    del parts["required"]
    return Exemption(id=exemption_id, **parts.pop("item"), **parts)


def _read_default(draft: Draft, node: Node, terms: DecisionTerms) -> Default:
    """Read `otherwise`. It has no dates: it is always in force."""
    fields = node.mapping("`otherwise`", keys.OTHERWISE.names, keys.OTHERWISE.required)
    return Default(
        outcome=read_outcome(fields["outcome"], terms),
        because=draft.read_wording(fields["because"]),
        reviewable_by=draft.read_reviewer(fields),
        **draft.read_item(node, fields, "`otherwise`"),
    )


def _read_step(draft: Draft, node: Node, subject: str) -> Wording:
    fields = node.mapping(subject, keys.STEP.names, keys.STEP.required)
    return Wording(
        who=draft.read_role(fields["who"]),
        text=draft.read_wording(fields["text"]),
        **draft.read_item(node, fields, subject),
    )


def _read_obligation(draft: Draft, node: Node, terms: DecisionTerms) -> Obligation:
    fields = node.mapping("an obligation", keys.OBLIGATION.names, ("id",))
    name = fields["id"].text("`id`")
    subject = f"the obligation `{name}`"
    node.mapping(subject, (), keys.OBLIGATION.required)
    if name not in draft.vocabulary.obligations:
        fields["id"].fail(
            "unknown-obligation",
            f"there is no obligation `{name}`",
            nearest(name, tuple(draft.vocabulary.obligations)),
        )
    return Obligation(
        id=name,
        when=_read_condition(draft, fields["when"], terms, subject, "obligations"),
        **draft.read_item(node, fields, subject),
    )
