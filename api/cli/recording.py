"""`record` and `check-in`: commands from the command line, carried out by the same writer as those of the HTTP door."""

from __future__ import annotations

import re
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from aggregates.near import near, near_is, reference_of
from api.cli.codes import Code
from api.cli.faults import Fault, said_by_options
from api.cli.page import show, write_json
from api.cli.session import Session, opened, writer
from api.mistakes import A_VALUE

if TYPE_CHECKING:
    from api.commands import Door
    from api.receipts import Outcome
    from api.writing import Writer

LONGEST_LINE = 64 * 1024
_LABEL = r"\$[a-z][a-z0-9_]{0,39}"
"""What an earlier line may have made; a title such as `$5 for a loaf` is none."""
_PROMPTS = {
    "value": "Value today (empty: none)",
    "confidence": "Confidence that the target is met, 0.0 to 1.0",
    "what_changed": "What changed since last week (empty: nothing)",
    "needs_decision": "What needs a decision (empty: nothing)",
}
_A_VALUE = "A value is a number such as 1234.5, yes or no, or the names of finished stages with | between."
_SAID_BY = {
    "/value": "--value",
    "/measured_on": "--on",
    "/confidence": "--confidence",
    "/said": "--said",
    "/what_changed": "--what-changed",
    "/needs_decision": "--needs-decision",
}


def record(
    file: Path, *, token_file: Path | None, on_behalf_of: str | None, dry_run: bool, json: bool
) -> None:
    """Record the commands of a file, one after the other, until the first refusal."""
    with opened() as session:
        desk = Desk(session, writer(session, token_file), on_behalf_of)
        number = 0
        for number, line in _lines(file):
            try:
                told = _object(line)
                name = told.pop("as", None)
                outcome = desk.carry_out(told, dry_run=dry_run)
            except Exception as error:
                raise _at_line(number, error) from error
            if name is not None and not dry_run:
                desk.remember(str(name), outcome)
            if json:
                write_json(dict(outcome.body))
            else:
                show([sentence(outcome, dry_run=dry_run)])
        if not number:
            sys.stderr.write("There was no command to record; one is a JSON object on a line of its own.\n")


def check_in(
    key_result: str,
    *,
    answers: dict[str, str | None],
    token_file: Path | None,
    on_behalf_of: str | None,
    dry_run: bool,
    json: bool,
) -> None:
    """Check in on a key result; on a terminal the prompts ask for what is missing."""
    with opened() as session:
        actor = writer(session, token_file)
        if sys.stdin.isatty() and all(answers[name] is None for name in _PROMPTS):
            answers = {**answers, **_asked()}
        told: dict[str, Any] = {"command": "check_in", "key_result": reference_of(key_result) or key_result}
        names = {"on": "measured_on"}
        told |= {names.get(name, name): answer for name, answer in answers.items() if answer is not None}
        if "value" in told:
            told["value"] = _value(told["value"])
        try:
            with said_by_options(_SAID_BY):
                outcome = Desk(session, actor, on_behalf_of).carry_out(told, dry_run=dry_run)
        except Fault as fault:
            raise Fault(fault.code, fault.sentence.replace(A_VALUE, _A_VALUE)) from fault
        if json:
            write_json(dict(outcome.body))
        else:
            show([sentence(outcome, dry_run=dry_run)])


class Desk:
    """Hands commands to the writer, and remembers what earlier lines made."""

    def __init__(self, session: Session, actor: str, on_behalf_of: str | None) -> None:
        from api.found import Found
        from api.writing import Writer

        self._session = session
        self._actor = actor
        self._on_behalf_of = on_behalf_of
        self._writer: Writer = Writer(session.ledger, Found(session.everything()), session.engine)
        self._made: dict[str, str] = {}

    def carry_out(self, told: dict[str, Any], *, dry_run: bool) -> Outcome:
        """Carry out one command: its fields, with `command` saying which."""
        from api.writing import Asked

        door = self._door(told)
        try:
            fields = {key: self._filled(value) for key, value in told.items() if key != "command"}
        except RecursionError as error:
            raise Fault(Code.REFUSED, "This command is nested too deeply.") from error
        names = {}
        for name in door.names:
            given = fields.pop(name, None)
            given = fields.pop(door.gives[name], None) if given is None else given
            if given is None:
                raise Fault(Code.REFUSED, f"{door.command} needs {name}. (at /{name})")
            names[name] = str(given)
        if "key_result" in names:
            fields.pop("objective", None)
        asked = Asked(
            door=door,
            path=door.path.format(**names),
            names=names,
            content=_written(fields),
            content_type="application/json",
            by=self._actor,
            request=self._session.ledger.new_id(),
            dry_run=dry_run,
            on_behalf_of=self._on_behalf_of,
            door_name="command line",
        )
        return self._writer.carry_out(asked)

    def remember(self, name: str, outcome: Outcome) -> None:
        """Let later lines say `$name` for what this one made."""
        identifiers: Mapping[str, str] = outcome.body["identifiers"]
        references: Mapping[str, str] = outcome.body["references"]
        made = next(iter(references), None) or next(iter(identifiers.values()), None)
        if made is None:
            raise Fault(Code.REFUSED, f"This command makes nothing that {name!r} could name.")
        self._made[name] = made

    def _door(self, told: Mapping[str, Any]) -> Door:
        from api.commands import DOORS

        if "command" not in told:
            raise Fault(Code.REFUSED, "This line names no command; write its name there. (at /command)")
        command = told["command"]
        found = [door for door in DOORS if door.command == command]
        if not found:
            known = sorted({door.command for door in DOORS})
            others = near_is(near(str(command), known)) or f"there are {', '.join(known)}"
            raise Fault(Code.REFUSED, f"There is no command {command!r}; {others}. (at /command)")
        return next((door for door in found if set(door.gives) & set(told)), found[0])

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str) and re.fullmatch(_LABEL, value):
            if value[1:] not in self._made:
                raise Fault(Code.REFUSED, f"No earlier line makes {value!r}.")
            return self._made[value[1:]]
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        return value


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not empty, with their numbers."""
    source = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    with source:
        number = 0
        while line := source.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise Fault(Code.REFUSED, f"Line {number}: a command has at most {LONGEST_LINE} bytes.")
            if line.strip():
                yield number, line


def _written(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise Fault(Code.REFUSED, "This command is nested too deeply.") from error


def _object(line: bytes) -> dict[str, Any]:
    line = line.removeprefix(BOM_UTF8)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise Fault(Code.REFUSED, "This is not UTF-8; save the file as UTF-8.") from error
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Fault(Code.REFUSED, f"This is not JSON: {error}.") from error
    if not isinstance(told, dict):
        raise Fault(Code.REFUSED, 'A command is one JSON object with its name under "command".')
    return told


def _at_line(number: int, error: Exception) -> Exception:
    """Return the fault with its line in front; what nobody expected stays as it is."""
    from api.cli.faults import describe

    fault = describe(error)
    return error if fault is None else Fault(fault.code, f"Line {number}: {fault.sentence}")


def _asked() -> dict[str, str | None]:
    import typer

    asked = {
        name: typer.prompt(prompt, default="", show_default=False, err=True)
        for name, prompt in _PROMPTS.items()
    }
    return {name: answer or None for name, answer in asked.items()}


def _value(text: str) -> Any:
    """Return a value as a body carries it: yes and no as booleans, stages as a list, everything else as it is."""
    if text.casefold() in ("yes", "no"):
        return text.casefold() == "yes"
    if re.match(r"\s*[-+.]?\d", text) and "|" not in text:
        return text
    return [stage.strip() for stage in text.split("|") if stage.strip()]


def _identified(body: Mapping[str, Any]) -> str:
    """Return the identifier of what has no reference: a person, a team, a decision that this command made."""
    made = {"person.joined": "person", "team.formed": "team", "decision.recorded": "decision"}
    kinds = [made[name] for name in body["events"] if name in made]
    return ", ".join(f"{kind} {body['identifiers'][kind]}" for kind in kinds if kind in body["identifiers"])


def sentence(outcome: Outcome, *, dry_run: bool) -> str:
    """Return what was recorded, in one line."""
    body = outcome.body
    if dry_run:
        told = Counter(event["name"] for event in body["events"]).items()
        names = ", ".join(f"{number:,} × {name}" if number > 1 else name for name, number in told)
        return f"would record: {names or 'nothing'}"
    if not body["events"]:
        return "nothing to record"
    first, last = body["first_position"], body["position"]
    place = f"position {last}" if first == last else f"positions {first} to {last}"
    made = ", ".join(body["references"]) or _identified(body)
    behind = "; the projections are behind" if body.get("projection") == "behind" else ""
    return f"{place}: {', '.join(dict.fromkeys(body['events']))}{f' ({made})' if made else ''}{behind}"
