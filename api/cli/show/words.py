"""The words in which figures, people and moments are shown; numbers stand as they were said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Body = Mapping[str, Any]


class Words:
    """Words for one answer: its people and teams, and the organisation's zone."""

    def __init__(self, body: Body, zone: ZoneInfo) -> None:
        self._people: Mapping[str, Any] = body.get("people", {})
        self._teams: Mapping[str, Any] = body.get("teams", {})
        self._sources: Mapping[str, Any] = body.get("sources", {})
        self._zone = zone
        self._references = {**dict(_references(body)), **body.get("references", {})}

    def person(self, actor: str | Mapping[str, Any] | None) -> str:
        """Return the name of a person or service; an identifier, an actor or an owner's row."""
        if actor is None:
            return "–"
        identifier = str(actor["id"] if isinstance(actor, Mapping) else actor).rpartition(":")[2]
        known = self._people.get(identifier)
        name = str(known.get("name") or identifier) if known else identifier
        presence = actor.get("presence") if isinstance(actor, Mapping) else None
        if presence == "left":
            return f"{name} (left)"
        if presence == "on_leave" and isinstance(actor, Mapping):
            acting = actor.get("acting_owner")
            return f"{name} (on leave{f', {self.person(acting)} acts' if acting else ''})"
        return name

    def item(self, identifier: str | None) -> str:
        """Return the reference of an objective or key result of this answer; else the identifier."""
        return "–" if identifier is None else self._references.get(identifier, identifier)

    def source(self, source: Mapping[str, Any]) -> str:
        """Return who wrote a source's version, which one it is, and what it was called by its author."""
        version = source["version"]
        subject = self._sources.get(source["name"], {}).get(version)
        called = f" “{subject}”" if subject else ""
        author = self.person(source.get("author")) if source.get("author") else "somebody"
        since = f", not before {self.moment(source['not_before'])}" if source.get("not_before") else ""
        doubt = f" [{source['doubt']}]" if source.get("doubt") else ""
        return f"{author} according to {source['name']}, version {version[:12]}{called}{since}{doubt}"

    def by(self, row: Mapping[str, Any]) -> str:
        """Return who recorded something and for whom, or who wrote it according to the source it came from."""
        source = row.get("source")
        behalf = f" for {self.person(row['on_behalf_of'])}" if row.get("on_behalf_of") else ""
        return (self.person(row["by"]) if source is None else self.source(source)) + behalf

    def team(self, identifier: str | None) -> str:
        """Return the name of a team."""
        if identifier is None:
            return "–"
        known = self._teams.get(identifier, {})
        name = known.get("name", identifier)
        return str(name["value"] if isinstance(name, Mapping) else name)

    def moment(self, text: str | None) -> str:
        """Return an instant as the organisation's clocks showed it, to the minute; a day as it is."""
        if text is None:
            return "–"
        if len(text) == 10:
            return text
        return f"{datetime.fromisoformat(text).astimezone(self._zone):%Y-%m-%d %H:%M}"

    def day(self, text: str | None) -> str:
        """Return the organisation's day of an instant."""
        return self.moment(text)[:10]

    def facet(self, facet: str, value: Any) -> str:
        """Return the value of a facet in words."""
        if value is None:
            return "that of the cycle" if facet == "ends_on" else "none"
        match facet:
            case "owner":
                return self.person(value)
            case "team":
                return self.team(value)
            case "alignment" if value.get("private"):
                return "serves what is private"
            case "visibility":
                people = ", ".join(map(self.person, value.get("people", ())))
                return people or {"team": "the team's tree"}.get(value["word"], value["word"])
            case "alignment":
                return (
                    f"local: {value['local']}" if "local" in value else f"serves {self.item(value['parent'])}"
                )
            case "wording":
                return f"“{value['title']}”"
            case "target":
                return target(value)
            case "measure":
                return (
                    f"{value['kind'].replace('_', ' ')}{f' ({unit})' if (unit := value.get('unit')) else ''}"
                )
            case "check_in":
                return check_in(value)
            case "standing" if isinstance(value, Mapping) and value.get("successor"):
                return f"{value['word'].replace('_', ' ')} by {self.item(value['successor'])}"
            case "said":
                return str(value).replace("_", " ")
            case "standing" | "presence":
                return str(value["word"] if isinstance(value, Mapping) else value).replace("_", " ")
            case "line":
                return f"line {value['line']}" if isinstance(value, Mapping) else f"line {value}"
        return plain(value)


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Give every identifier in a body that stands beside a reference."""
    if isinstance(value, Mapping):
        reference = value.get("reference")
        identifier = value.get("key_result") or value.get("objective") or value.get("id")
        if isinstance(reference, str) and isinstance(identifier, str):
            yield identifier, reference
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def plain(value: Any) -> str:
    """Return a value in words: yes and no, stages by name, everything else as said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none of the stages"
    if isinstance(value, Mapping):
        if "ciphertext" in value:
            return "(sealed)"
        return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items())
    return "none" if value is None else str(value)


def why(reason: Mapping[str, Any]) -> str:
    """Return a reason with its class."""
    return f"{reason['kind'].replace('_', ' ')}: {reason['text']}"


def check_in(value: Mapping[str, Any]) -> str:
    """Return the narratives of a check-in; erased ones are said to be so."""
    told = []
    for name, title in (("what_changed", "what changed"), ("needs_decision", "needs a decision")):
        if name in value:
            text = value[name].get("text")
            told.append(f"{title}: {text}" if text is not None else f"{title}: (erased)")
    return "; ".join(told)


def target(value: Mapping[str, Any]) -> str:
    """Return a target in words."""
    match value.get("kind"):
        case "point":
            return str(value["at"])
        case "band":
            return f"{value['low']}–{value['high']}"
        case "stages":
            return count(len(value["stages"]), "stage")
        case "steps":
            return f"{value['steps'][-1]['at']} in {len(value['steps'])} steps"
        case "done":
            return "done"
    return plain(value)


def aim(row: Mapping[str, Any]) -> str:
    """Return what a key result is to reach: `182 → 215 thousand`, `at least 92 %`."""
    measure, wanted = row["measure"], target(row["target"])
    unit = f" {measure['unit']}" if measure.get("unit") else ""
    match measure["kind"]:
        case "at_or_above":
            return f"at least {wanted}{unit}"
        case "at_or_below":
            return f"at most {wanted}{unit}"
        case "band":
            return f"within {wanted}{unit}"
        case "milestones":
            return wanted
        case "yes_no":
            return "to be done"
    if row["target"].get("kind") == "steps":
        return f"{row['baseline']} → {row['target']['steps'][-1]['at']}{unit} in {len(row['target']['steps'])} steps"
    return f"{row['baseline']} → {wanted}{unit}"


def percent(text: str | None) -> str:
    """Return a fraction as a percentage, rounded half to even for the eye alone."""
    if text is None:
        return "–"
    return f"{(Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_EVEN):f} %".replace("-", "−")


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def grouped(number: int) -> str:
    """Return a position with its thousands apart: 18 284."""
    return f"{number:,}".replace(",", " ")
