"""Terms of Z3 that are made in great number, without the checks of its Python interface.

That interface looks at the class, the sort, and the context of each operand, which takes ten times
as long as the term. Here all operands are of the right sort and of the one context.

INVARIANT: a term that is kept longer than a memo is of another context than the next memo's (see
`fresh_solver`). So none is, and nothing that a module holds may be a term.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import z3
from z3 import z3core

_CONTEXT = z3.main_ctx()


@cache
def whole_number(number: int) -> z3.ArithRef:
    """Return a whole number, one term for each."""
    return z3.IntVal(number)


@cache
def truth(value: bool) -> z3.BoolRef:
    """Return true or false, one term for each."""
    return z3.BoolVal(value)


def use_context(context: z3.Context) -> None:
    """Make all terms in another context from now on."""
    global _CONTEXT
    _CONTEXT = context
    whole_number.cache_clear()
    truth.cache_clear()


def is_number(term: z3.ArithRef, number: int) -> z3.BoolRef:
    """Return that a term of whole numbers is a number."""
    return _condition(z3core.Z3_mk_eq(_CONTEXT.ref(), term.ast, whole_number(number).ast))


def any_of(conditions: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """Return that one of the conditions is true."""
    return _condition(z3core.Z3_mk_or(_CONTEXT.ref(), len(conditions), _terms(conditions)))


def all_of(conditions: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """Return that all the conditions are true."""
    return _condition(z3core.Z3_mk_and(_CONTEXT.ref(), len(conditions), _terms(conditions)))


def implies(condition: z3.BoolRef, result: z3.BoolRef) -> z3.BoolRef:
    """Return that the result is true if the condition is."""
    return _condition(z3core.Z3_mk_implies(_CONTEXT.ref(), condition.ast, result.ast))


def negated(condition: z3.BoolRef) -> z3.BoolRef:
    """Return that a condition is false."""
    return _condition(z3core.Z3_mk_not(_CONTEXT.ref(), condition.ast))


def _condition(made: z3.Ast) -> z3.BoolRef:
    return z3.BoolRef(made, _CONTEXT)


def _terms(conditions: Sequence[z3.BoolRef]) -> object:
    return (z3.Ast * len(conditions))(*[condition.ast for condition in conditions])


def assert_all(solver: z3.Solver, conditions: Iterable[z3.BoolRef]) -> None:
    """Let a solver take all the conditions as true."""
    for condition in conditions:
        z3core.Z3_solver_assert(_CONTEXT.ref(), solver.solver, condition.ast)


def is_true_in(model: z3.ModelRef, condition: z3.BoolRef) -> bool:
    """Return whether a condition is true in a solution, also where that leaves it open."""
    value = (z3.Ast * 1)()
    reference = _CONTEXT.ref()
    if not z3core.Z3_model_eval(reference, model.model, condition.ast, True, value):
        raise ValueError("the condition has no value")
    return bool(z3core.Z3_get_bool_value(reference, value[0]) == z3.Z3_L_TRUE)
