"""Run an interview from Python: ask only the questions that still matter.

A real program would show each question to a person. Here a dictionary has the answers.
"""

import rules
from rules.decide.interview import Interview

ANSWERS = {
    "encounter.date": "2014-12-10",
    "encounter.route": "arrest",
    "person.age": "29",
    "encounter.charges": "1",
    "encounter.charges[0].conduct": "possession",
    "encounter.charges[0].violent": "no",
    "encounter.drugs": "1",
    "encounter.drugs[0].kind": "opioid",
}

program = rules.load("santa-fe")
interview = Interview(program, "offer", program.read({}), role="police")

while (question := interview.question) is not None:
    answer = ANSWERS.get(question.fact, "not known")
    print(f"{question.ask}: {question.text}  ({question.how})")
    print(f"> {answer}")
    interview = interview.answer(answer)

decision = interview.decision
print(f"{decision.decision}: {decision.status}, {decision.outcome}")
