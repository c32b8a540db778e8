"""One question of the command line: asked, then shown as JSON or as a page with its footer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from aggregates.near import reference_of
from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.files import refuse_taken
from api.cli.page import Block, show
from api.cli.place import PLACE
from api.cli.session import Session, opened
from api.cli.show.words import grouped
from api.cli.writing_out import chosen_form, write_out

if TYPE_CHECKING:
    from replay.questions import Question, Reader

_PAGES: dict[str, tuple[str, str]] = {
    "cycles": ("lists", "cycles"),
    "people": ("lists", "people"),
    "teams": ("lists", "teams"),
    "policy": ("lists", "policy"),
}


def answer(
    question: str,
    subject: str | None,
    *,
    as_of: str | None,
    effective_at: str | None,
    json: bool,
    form: str | None = None,
    out: Path | None = None,
    replace: bool = False,
    bom: bool = False,
    said: Mapping[str, str] | None = None,
    **how: Any,
) -> None:
    """Ask one question and show its answer, or write it out in a form; `said` chooses among its rows."""
    chosen = chosen_form(form, out, json=json, bom=bom)
    refuse_taken(out, replace=replace)
    with opened() as session:
        reader = session.reader()
        asked = refined(session, reader, ask(question, subject), said or {}, session.actor)
        answered = session.ask(reader, asked, subject, as_of=as_of, effective_at=effective_at)
        if chosen is not None:
            zone = session.ledger.zone
            write_out(
                chosen,
                out,
                asked,
                answered.body,
                reader,
                zone,
                replace=replace,
                bom=bom,
                name="the command line",
            )
            return
        blocks = page_of(question)(named(answered.body, reader), session.ledger.zone, **how)
        below = footer(question, subject, answered.body["basis"], asked.chosen())
        show([*blocks, *withheld(answered.body), "", *below])


def withheld(body: Mapping[str, Any]) -> list[Block]:
    """Return how much of the answer is private: it is not shown to whoever asks."""
    private = body.get("private")
    if not isinstance(private, int) or not private:
        return []
    return ["", "1 is private." if private == 1 else f"{private} are private."]


def refined(
    session: Session, reader: Reader, question: Question, said: Mapping[str, str], actor: str | None
) -> Question:
    """Return the question with what chooses among its rows: people and teams as called, `me` is the token's."""
    if not said:
        return question
    if actor is None and "me" in said.values():
        raise Fault(
            Code.NOT_ALLOWED,
            "Without a token nobody is `me`: set STRATEGY_LEDGER_TOKEN or give --token-file FILE.",
            name="token_is_missing",
        )
    from api.found import Found
    from api.naming import Names
    from api.triage import refined as with_said

    names = Names(session.ledger, Found(reader, reader.sight))
    return with_said(question, said, names, None if actor is None else str(actor))


def named(body: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """Return the body with the teams' names and the references of parents and successors, for people's eyes only."""
    if "teams" not in body:
        basis = body["basis"]
        asked = reader.ask(
            ask("teams", None), as_of=str(basis["position"]), effective_at=basis["effective_at"]
        )
        body = {**body, "teams": asked.body["teams"]}
    references: dict[str, str] = dict(body.get("references", {}))
    for identifier in sorted(set(_named_items(body)) - set(references)):
        references[identifier] = str(reader.bare(f"objective:{identifier}").get("reference", identifier))
    return {**body, "references": references}


def _named_items(value: Any) -> Iterator[str]:
    """Give the identifiers of the parents and successors in a body."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "teams":
                continue
            if name in ("parent", "successor") and isinstance(inner, str) and len(inner) == 36:
                yield inner
            else:
                yield from _named_items(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_items(inner)


def ask(question: str, subject: str | None) -> Question:
    """Return the question that these words ask; a subject is a cycle or an item."""
    from replay import questions as known

    cycle, item = scope(subject)
    match question:
        case "cycles":
            return known.CyclesList()
        case "people":
            return known.PeopleList()
        case "teams":
            return known.TeamsList()
        case "policy":
            return known.PolicyOf()
        case "board":
            return known.BoardOf(subject or "")
        case "commitments":
            return known.CommitmentsOf(subject or "")
        case "drift":
            return known.DriftOf(cycle, item)
        case "history":
            return known.HistoryOf(item or subject or "")
        case "decisions":
            return known.DecisionsOf(cycle, item)
        case "findings":
            return known.FindingsOf(cycle, item)
    raise ValueError(f"There is no question {question}.")


def scope(subject: str | None) -> tuple[str | None, str | None]:
    """Return (cycle, None) or (None, item): items are references in capitals, or identifiers."""
    if subject is None:
        return None, None
    if (reference := reference_of(subject, hyphened=True)) is not None:
        return None, reference
    if len(subject) == 36 and subject.count("-") == 4:
        return None, subject
    return subject, None


def page_of(question: str) -> Callable[..., list[Block]]:
    """Return the function that shows the answers of a question."""
    module, name = _PAGES.get(question, (question, "page"))
    found: Callable[..., list[Block]] = getattr(import_module(f"api.cli.show.{module}"), name)
    return found


_OPTIONS = {"group_by": "--by"}
_SWITCHES = {
    "recorded_in_error": ("--recorded-in-error", "--not-recorded-in-error"),
    "to_confirm": ("--to-confirm", ""),
}


def footer(
    question: str, subject: str | None, basis: dict[str, Any], chosen: Mapping[str, str] | None = None
) -> list[Block]:
    """Return the basis, and the same question as an address and as a command line, both good for ever."""
    position, day, chosen = basis["position"], basis["effective_at"], chosen or {}
    asked = urlencode({"as_of": position, "effective_at": day, **chosen})
    words = [question, *([subject] if subject else []), "--as-of", str(position), "--effective-at", day]
    for name, text in chosen.items():
        if name in _SWITCHES:
            words.append(_SWITCHES[name][text == "false"])
        else:
            words += [_OPTIONS.get(name, f"--{name.replace('_', '-')}"), text]
    return [
        f"position {grouped(position)} · effective {day} · policy {basis['policy_version']} · "
        f"reading {basis['reading_version']} · redactions {basis['redactions']} · ledger {basis['ledger']}",
        f"JSON   GET {address(question, subject)}?{asked}",
        f"again  {PLACE.command(*words)}",
    ]


def address(question: str, subject: str | None) -> str:
    """Return the address at which the HTTP door answers the same question."""
    if subject is None:
        return f"/v1/{question}"
    cycle, item = scope(subject)
    if item is None:
        return f"/v1/cycles/{quote(cycle or '')}/{question}"
    kind = "key-results" if item.startswith("KR-") else "objectives"
    return f"/v1/{kind}/{quote(item)}/{question}"
