"""The commands about findings and decisions: show them, answer many at once, ratify, confirm."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from api.cli.faults import spoken
from api.cli.options import (
    AnyScope,
    AsOf,
    Bom,
    DryRun,
    EffectiveAt,
    Form,
    Json,
    OnBehalfOf,
    Out,
    Replace,
    TokenFile,
)


class Showing(TyperGroup):
    """A group that shows where nothing else is asked for: `findings 2026-q3` is `findings show 2026-q3`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `show` before words that name no command."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["show", *args])


findings_app = typer.Typer(
    cls=Showing, rich_markup_mode=None, help="Show me what an auditor would ask about, and the answers."
)
decisions_app = typer.Typer(
    cls=Showing, rich_markup_mode=None, help="Show me the decisions: what, by whom, confirmed by whom."
)


def register(app: typer.Typer) -> None:
    """Add the two groups."""
    findings_app.command("show")(spoken(findings))
    findings_app.command("answer")(spoken(answer))
    findings_app.command("ratify")(spoken(ratify))
    decisions_app.command("show")(spoken(decisions))
    decisions_app.command("confirm")(spoken(confirm))
    app.add_typer(decisions_app, name="decisions")
    app.add_typer(findings_app, name="findings")


Standing = Annotated[
    Literal["open", "answered", "explained", "accepted", "disputed"] | None,
    typer.Option("--standing", help="Only findings that stand so; an answer means the last one."),
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--rule", metavar="RULE", help="Only findings of this rule, such as change_without_decision."
    ),
]
Direction = Annotated[
    Literal["softer", "harder", "neutral"] | None,
    typer.Option("--direction", help="Only changes of this direction."),
]
Person = Annotated[
    str | None,
    typer.Option("--person", metavar="PERSON", help="Only what this person changed; `me` is the token's."),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", metavar="PERSON", help="Only findings on objectives of this owner."),
]
Team = Annotated[
    str | None,
    typer.Option("--team", metavar="TEAM", help="Only findings on objectives of this team or one below it."),
]
Slip = Annotated[
    bool | None,
    typer.Option(
        "--recorded-in-error/--not-recorded-in-error",
        help="Only findings on what was recorded in error, or not.",
    ),
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--finding", metavar="RULE:CAUSE", help="Only this finding, as the list writes it; may be repeated."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Record without asking.")]


def findings(
    scope: AnyScope = None,
    by: Annotated[
        Literal["decision", "person", "owner", "team"] | None,
        typer.Option(
            "--by", help="In groups: by decision, by who made the change, by owner of the objective, by team."
        ),
    ] = None,
    standing: Standing = None,
    rule: Rule = None,
    direction: Direction = None,
    person: Person = None,
    owner: Owner = None,
    team: Team = None,
    recorded_in_error: Slip = None,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me what an auditor would ask about, and the answers.

    `show` may be left out. `findings answer` answers many at once, `findings ratify` puts one
    decision behind many changes.
    """
    from api.cli.answers import answer as shown

    said = _said(standing, rule, direction, person, owner, team, recorded_in_error, by)
    shown(
        "findings",
        scope,
        as_of=as_of,
        effective_at=effective_at,
        json=json,
        form=form,
        out=out,
        replace=replace,
        bom=bom,
        said=said,
    )


def answer(
    scope: AnyScope = None,
    *,
    word: Annotated[
        Literal["explained", "accepted", "disputed"],
        typer.Option("--answer", help="The answer: explained, accepted or disputed."),
    ],
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="What is said to all of them; it is kept for ever.")
    ],
    only_open: Annotated[
        bool, typer.Option("--only-open", help="Leave out what was answered before.")
    ] = False,
    finding: Named = None,
    standing: Standing = None,
    rule: Rule = None,
    direction: Direction = None,
    person: Person = None,
    owner: Owner = None,
    team: Team = None,
    recorded_in_error: Slip = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    token_file: TokenFile = None,
    on_behalf_of: OnBehalfOf = None,
    json: Json = False,
) -> None:
    """Give one answer to many findings: all of them, or none.

    Shows what would be answered and asks before it records; a script says --yes. A finding that
    was answered before gets a second answer, and the last one counts.
    """
    from api.cli.triage import answer as run

    run(
        scope, word, text, only_open=only_open, finding=finding or [], yes=yes, dry_run=dry_run, json=json,
        said=_said(standing, rule, direction, person, owner, team, recorded_in_error, None),
        token_file=token_file, on_behalf_of=on_behalf_of,
    )  # fmt: skip


def ratify(
    scope: AnyScope = None,
    *,
    decided_by: Annotated[
        str, typer.Option("--decided-by", metavar="PERSON", help="Who decided; `me` is the token's person.")
    ],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What was decided.")],
    decided_at: Annotated[
        str | None,
        typer.Option("--decided-at", metavar="INSTANT", help="When it was decided, if it is known."),
    ] = None,
    finding: Named = None,
    direction: Direction = None,
    person: Person = None,
    owner: Owner = None,
    team: Team = None,
    recorded_in_error: Slip = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    token_file: TokenFile = None,
    on_behalf_of: OnBehalfOf = None,
    json: Json = False,
) -> None:
    """Write down one decision that ratifies many changes, in one append.

    Takes the changes without a decision that are open and not ratified yet. Each finding stays and reads
    "ratified n days later"; the decision reads asserted until the one who decided confirms it.
    """
    from api.cli.triage import ratify as run

    run(
        scope, decided_by, text, decided_at=decided_at, finding=finding or [], yes=yes, dry_run=dry_run, json=json,
        said=_said(None, None, direction, person, owner, team, recorded_in_error, None),
        token_file=token_file, on_behalf_of=on_behalf_of,
    )  # fmt: skip


def decisions(
    scope: AnyScope = None,
    to_confirm: Annotated[
        bool,
        typer.Option("--to-confirm", help="Only those that wait for the confirmation of the token's person."),
    ] = False,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me the decisions: what, by whom, confirmed by whom.

    `show` may be left out. `decisions confirm` confirms one that somebody else wrote down for you.
    """
    from api.cli.answers import answer as shown

    said = {"to_confirm": "me"} if to_confirm else {}
    shown(
        "decisions",
        scope,
        as_of=as_of,
        effective_at=effective_at,
        json=json,
        form=form,
        out=out,
        replace=replace,
        bom=bom,
        said=said,
    )


def confirm(
    decision: Annotated[
        list[str],
        typer.Argument(metavar="DECISION...", help="The decisions, by identifier, as the list writes them."),
    ],
    token_file: TokenFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Confirm a decision that somebody else wrote down for you; only your own token can."""
    from api.cli.triage import confirm as run

    run(decision, token_file=token_file, dry_run=dry_run, json=json)


def _said(
    standing: str | None,
    rule: str | None,
    direction: str | None,
    person: str | None,
    owner: str | None,
    team: str | None,
    recorded_in_error: bool | None,
    by: str | None,
) -> dict[str, str]:
    """Return what these options say, as the parameters of the address."""
    slip = None if recorded_in_error is None else str(recorded_in_error).lower()
    said = {
        "standing": standing, "rule": rule, "direction": direction, "person": person, "owner": owner, "team": team,
        "recorded_in_error": slip, "group_by": by,
    }  # fmt: skip
    return {name: text for name, text in said.items() if text is not None}
