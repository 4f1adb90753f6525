"""The words in which `looks` says what a person did, for each operation that can be a look."""

from __future__ import annotations

from collections.abc import Mapping

# A command that carries out several operations, or none, as the operation of a look.
COMMAND = "command "

# By operation: the verb, its past after a slash, and the rest.
_DONE: Mapping[str, str] = {
    "add_passkey": "add/added an own passkey",
    "add_person": "add/added a person to the list",
    "adopt_pack": "propose/proposed a rule pack",
    "answer_recalls": "answer/answered what other agencies ask back",
    "approve_draft": "approve/approved a draft of the directory",
    "ask": "ask/asked other agencies for missing facts",
    "assign_case": "assign/assigned the case",
    "back_up": "make/made a backup",
    "break_glass": "break/broke the glass",
    "build_draft": "prepare/prepared a record",
    "closed_questions": "list/listed the unopened questions",
    "compare_open_cases": "count/counted the cases that a rule change changes",
    "confirm_by_passkey": "confirm/confirmed a decision with a passkey",
    "confirm_by_password": "confirm/confirmed a decision with password and code",
    "confirm_emergency": "confirm/confirmed an emergency",
    "confirm_in_demo": "confirm/confirmed a decision in a practice town",
    "confirmation_request": "prepare/prepared a passkey's confirmation",
    "correct": "correct/corrected what was told",
    "count_closed": "count/counted the unopened parts of the case",
    "count_unopened_cases": "count/counted the cases with unopened records",
    "decide": "work/worked out what the rules say",
    "determine": "record/recorded a decision",
    "draft_form": "prepare/prepared a form's record",
    "draft_referral": "prepare/prepared a referral",
    "draft_status": "prepare/prepared a status",
    "drill_backup": "try/tried a backup",
    "duplicates_of": "look/looked for other cases of the same person",
    "effects": "see/saw what follows from a correction",
    "end_person": "end/ended a person of the list",
    "examine": "examine/examined the agency with `doctor`",
    "export_decision": "export/exported a decision with its proofs",
    "export_record": "export/exported a record with its proofs",
    "fetch_account": "print/printed the account",
    "find": "search/searched for a person",
    "find_case": "find/found a case by its first digits",
    "hand_over": "hand/handed the case over",
    "hand_over_all": "hand/handed all cases of a person over",
    "hold_case": "place/placed a legal hold",
    "invite": "invite/invited a person to the console",
    "join": "join/joined two cases of one person",
    "join_hub": "join/joined the hub",
    "list_accounts": "list/listed the accounts of the console",
    "list_case_looks": "list/listed who looked",
    "list_cases": "list/listed the cases",
    "list_confirmations": "list/listed who confirmed what",
    "list_consent_sets": "list/listed the consents to ask for",
    "list_drafts": "list/listed the drafts of the directory",
    "list_emergencies": "list/listed the emergencies that wait",
    "list_feedback": "list/listed what became of referrals",
    "list_forms": "list/listed the forms of a case",
    "list_inbox": "list/listed the inbox",
    "list_looks": "list/listed who looked",
    "list_own_entries": "list/listed what can be asked back",
    "list_passkeys": "list/listed the own passkeys",
    "list_retention": "list/listed what ends when",
    "list_staff": "list/listed the people of the agency",
    "list_standing_grants": "list/listed the consents in force",
    "list_tasks": "list/listed the tasks",
    "list_told": "list/listed what was told",
    "make_spare_key": "make/made a spare key",
    "move_agency": "move/moved the agency to another machine",
    "note_declined": "note/noted that a person said no to the offer",
    "note_ending": "note/noted a dismissal, a sealing, or a completion",
    "note_facts": "note/noted facts",
    "note_not_offered": "note/noted that there was no offer",
    "note_notice": "note/noted that the person got the notice",
    "note_other_people": "note/noted that this is another person",
    "note_report_number": "note/noted a report number",
    "note_same_person": "note/noted that this is the same person",
    "noted_ending": "look/looked at a note to withdraw",
    "open_case": "open/opened the case, with those of its parts that this person may open",
    "open_consent_form": "open/opened a consent form",
    "open_form": "open/opened a form",
    "open_page": "open/opened a page of the console",
    "open_part": "open/opened a part",
    "open_questions_as": "open/opened the questions",
    "open_referral": "open/opened the referral form",
    "open_statuses": "open/opened the statuses of all open cases",
    "own_refused_sign_ins": "list/listed the own refused sign-ins",
    "parse_draft": "prepare/prepared a record",
    "passkey_request": "prepare/prepared an own passkey",
    "person_name": "read/read the person's name",
    "possible_duplicates": "search/searched for the same person",
    "prepare_meeting": "prepare/prepared a meeting",
    "preview_determination": "see/saw what follows from a decision",
    "preview_draft": "see/saw what a record tells",
    "preview_ending": "see/saw what a note of a dismissal, a sealing, or a completion ends",
    "preview_recall": "see/saw what follows from asking a record back",
    "preview_representation": "see/saw what is known of a client's case",
    "program_day": "see/saw the day",
    "propose_change": "propose/proposed a change of the directory",
    "prove_sealing": "print/printed the page on what agencies destroyed",
    "publishes_quarter": "ask/asked if a quarter is published",
    "read_case": "open/opened the case",
    "read_scene": "ask/asked what the rules say at a scene",
    "recall": "ask/asked a record back",
    "record_answers": "record/recorded a consent",
    "record_consent": "record/recorded a consent",
    "record_meeting": "record/recorded what a meeting agreed on",
    "release_hold": "release/released a legal hold",
    "remove_passkey": "remove/removed an own passkey",
    "report_breach": "print/printed what the thief of a key could have read",
    "report_emergency": "report/reported a medical emergency",
    "report_quarter": "print/printed the report of a quarter",
    "represent": "state/stated that this office is counsel",
    "retire": "retire/retired a key or an agency",
    "retry_record": "send/sent a refused record again",
    "review_access": "review/reviewed an access",
    "revoke_consent": "end/ended a consent",
    "same_person": "compare/compared two cases",
    "send_answer": "send/sent a decision of the rules",
    "send_draft": "send/sent a record by a form",
    "send_record": "send/sent a record",
    "send_status": "send/sent a status",
    "set_logins": "change/changed a person's logins",
    "set_roles": "change/changed a person's roles",
    "show_agenda": "open/opened the board of the meeting",
    "show_off_board": "open/opened the list of cases that are not on the board",
    "sign_in": "act/acted here",
    "split": "split/split two joined cases",
    "status_owed": "list/listed the statuses that are owed",
    "tell_apart": "note/noted that two cases are of two people",
    "waiting_questions": "list/listed the questions that wait",
    "withdraw_ending": "withdraw/withdrew a note of a dismissal, a sealing, or a completion",
    "write_statement": "prepare/prepared the text of a consent",
}


def done_words(operation: str) -> str:
    """Return what a person did, such as `opened the case`."""
    words = _words_of(operation)
    verb, _, rest = words.partition(" ")
    return f"{verb.partition('/')[2] or verb} {rest}".strip()


def tried_words(operation: str) -> str:
    """Return what a person was refused, such as `open the case`."""
    verb, _, rest = _words_of(operation).partition(" ")
    return f"{verb.partition('/')[0]} {rest}".strip()


def _words_of(operation: str) -> str:
    """Return the words of an operation, or of a command that was refused outside of one.

    A journal may have an operation of another version.
    """
    if operation.startswith(COMMAND):
        return f"run/ran `offramp agency {operation.removeprefix(COMMAND)}`"
    return _DONE.get(operation, f"do/did {operation.replace('_', ' ')}")
