"""What no rule on a held charge looks at, in the words of a participant's own page.

Each is an English and a Spanish phrase after "These can't change it". A fact that isn't listed is
named by its question. The Spanish has not been read by a professional translator.
"""

from __future__ import annotations

from collections.abc import Mapping

# By the path of a fact, or of a group of facts with `.*`.
PROMISED: Mapping[str, tuple[str, str]] = {
    "case.relapses": ("using drugs again", "volver a consumir drogas"),
    "case.missed_contacts": ("missing an appointment", "faltar a una cita"),
    "case.last_contact_at": (
        "how long ago you last met your case manager",
        "cuánto hace que vio a quien lleva su caso",
    ),
    "case.plan_at": ("whether you have a plan yet", "si ya tiene un plan"),
    "case.last_review_at": (
        "when your case was last looked at",
        "cuándo se miró su caso por última vez",
    ),
    "case.progress.*": (
        "how your health, your family, your home, your work, or your money is",
        "cómo están su salud, su familia, su vivienda, su trabajo o su dinero",
    ),
}
# What a person can say is not true, beside the categories in `plain_words`.
OTHER = "other"
SOMETHING_ELSE = ("something else", "otra cosa")
NOT_DISPUTED = ("operation", "consent_terms", "consent_identity", "disclosure_account", "grievance")
