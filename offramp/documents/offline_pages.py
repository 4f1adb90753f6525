"""The screens of the offline card: questions with their answers, and what each path ends in.

A screen shows one question of the tree. Yes-or-no questions on one topic that follow each other
become one screen: the officer takes the first sentence that is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from offramp.documents.card_words import is_offer, list_entries, step_text
from offramp.documents.segments import cited, reason
from offramp.policy.interview_walk import label_of
from rules.author.answer_tree import AnswerTree, Branch, Leaf, Option
from rules.author.english import words_of
from rules.author.phrases import spell_name
from rules.author.plain_english import plain_line
from rules.decide.wording import fill_in, role_name
from rules.frozen import frozen
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import Segment
from rules.shelf import english, plain_english

MOST_ROWS = 7
NOT_TOLD = "I can’t tell"
AGAIN = "Then go through the card again: more questions follow, and may add answers."
NONE_OF_THESE = "None of these"
MIXED = "Is one of these true?"
BY_CHANCE = "Do you know one of these?"
TURNS = "This no can change. If you learn that one of these is true, go through the card again:"
FIRST_TRUE = "Tap the first sentence that is true."
Node = Leaf | Branch
_NO = "may_not_offer"


@frozen
class Row:
    """An answer on a screen: its label and the node that follows."""

    label: str
    then: Node
    options: tuple[Option, ...]

    @property
    def is_known(self) -> bool:
        """True unless the answer is that somebody can't tell."""
        return all(_is_known(option) for option in self.options)


@frozen
class _Asked:
    """A question among others of a screen: the option of its sentence, and the one passed by.

    `true` is None where only one answer is left, and it is passed by.
    """

    branch: Branch
    true: Option | None
    passed: Option


# The most taps to an answer if all is known, and a sum over the rows to choose among equals.
_Taps = tuple[int, int]
_NO_TAPS: _Taps = (0, 0)


def _either(first: _Taps, second: _Taps) -> _Taps:
    """Return the taps of a screen with the rows of two."""
    return max(first[0], second[0]), first[1] + second[1]


@frozen
class QuestionScreen:
    """A question, and the answers to it. `unsure` are answers for sentences that nobody can tell.

    `notes` are the lists that the sentences name.
    """

    title: str
    help: str
    rows: tuple[Row, ...]
    unsure: tuple[Row, ...]
    notes: tuple[str, ...]


@frozen
class AnswerScreen:
    """An answer: `kind` is `go`, `stop`, or `wait`.

    `could_turn` are the reasons of rules that would turn a no if their facts became known.
    """

    kind: str
    title: str
    texts: tuple[str, ...]
    find_out: tuple[str, ...]
    says: tuple[str, str] | None
    because: tuple[tuple[str, str], ...]
    could_turn: tuple[str, ...] = ()


class Screens:
    """Makes the screens of a tree."""

    def __init__(self, answer_tree: AnswerTree, segment: Segment) -> None:
        self.tree, self.segment = answer_tree, segment
        self.terms = words_of(segment, english())
        self.facts = segment.pack.vocabulary.facts
        self.in_force = segment.decisions[answer_tree.decision]

    def all_screens(self) -> dict[int, tuple[Node, QuestionScreen | AnswerScreen]]:
        """Return each screen that can be reached by the identity of its node, in order."""
        screens: dict[int, tuple[Node, QuestionScreen | AnswerScreen]] = {}
        still: list[Node] = [self.tree.root]
        while still:
            node = still.pop(0)
            if id(node) in screens:
                continue
            screen = self.screen(node)
            screens[id(node)] = node, screen
            if isinstance(screen, QuestionScreen):
                still += [row.then for row in (*screen.rows, *screen.unsure)]
        return screens

    def screen(self, node: Node) -> QuestionScreen | AnswerScreen:
        """Return the screen of a node."""
        return self._answer(node) if isinstance(node, Leaf) else self._question(node)

    # Questions

    def _question(self, branch: Branch) -> QuestionScreen:
        chain = self._chain(branch)
        if len(chain) > 1 and any(item.true is not None for item in chain):
            return self._first_true(chain)
        fact = self._whole_fact(branch)
        if fact is not None and fact.type != "bool":
            rows = tuple(self._rows_of_values(fact, branch))
            return QuestionScreen(fact.question, "", rows, (), ())
        statement = self._statement(branch)
        title = fact.question if fact is not None else self._title([branch])
        help_text = "" if fact is not None else f"Is this true: {self.sentence(statement, True)}?"
        rows = tuple(Row(_yes_or_no(option), option.then, (option,)) for option in branch.options)
        return QuestionScreen(title, help_text, rows, (), self._notes([statement]))

    def _chain(self, branch: Branch) -> list[_Asked]:
        """Return the questions of one screen, those that lead to an answer in the fewest taps."""
        return list(self._best_chain(branch, MOST_ROWS)[1])

    def _best_chain(self, branch: Branch, most: int) -> tuple[_Taps, tuple[_Asked, ...]]:
        """Return the best chain of at most `most` questions from a branch on, and its taps.

        Of chains with equally many taps it is the one with fewer screens, and then the one in which
        more questions follow the option that is passed by.
        """
        best = self._chains.get((id(branch), most))
        if best is None:
            candidates = list(self._possible_chains(branch, most))
            best = min(candidates, key=lambda chain: chain[0]) if candidates else (_NO_TAPS, ())
            self._chains[id(branch), most] = best
        return best

    def _possible_chains(
        self, branch: Branch, most: int
    ) -> Iterator[tuple[_Taps, tuple[_Asked, ...]]]:
        for item in self._ways_to_ask(branch):
            taken = self._taps(item.true.then) if item.true is not None else _NO_TAPS
            after = item.passed.then
            if most > 1 and isinstance(after, Branch):
                taps, rest = self._best_chain(after, most - 1)
                if rest:
                    yield _either(taken, taps), (item, *rest)
            yield _either(taken, self._taps(after)), (item,)

    def _taps(self, node: Node) -> _Taps:
        """Return the taps from a node on: the most if all is known, and the sum of the rows'."""
        if isinstance(node, Leaf):
            return _NO_TAPS
        total = self._taps_from.get(id(node))
        if total is None:
            taps, chain = self._best_chain(node, MOST_ROWS)
            if not chain:
                answers = [option for option in node.options if _is_known(option)]
                rows = [self._taps(option.then) for option in answers or node.options]
                taps = max(row[0] for row in rows), sum(row[1] for row in rows)
            total = self._taps_from[id(node)] = taps[0] + 1, taps[1] + 1
        return total

    @cached_property
    def _chains(self) -> dict[tuple[int, int], tuple[_Taps, tuple[_Asked, ...]]]:
        return {}

    @cached_property
    def _taps_from(self) -> dict[int, _Taps]:
        return {}

    def _ways_to_ask(self, branch: Branch) -> Iterator[_Asked]:
        """Yield the ways to ask a question with two answers among others.

        One option is the sentence, and the other is passed by. Where only one answer is left, it
        is passed by, and the question is there in case that it can't be told.
        """
        fact = self._whole_fact(branch)
        if fact is not None and fact.type != "bool" and self._named_choice(fact, branch) is None:
            return
        sides = sorted(
            (option for option in branch.options if _is_known(option)),
            key=lambda option: self._depth(option.then),
        )
        if len(sides) == 1:
            yield _Asked(branch, None, sides[0])
        elif len(sides) == 2:
            yield _Asked(branch, *sides)
            yield _Asked(branch, *reversed(sides))

    def _depth(self, node: Node) -> int:
        """Return the most questions from a node on."""
        if isinstance(node, Leaf):
            return 0
        depth = self._depths.get(id(node))
        if depth is None:
            depth = 1 + max(self._depth(option.then) for option in node.options)
            self._depths[id(node)] = depth
        return depth

    @cached_property
    def _depths(self) -> dict[int, int]:
        return {}

    def _first_true(self, chain: list[_Asked]) -> QuestionScreen:
        rows: list[Row] = []
        unsure: list[Row] = []
        passed: list[Option] = []
        for item in chain:
            branch, true_option, passing = item.branch, item.true, item.passed
            is_true = self._is_yes(branch, true_option or passing) == (true_option is not None)
            sentence = self.sentence(self._statement(branch), is_true)
            if true_option is not None:
                or_unknown = ", or that is not known" if None in true_option.values else ""
                label = _capital(f"{sentence}{or_unknown}")
                rows.append(Row(label, true_option.then, (*passed, true_option)))
            for option in branch.options:
                if option not in (true_option, passing):
                    unsure.append(Row(_capital(sentence), option.then, (*passed, option)))
            passed.append(passing)
        rows.append(Row(NONE_OF_THESE, chain[-1].passed.then, tuple(passed)))
        title = self._title([item.branch for item in chain])
        help_text = f"You need not find out. {FIRST_TRUE}" if title == BY_CHANCE else FIRST_TRUE
        notes = self._notes([self._statement(item.branch) for item in chain])
        return QuestionScreen(title, help_text, tuple(rows), tuple(unsure), notes)

    def _rows_of_values(self, fact: Fact, branch: Branch) -> Iterator[Row]:
        """Yield a row for each choice, or for each range of numbers."""
        rows: list[tuple[Any, Option]] = [
            (value, option) for option in branch.options for value in option.values
        ]
        answers = [(value, option) for value, option in rows if value is not None]
        if fact.type == "choice":
            order = fact.choices
            answers.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
            for value, option in answers:
                yield Row(label_of(self.segment.pack, fact.path, value), option.then, (option,))
        else:
            answers.sort(key=lambda row: Decimal(row[0]))
            yield from self._ranges(fact, answers)
        for value, option in rows:
            if value is None:
                yield Row(NOT_TOLD, option.then, (option,))

    def _ranges(self, fact: Fact, answers: list[tuple[Any, Option]]) -> Iterator[Row]:
        """Yield a row for each run of numbers with the same answer.

        A run ends where the next one begins. Numbers that are no whole ones begin with the value
        that the rules name, at it or just over it.
        """
        runs: list[tuple[list[Any], Option]] = []
        for value, option in answers:
            if runs and runs[-1][1] is option:
                runs[-1][0].append(value)
            else:
                runs.append(([value], option))
        for place, (values, option) in enumerate(runs):
            low, high = values[0], values[-1]
            is_first, is_last = place == 0, place == len(runs) - 1
            unit = f" {fact.unit}" if fact.unit and fact.unit != "years" else ""
            if is_first and is_last:
                label = "Any number"
            elif is_first:
                label = f"Under {runs[place + 1][0][0]}{unit}"
            elif is_last:
                label = f"{low}{unit} or {'older' if fact.unit == 'years' else 'more'}"
            else:
                label = f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
            yield Row(label, option.then, (option,))

    def _whole_fact(self, branch: Branch) -> Fact | None:
        if branch.statement is not None:
            return None
        return self.facts[self.tree.things[branch.thing].paths[0]]

    def _title(self, branches: list[Branch]) -> str:
        """Return the title of a screen with sentences: that of their list, if they have one."""
        titles = {self._topic(branch) for branch in branches}
        return titles.pop() if len(titles) == 1 else MIXED

    def _topic(self, branch: Branch) -> str:
        thing = self.tree.things[branch.thing]
        statements_asked = thing.statements if branch.statement is None else (branch.statement,)
        if self.tree.by_chance.issuperset(statements_asked):
            return BY_CHANCE
        fact = self.facts[thing.paths[0]]
        return fact.question if fact.type == "list" and len(thing.paths) == 1 else MIXED

    # Sentences

    def _statement(self, branch: Branch) -> tree.Tree:
        """Return the condition that a yes-or-no question asks about."""
        if branch.statement is not None:
            return self.tree.statements[branch.statement]
        fact = self._whole_fact(branch)
        assert fact is not None
        if fact.type == "bool":
            return tree.FactOf(fact)
        choice = self._named_choice(fact, branch)
        assert choice is not None
        return tree.Compare("==", tree.FactOf(fact), tree.Constant(choice))

    def _named_choice(self, fact: Fact, branch: Branch) -> str | None:
        """Return the choice that alone leads to one of two answers, None if there isn't one."""
        answers = [
            [value for value in option.values if value is not None]
            for option in branch.options
            if _is_known(option)
        ]
        if fact.type != "choice" or fact.finer or len(answers) != 2:
            return None
        return next((str(values[0]) for values in answers if len(values) == 1), None)

    def _is_yes(self, branch: Branch, option: Option) -> bool:
        """Return whether an option says that the question's statement is true."""
        fact = self._whole_fact(branch)
        if fact is not None and fact.type == "choice":
            return self._named_choice(fact, branch) in option.values
        return bool(next(value for value in option.values if value is not None))

    def sentence(self, statement: tree.Tree, value: bool) -> str:
        """Return a condition, or its opposite, in plain words."""
        plain = tree.changed(statement, _without_if_known)
        condition = plain if value else _negated(plain)
        text = plain_line(
            condition, self.terms, plain_english(), partial(label_of, self.segment.pack)
        )
        lead, comma, rest = text.partition(", (")
        while comma and rest.endswith(")") and _is_balanced(rest[:-1]):
            text = f"{lead}, {rest[:-1]}"
            lead, comma, rest = text.partition(", (")
        return text

    def _notes(self, statements: list[tree.Tree]) -> tuple[str, ...]:
        """Return the lists that the sentences name, with their entries."""
        return tuple(
            f"“{self.terms.parameters[name]}”: {entries}"
            for name, entries in list_entries(self.segment, statements).items()
        )

    # Answers

    def _answer(self, leaf: Leaf) -> AnswerScreen:
        if leaf.outcome is None:
            return self._undetermined(leaf)
        declared = self.in_force.decision
        step = declared.next.get(leaf.outcome)
        texts = [step_text(self.segment, step)] if step and step.in_force(self.segment.day) else []
        spoken = self.segment.pack.words.officer_says.get(leaf.outcome)
        spoken_texts = (
            (spoken.text.en, spoken.text.es) if spoken and is_offer(leaf.outcome) else None
        )
        kind = "go" if is_offer(leaf.outcome) else "stop"
        title = spell_name(leaf.outcome).upper()
        reasons = tuple(self._because(leaf))
        could_turn = tuple(self._could_turn(leaf))
        return AnswerScreen(kind, title, tuple(texts), (), spoken_texts, reasons, could_turn)

    def _could_turn(self, leaf: Leaf) -> Iterator[str]:
        """Yield the reasons of the rules above a no that read what only chance tells."""
        for rule in self.in_force.rules if leaf.outcome == _NO else ():
            if rule.rule.id in self._open_rules.get(leaf, ()):
                yield reason(self.segment, rule)

    @cached_property
    def _open_rules(self) -> dict[Leaf, set[str]]:
        """The rules above each no that are still open at the end of one of its paths."""
        open_rules: dict[Leaf, set[str]] = {}
        for path in self.tree.paths():
            if path.leaf.outcome == _NO:
                would_bar = self.tree.decide(path.known).would_bar
                open_rules.setdefault(path.leaf, set()).update(bar["rule"] for bar in would_bar)
        return open_rules

    def _undetermined(self, leaf: Leaf) -> AnswerScreen:
        waiting = self.in_force.decision.while_waiting
        texts = []
        if waiting is not None and waiting.in_force(self.segment.day):
            texts.append(step_text(self.segment, waiting))
        texts.append(
            f"Still possible: {' or '.join(map(spell_name, leaf.possible))}. This is not a no."
        )
        if leaf.is_unfinished:
            texts.append(AGAIN)
        find_out = tuple(self._whom_to_ask(statement) for statement in leaf.unknown)
        title = "ASK ONE THING FIRST" if len(find_out) == 1 else "FIND THIS OUT FIRST"
        return AnswerScreen("wait", title, tuple(texts), tuple(dict.fromkeys(find_out)), None, ())

    def _whom_to_ask(self, statement: int) -> str:
        """Return what is missing and the roles that know it."""
        node = self.tree.statements[statement]
        read = tree.facts_read(node)
        fields = [fact for fact in read.values() if fact.type != "list"] or list(read.values())
        roles = dict.fromkeys(role_name(fact.known_by) for fact in fields)
        whom = " and ".join("look or ask" if role == "police" else f"ask {role}" for role in roles)
        index = next(i for i, thing in enumerate(self.tree.things) if statement in thing.statements)
        if self.tree.asks_whole(index):
            question = self.facts[self.tree.things[index].paths[0]].question
        else:
            question = f"Is it true that {self.sentence(node, True)}?"
        return f"{_capital(whom)}: {question}"

    def _because(self, leaf: Leaf) -> Iterator[tuple[str, str]]:
        pack = self.segment.pack
        if leaf.rules == ("otherwise",):
            default = self.in_force.otherwise
            yield fill_in(self.segment, default.because), cited(pack, default.source)
            return
        for rule in self.in_force.rules:
            if rule.rule.id in leaf.rules:
                yield reason(self.segment, rule), cited(pack, rule.rule.source)


def _without_if_known(node: tree.Tree) -> tree.Tree:
    return node.condition if isinstance(node, tree.IfKnown) else node


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _negated(node: tree.Tree) -> tree.Tree:
    """Return the opposite of a condition in as few words as there are."""
    match node:
        case tree.Compare(">", tree.Total(_, _, None, None) as size, tree.Constant(0)):
            return tree.Compare("==", size, tree.Constant(0))
        case tree.Compare(operator, left, right):
            return tree.Compare(_OPPOSITE[operator], left, right)
        case tree.Quantifier("all", over, variable, body):
            return tree.Quantifier("exists", over, variable, _negated(body))
        case tree.Not(operand):
            return operand
    return tree.Not(node)


def _is_known(option: Option) -> bool:
    """Return whether an option is an answer and not only that nobody can tell."""
    return any(value is not None for value in option.values)


def _yes_or_no(option: Option) -> str:
    values = [value for value in option.values if value is not None]
    if not values:
        return NOT_TOLD
    answer_text = "Yes" if values[0] else "No"
    return f"{answer_text}, or not known" if None in option.values else answer_text


def _is_balanced(text: str) -> bool:
    """Return whether each bracket in the text closes one that it opens."""
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
