"""What each event says about an item, for the fold: stored name to the facets that it sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
Pairs = tuple[tuple[str, Any], ...]


def _picked(body: Body, *keys: str) -> Body:
    return {key: body[key] for key in keys if key in body}


def _drafted(body: Body) -> Pairs:
    pairs: Pairs = (
        ("cycle", body["cycle"]),
        ("wording", _picked(body, "title", "description")),
        ("owner", body["owner"]),
        ("team", body.get("team")),
        ("standing", {"word": "draft"}),
    )
    origin = body.get("carried_from")
    return pairs if origin is None else (*pairs, ("carried_from", origin))


def _key_result_added(body: Body) -> Pairs:
    return (
        ("wording", {"title": body["title"]}),
        ("owner", body["owner"]),
        ("measure", body["measure"]),
        ("baseline", body.get("baseline")),
        ("target", body["target"]),
        ("weight", body["weight"]),
        ("ambition", body["ambition"]),
        ("ends_on", body.get("ends_on")),
        ("standing", {"word": "active"}),
    )


def _measure_changed(body: Body) -> Pairs:
    return (("measure", body["measure"]), ("baseline", body.get("baseline")), ("target", body["target"]))


def _checked_in(body: Body) -> Pairs:
    told = {}
    if "what_changed" in body:
        told["what_changed"] = body["what_changed"]
    if "needs_decision" in body:
        told["needs_decision"] = body["needs_decision"]
    if "confidence" in body:
        if "said" in body:
            return (("check_in", told), ("confidence", body["confidence"]), ("said", body["said"]))
        return (("check_in", told), ("confidence", body["confidence"]))
    return (("check_in", told), ("said", body["said"])) if "said" in body else (("check_in", told),)


def _standing(word: str, *keys: str) -> Callable[[Body], Pairs]:
    def pairs(body: Body) -> Pairs:
        return (("standing", {"word": word, **_picked(body, *keys)}),)

    return pairs


def _presence(word: str) -> Callable[[Body], Pairs]:
    def pairs(body: Body) -> Pairs:
        return (("presence", {"word": word, **_picked(body, "acting_owner", "expected_back_on")}),)

    return pairs


def _attribute(facet: str, key: str | None = None) -> Callable[[Body], Pairs]:
    name = key or facet

    def pairs(body: Body) -> Pairs:
        return ((facet, body.get(name)),)

    return pairs


def _nothing(_: Body) -> Pairs:
    return ()


SETTERS: dict[str, Callable[[Body], Pairs]] = {
    "objective.drafted": _drafted,
    "objective.reworded": lambda body: (("wording", _picked(body, "title", "description")),),
    "objective.reowned": _attribute("owner"),
    "objective.reteamed": _attribute("team"),
    "objective.aligned": lambda body: (("alignment", {"parent": body["parent"]}),),
    "objective.declared_local": lambda body: (("alignment", {"local": body["because"]}),),
    "objective.visibility_set": lambda body: (
        (
            "visibility",
            {"word": body["visibility"], **({"people": body["people"]} if body.get("people") else {})},
        ),
    ),
    "objective.committed": lambda body: (("standing", {"word": "committed"}), ("line", body)),
    "objective.replanned": lambda body: (("line", body),),
    "objective.moved_to_cycle": _attribute("cycle"),
    "objective.withdrawn": _standing("withdrawn"),
    "objective.replaced": _standing("replaced", "successor"),
    "objective.carried": _standing("carried", "successor", "into"),
    "objective.recorded_in_error": _standing("recorded_in_error"),
    "objective.closed": _standing("closed", "score"),
    "objective.noted_in_source": _attribute("source", "attributes"),
    "objective.decision_linked": _nothing,
    "key_result.added": _key_result_added,
    "key_result.reworded": lambda body: (("wording", {"title": body["title"]}),),
    "key_result.reowned": _attribute("owner"),
    "key_result.target_changed": _attribute("target"),
    "key_result.baseline_corrected": _attribute("baseline"),
    "key_result.measure_changed": _measure_changed,
    "key_result.weight_changed": _attribute("weight"),
    "key_result.redated": _attribute("ends_on"),
    "key_result.ambition_changed": _attribute("ambition"),
    "key_result.dropped": _standing("dropped"),
    "key_result.recorded_in_error": _standing("recorded_in_error"),
    "key_result.measured": lambda body: (("value", body["value"]),),
    "key_result.checked_in": _checked_in,
    "key_result.scored": _attribute("score"),
    "key_result.noted_in_source": _attribute("source", "attributes"),
    "person.joined": _presence("here"),
    "person.left": _presence("left"),
    "person.leave_started": _presence("on_leave"),
    "person.leave_ended": _presence("here"),
    "team.formed": lambda body: (
        ("name", body["name"]),
        ("parent", body.get("parent")),
        ("standing", {"word": "active"}),
    ),
    "team.renamed": _attribute("name"),
    "team.moved": _attribute("parent"),
    "team.closed": _standing("closed"),
    "entry.retracted": _nothing,
}
"""An event that says something of an objective, a key result, a person or a team, and the facets that it sets."""
