"""A decision as a tree of questions that a person can walk on paper: no engine, and no script.

`formula` reduces the rules to statements about the facts. `states` lists the values that these
statements can have together, each with facts that show it. `tree` orders the questions, leaves out
those that can't matter, and shares equal parts.
"""

from rules.author.answer_tree.nodes import Branch, Leaf, Option, Path
from rules.author.answer_tree.tree import AnswerTree, answer_tree

__all__ = ["AnswerTree", "Branch", "Leaf", "Option", "Path", "answer_tree"]
