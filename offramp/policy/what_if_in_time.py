"""What would change an answer, in words for a page, within a time that a reader waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from offramp.policy.what_else import not_worked_out, sentence_of, what_if_of
from rules.author.phrases import spell_name
from rules.decide.decision import Decision
from rules.errors import RequestError
from rules.frozen import frozen

SECONDS = 3.0
_OF_SEARCH = 0.6  # of these, so that what was found by then is shown
NO_CHANGE = (
    "No change of a fact that somebody may still change or learn gives another answer. That is "
    "proved, with the same records and the same sections of law, whatever the facts are that "
    "aren't known."
)
NO_SOLVER = "Not worked out: the extra `prove` is not installed where this console runs."
NOT_IN_TIME = "Not worked out in time."
# INVARIANT: the solver has one state for the whole process, so only one thread asks it.
_ASKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="what-if")


@frozen
class WhatIfSentence:
    """A smallest change as words, with the answer that the rules would give."""

    text: str
    outcome: str


@frozen
class WhatIfWords:
    """The smallest change for each other answer, and `notes` on what isn't settled."""

    sentences: tuple[WhatIfSentence, ...]
    notes: tuple[str, ...]


def what_if_in_time(decision: Decision, seconds: float = SECONDS) -> WhatIfWords:
    """Return what would change an answer, or that it was not worked out in time."""
    asked = _ASKING.submit(_words, decision, seconds)
    try:
        return asked.result(timeout=seconds)
    except TimeoutError:
        asked.cancel()  # one that runs ends by itself after about as long
        return WhatIfWords((), (NOT_IN_TIME,))


def _words(decision: Decision, seconds: float) -> WhatIfWords:
    try:
        changes = what_if_of(decision, together=seconds * _OF_SEARCH)
    except RequestError:
        return WhatIfWords((), (NO_SOLVER,))
    from rules.prove.what_if import TOO_LONG

    sentences = tuple(
        WhatIfSentence(sentence_of(answer, decision), answer.outcome) for answer in changes.answers
    )
    if not sentences and not changes.open:
        return WhatIfWords((), (NO_CHANGE,))
    answered = {answer.outcome for answer in changes.answers}
    notes = []
    for outcome, why in changes.open.items():
        if outcome in changes.unknown:
            name = spell_name(outcome)
            notes.append(not_worked_out(decision, name, changes.unknown[outcome]))
            continue
        size = "a smaller" if outcome in answered else "any"
        lead = NOT_IN_TIME if why == TOO_LONG else f"Open, since {why}."
        notes.append(f"Whether {size} change gives {spell_name(outcome)}: {lead}")
    return WhatIfWords(sentences, tuple(notes))
