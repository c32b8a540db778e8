"""A ledger with objectives that are not for everyone: who sees what, and all by which an answer could betray it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from api.openapi import description
from tests.api.conftest import House

REASON = {"kind": "scope", "text": "We do less."}
EVERYBODY = ("ada", "ines", "tom", "rita", "fay", "uta", "olaf", "mia", "tia")
"""A steward, the owner of what is hidden, another one, a reader, a facilitator, an auditor, an operator, somebody who
is named, somebody in the tree of its team."""
SEES: dict[str, frozenset[str]] = {
    "people": frozenset({"ada", "ines", "uta", "mia"}),
    "team": frozenset({"ada", "ines", "uta", "tia"}),
}
READS = frozenset(EVERYBODY) - {"olaf"}


@dataclass
class Hidden:
    """One objective that is not for everyone, and all by which an answer could give it away."""

    visibility: str
    reference: str
    objective: str
    key_result: str
    decision: str
    secrets: set[str] = field(default_factory=set)


@dataclass
class Told:
    """What stands in the ledger."""

    hidden: list[Hidden]
    visible: str
    before: int


@pytest.fixture(scope="module")
def told(house: House) -> Told:
    """Two hidden objectives, each with a line, a change, a check-in, a decision and a finding; one that serves them."""
    for name, role in (("fay", "facilitator"), ("uta", "auditor"), ("olaf", "operator"), ("mia", "reader")):
        house.join(name, role)
    house.join("tia", "reader")
    top = house.post("/v1/teams", {"name": "Roastery"})["identifiers"]["team"]
    team = house.post("/v1/teams", {"name": "Ovens", "parent": top})["identifiers"]["team"]
    house.post(f"/v1/teams/{top}/members", {"person": "tia"})
    visible, _ = house.objective("now", title="Everybody knows this")
    hidden = [_hidden(house, visibility, team, visible) for visibility in SEES]
    other, _ = house.objective("now", title="It serves what is hidden")
    house.post(f"/v1/objectives/{other}/alignments", {"parent": hidden[0].reference, "reason": REASON})
    position = house.ledger.head().position
    shown = {"people": {"visibility": "people", "people": ["mia"]}, "team": {"visibility": "team"}}
    for one in hidden:
        house.post(f"/v1/objectives/{one.reference}/visibilities", shown[one.visibility], by="ines")
    return Told(hidden, visible, position)


def _hidden(house: House, visibility: str, team: str, visible: str) -> Hidden:
    title = f"Nightfall {visibility}"
    reference, key_result = house.objective("now", title=title)
    house.post(f"/v1/objectives/{reference}/teams", {"team": team, "reason": REASON})
    house.post(f"/v1/key-results/{key_result}/wordings", {"title": f"Depth {visibility}", "reason": REASON})
    house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "70", "confidence": "0.5"}, by="ines")
    decided = house.post(
        "/v1/decisions",
        {"text": f"Dusk {visibility}", "decided_by": "ines", "touches": [reference, visible]},
    )["identifiers"]["decision"]
    weighed = {"weight": "2", "reason": REASON, "decision": decided}
    house.post(f"/v1/key-results/{key_result}/weight-changes", weighed)
    bare = house.get(f"/v1/objectives/{reference}")
    (identifier,) = bare["key_results"]
    secrets = {title, f"Depth {visibility}", f"Dusk {visibility}", decided, bare["objective"], identifier}
    names = {rf"\b{name}\b" for name in (reference, key_result)}
    return Hidden(
        visibility, reference, bare["objective"], key_result, decided, {*map(re.escape, secrets), *names}
    )


def addresses(told: Told) -> Iterator[str]:
    """Give every address of the description that answers a question, with names of what everybody sees."""
    names = {
        "cycle": "now",
        "objective": told.visible,
        "key_result": "KR-1",
        "person": "ines",
        "code": "fault",
    }
    for path, item in description()["paths"].items():
        if "get" in item and path not in ("/v1/stream", "/v1/openapi.json"):
            if "{decision}" in path or "{team}" in path or "{service}" in path or "{position}" in path:
                continue
            yield re.sub(r"{(\w+)}", lambda match: names[match[1]], path)


def betrays(body: bytes, hidden: Hidden) -> set[str]:
    text = body.decode("utf-8", "replace")
    return {secret for secret in hidden.secrets if re.search(secret, text)}
