"""From a body to a command: names become identifiers, what is new gets its own, personal text is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from aggregates.command import Command
from aggregates.commands import COMMANDS
from aggregates.entry import Recorded, Sealed
from aggregates.refusals import KeyResultIsUnknown, ObjectiveIsUnknown
from aggregates.values import TEXT_LENGTH, clean_text
from api.bodies import MADE, Means, meaning_of
from api.commands import Door
from api.mistakes import found_in
from api.naming import Names
from api.problems import BodyIsInvalid, Mistake
from api.references import HeldReferences
from ledger.store import Ledger

_NAMED_IN_CONTENT = frozenset({Means.PERSON, Means.TEAM, Means.OBJECTIVE, Means.PERSONAL})


class Composer:
    """Builds one command; made for one request, because it remembers what the request itself makes."""

    def __init__(self, ledger: Ledger, names: Names, by: str, *, dry: bool = False) -> None:
        self._ledger = ledger
        self._dry = dry
        self._names = names
        self._author = UUID(by.partition(":")[2])
        self._labels: dict[str, UUID | tuple[UUID, UUID]] = {}
        self._references = HeldReferences(ledger.next_reference)

    def compose(self, door: Door, given: Mapping[str, Any], body: BaseModel) -> Command:
        """Return the command that this body asks for at this door.

        `given` holds the command's fields that the address names, as identifiers. Raises a Refusal for a name that
        nobody here bears, BodyIsInvalid where the command itself refuses its fields.
        """
        position = given.get("position")
        values = self._values(door.command_type, body, "", position if isinstance(position, int) else None)
        values.update(given)
        self._make(door.command_type, values)
        if door.command == "replan" and values.get("text") is not None and values.get("decision") is None:
            values["decision"] = self._ledger.new_id()
        return built(door.command_type, values, "")

    def _values(
        self, command: type[Command], body: BaseModel, at: str, position: int | None = None
    ) -> dict[str, Any]:
        """Return the fields of a command that its body says, as the command wants them.

        `position` is the entry that an amendment supersedes.
        """
        values: dict[str, Any] = {}
        for name in type(body).model_fields:
            if name not in command.model_fields:
                continue
            sent = getattr(body, name)
            means = meaning_of(command, name)
            field = f"{at}/{name}"
            if sent is None or means is Means.PLAIN:
                if name in body.model_fields_set:
                    values[name] = sent
            elif means is Means.CHANGES:
                values[name] = [self._change(change, f"{field}/{index}") for index, change in enumerate(sent)]
            elif means is Means.LINES:
                values[name] = [self._line(line, f"{field}/{index}") for index, line in enumerate(sent)]
            elif means is Means.CARRIED:
                values[name] = [self._carried(text, f"{field}/{index}") for index, text in enumerate(sent)]
            elif isinstance(sent, tuple):
                values[name] = [
                    self._name(means, text, f"{field}/{index}") for index, text in enumerate(sent)
                ]
            else:
                values[name] = self._name(means, sent, field)
        if command.model_fields.keys() >= {"position", "body"}:
            values["body"] = self._content(values["body"], position)
        return values

    def _name(self, means: Means, text: str, field: str) -> Any:
        if means is Means.PERSONAL:
            return self._sealed(_checked(text, field))
        if text.startswith("$"):
            return self._labelled(means, text, field)
        return self._names.resolve(means, text, field)

    def _labelled(self, means: Means, text: str, field: str) -> UUID:
        made = self._labels.get(text[1:])
        if made is None:
            unknown = KeyResultIsUnknown if means is Means.KEY_RESULT else ObjectiveIsUnknown
            raise unknown(f"No earlier change of this command makes {text!r}.", field=field)
        return made[1] if isinstance(made, tuple) else made

    def _change(self, change: BaseModel, at: str) -> Command:
        """Return one change of a decision; what it makes can be named by the changes after it."""
        command = COMMANDS[str(getattr(change, "command"))]  # noqa: B009 (the model is made at run time)
        values = self._values(command, change, at)
        if "key_result" in values and "objective" not in values:
            values["objective"], values["key_result"] = self._key_result(change, at)
        made = self._make(command, values)
        label = getattr(change, "label", None)
        if label is not None and made is not None:
            self._labels[label] = made if "key_result" not in values else (values["objective"], made)
        return built(command, values, at)

    def _key_result(self, change: BaseModel, at: str) -> tuple[UUID, UUID]:
        text = str(getattr(change, "key_result"))  # noqa: B009
        made = self._labels.get(text[1:]) if text.startswith("$") else None
        return made if isinstance(made, tuple) else self._names.key_result(text, f"{at}/key_result")

    def _line(self, line: Any, at: str) -> dict[str, Any]:
        values: dict[str, Any] = {"objective": self._name(Means.OBJECTIVE, line.objective, f"{at}/objective")}
        if line.confidence is not None:
            values["confidence"] = line.confidence
        if line.accepted_by is not None:
            values["accepted_by"] = self._name(Means.PERSON, line.accepted_by, f"{at}/accepted_by")
        return values

    def _carried(self, text: str, at: str) -> dict[str, Any]:
        return {
            "key_result": self._names.key_result(text, at)[1],
            "successor": self._ledger.new_id(),
            "reference": self._references.place("KR"),
        }

    def _content(self, body: Mapping[str, Any], position: int | None) -> dict[str, Any]:
        """Return the content of an amendment with names resolved and personal text sealed.

        Sealed text that comes from outside is taken only as it stands in the entry: nobody can know that it opens.
        """
        content: dict[str, Any] = {}
        amended = None if position is None else self._ledger.entry(position)
        if amended is not None and self._names.sight.hides(amended.stream):
            amended = None
        before = {} if amended is None else orjson.loads(amended.data)["body"]
        for name, sent in body.items():
            means = meaning_of(BaseModel, name)
            texts = sent if isinstance(sent, list) else [sent]
            if means is Means.PERSONAL and not (isinstance(sent, str) or sent in (None, before.get(name))):
                raise BodyIsInvalid(mistakes=[Mistake(f"/body/{name}", "Send this text in clear.")])
            if means in _NAMED_IN_CONTENT and texts and all(isinstance(text, str) for text in texts):
                found = [self._name(means, text, f"/body/{name}") for text in texts]
                content[name] = found if isinstance(sent, list) else found[0]
            else:
                content[name] = sent
        return content

    def _make(self, command: type[Command], values: dict[str, Any]) -> UUID | None:
        """Give what is new its identifier and its reference; return the identifier."""
        made: UUID | None = None
        for name, kind in MADE.get(command.command_name, {}).items():
            if kind == "id":
                made = values[name] = self._ledger.new_id()
            else:
                values[name] = self._references.place(kind)
        return made

    def referenced(self, recorded: Sequence[Recorded]) -> Sequence[Recorded]:
        """Return what an allowed command records, with its references drawn; a dry run draws none."""
        return recorded if self._dry else self._references.referenced(recorded)

    def _sealed(self, text: str) -> Sealed:
        """Return personal text sealed by its author's key; a dry run makes and uses no key."""
        if not self._dry:
            return self._ledger.keys.seal(self._author, text)
        return Sealed(author=self._author, key_id=self._author, commitment="0" * 64, ciphertext="AA==")


def _checked(text: str, field: str) -> str:
    """Return personal text as every text is checked; what amends an entry has come here unread."""
    try:
        return clean_text(text.replace("\r\n", "\n"), longest=TEXT_LENGTH, newlines=True)
    except PydanticCustomError as error:
        raise BodyIsInvalid(mistakes=[Mistake(field, error.message(), error.type)]) from error


def built(command: type[Command], values: Mapping[str, Any], at: str) -> Command:
    """Return the command; its own faults become those of the body."""
    try:
        return command.model_validate(dict(values))
    except ValidationError as error:
        raise BodyIsInvalid(mistakes=mistakes_of(error, command, at)) from error


def mistakes_of(error: ValidationError, model: type[BaseModel], at: str = "") -> list[Mistake]:
    """Return what is wrong with a body, each with its JSON Pointer."""
    return [Mistake(at + found.pointer, found.sentence, found.code) for found in found_in(error, model)]
