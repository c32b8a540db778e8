"""The rights as a page: `python -m api.rights > docs/rights.md`."""

from __future__ import annotations

import sys

from aggregates.access import ACTIONS, BESIDE, NEVER_FOR_ANOTHER, ROLES, SCOPES, reading_table, table

_INTRODUCTION = """\
# Rights

Made from the code; do not edit by hand (`python -m api.rights > docs/rights.md`). One function, `may(actor, action,
touched)` in `aggregates/access.py`, decides at every door: HTTP, the command line, imports, the feed and the stream.

Whoever asks needs three things: a **role** that allows the action (below), a **token** that is meant for it (its
scopes), and to **see** every objective in it. What somebody may not see is not there for them: a command is refused,
and a question answered, word for word as if it was unknown. Rights are those of today, also for a reading of the past.

* Roles are given by `grant_role`, membership of a team by `add_member`, visibility by `set_visibility` (or with
  `draft_objective`, so that an objective is never visible for a moment), delegations by `grant_delegation`: all of them
  are entries of the ledger.
* Readings leave out what is hidden before anything is derived from it, and say how much it was (`private`). A decision
  that touches a hidden objective is hidden as a whole, also from its decider; what points at something hidden reads
  `null` and `private`. The feed and the stream keep its place: its position, `recorded_at`, `private`.
* Whoever sees an objective may open what was said in its check-ins.
* `export` and the SQL of an auditor are whole. What a steward or an auditor sees only by office is written into the
  security log (`strategy-ledger security-log`, `GET /v1/security-log`): one line a minute for the same reading.
* An operator reads figures, health and the log without what its lines were about; never the record.
* On the command line a reading without a token is that of any reader: what is for everyone. Whoever may open the
  database itself, or holds the master key, is beyond these rights; so `serve`, `verify` and `rebuild` ask for no token.
* On behalf of somebody (`On-Behalf-Of`, `--on-behalf-of`): whoever asks needs a delegation, the rights are those of the
  person for whom it is done, and both are named in the entry. Rights are not passed on: nobody does {never} on
  somebody else's behalf. A service that imports may name on whose behalf its source acted; its own rights count.
"""


def page() -> str:
    """Return the document."""
    never = ", ".join(f"`{name}`" for name in sorted(NEVER_FOR_ANOTHER))
    lines = [_INTRODUCTION.format(never=never), "## Actions\n"]
    lines.append("*own*: only on what is one's own, or whose owner on leave one acts for.\n")
    lines += [f"| action | {' | '.join(ROLES)} | scopes |", "|---|" + "---|" * (len(ROLES) + 1)]
    for action, words in table():
        scopes = ", ".join(scope for scope in SCOPES if scope in ACTIONS[action].scopes)
        name = f"*{action}*" if action in BESIDE else f"`{action}`"
        lines.append(f"| {name} | {' | '.join(words[role] for role in ROLES)} | {scopes} |")
    lines += ["\nIn italics what is no command.\n", "## Who sees an objective\n"]
    lines += [f"| shown to | who asks is | {' | '.join(ROLES)} |", "|---|---|" + "---|" * len(ROLES)]
    for visibility, relation, seen in reading_table():
        marks = " | ".join("yes" if seen[role] else "" for role in ROLES)
        lines.append(f"| {visibility} | {relation} | {marks} |")
    lines.append(
        "\nOwners are its owner, the owners of its active key results, and whoever acts for one of them on leave. The\n"
        "tree of its team are the members of the team, of every team above it and of every team below it. A service\n"
        "is never an owner, a member or named: it sees what is not for everyone only as steward or auditor."
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
