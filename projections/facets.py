"""Which facets an event sets: the one table of names from events to the attributes of an item.

A facet is one attribute with its own facts. Its code is stored; a code, once given, keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
Sets = tuple[tuple[str, Any], ...]

CODES: dict[str, int] = {
    name: code
    for code, name in enumerate(
        (
            "cycle", "wording", "owner", "team", "alignment", "standing", "line", "source", "carried_from", "measure",
            "baseline", "target", "weight", "ambition", "ends_on", "value", "confidence", "said", "check_in", "score",
            "presence", "name", "parent", "visibility",
        ),
        start=1,
    )
}  # fmt: skip
NAMES: dict[int, str] = {code: name for name, code in CODES.items()}

OBJECTIVE, KEY_RESULT, PERSON, TEAM = 1, 2, 3, 4
FACETS_OF_KIND: dict[int, tuple[str, ...]] = {
    OBJECTIVE: (
        "cycle", "wording", "owner", "team", "alignment", "standing", "line", "source", "carried_from",
        "visibility",
    ),
    KEY_RESULT: (
        "wording", "owner", "measure", "baseline", "target", "weight", "ambition", "ends_on", "standing", "value",
        "confidence", "said", "check_in", "score", "source",
    ),
    PERSON: ("presence",),
    TEAM: ("name", "parent", "standing"),
}  # fmt: skip

DEFINITION, VALUE, CHECK_IN = 0, 1, 2
"""The parts in which an item's state is kept: what it is, what was measured, what its owner said."""
PART_OF: dict[str, int] = {
    "value": VALUE, "check_in": CHECK_IN, "confidence": CHECK_IN, "said": CHECK_IN,
}  # fmt: skip

DAY_FACETS = frozenset({"value"})
"""Facets whose moments are days; all others have instants."""


def _wording(body: Body) -> Body:
    return {key: body[key] for key in ("title", "description") if key in body}


def _drafted(body: Body) -> Sets:
    sets: Sets = (
        ("cycle", body["cycle"]),
        ("wording", _wording(body)),
        ("owner", body["owner"]),
        ("team", body.get("team")),
        ("standing", {"word": "draft"}),
    )
    return (*sets, ("carried_from", body["carried_from"])) if "carried_from" in body else sets


def _committed(body: Body) -> Sets:
    return ("standing", {"word": "committed"}), ("line", body)


def _added(body: Body) -> Sets:
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


def _measured_otherwise(body: Body) -> Sets:
    return ("measure", body["measure"]), ("baseline", body.get("baseline")), ("target", body["target"])


def _checked_in(body: Body) -> Sets:
    said: Body = {}
    for key in ("what_changed", "needs_decision"):
        if key in body:
            said[key] = body[key]
    sets: list[tuple[str, Any]] = [("check_in", said)]
    sets += [(key, body[key]) for key in ("confidence", "said") if key in body]
    return tuple(sets)


def _formed(body: Body) -> Sets:
    return ("name", body["name"]), ("parent", body.get("parent")), ("standing", {"word": "active"})


def _one(facet: str, key: str) -> Callable[[Body], Sets]:
    return lambda body: ((facet, body.get(key)),)


def _word(facet: str, word: str, *keys: str) -> Callable[[Body], Sets]:
    return lambda body: ((facet, {"word": word, **{key: body[key] for key in keys if key in body}}),)


def _word_of(facet: str, named: str, *keys: str) -> Callable[[Body], Sets]:
    return lambda body: ((facet, {"word": body[named], **{key: body[key] for key in keys if body.get(key)}}),)


SETS: dict[str, Callable[[Body], Sets]] = {
    "objective.drafted": _drafted,
    "objective.reworded": lambda body: (("wording", _wording(body)),),
    "objective.reowned": _one("owner", "owner"),
    "objective.reteamed": _one("team", "team"),
    "objective.aligned": lambda body: (("alignment", {"parent": body["parent"]}),),
    "objective.declared_local": lambda body: (("alignment", {"local": body["because"]}),),
    "objective.visibility_set": _word_of("visibility", "visibility", "people"),
    "objective.committed": _committed,
    "objective.replanned": lambda body: (("line", body),),
    "objective.moved_to_cycle": _one("cycle", "cycle"),
    "objective.withdrawn": _word("standing", "withdrawn"),
    "objective.replaced": _word("standing", "replaced", "successor"),
    "objective.carried": _word("standing", "carried", "successor", "into"),
    "objective.recorded_in_error": _word("standing", "recorded_in_error"),
    "objective.closed": _word("standing", "closed", "score"),
    "objective.noted_in_source": _one("source", "attributes"),
    "key_result.added": _added,
    "key_result.reworded": lambda body: (("wording", _wording(body)),),
    "key_result.reowned": _one("owner", "owner"),
    "key_result.target_changed": _one("target", "target"),
    "key_result.baseline_corrected": _one("baseline", "baseline"),
    "key_result.measure_changed": _measured_otherwise,
    "key_result.weight_changed": _one("weight", "weight"),
    "key_result.redated": _one("ends_on", "ends_on"),
    "key_result.ambition_changed": _one("ambition", "ambition"),
    "key_result.dropped": _word("standing", "dropped"),
    "key_result.recorded_in_error": _word("standing", "recorded_in_error"),
    "key_result.measured": _one("value", "value"),
    "key_result.checked_in": _checked_in,
    "key_result.scored": _one("score", "score"),
    "key_result.noted_in_source": _one("source", "attributes"),
    "person.joined": _word("presence", "here"),
    "person.left": _word("presence", "left"),
    "person.leave_started": _word("presence", "on_leave", "acting_owner", "expected_back_on"),
    "person.leave_ended": _word("presence", "here"),
    "team.formed": _formed,
    "team.renamed": _one("name", "name"),
    "team.moved": _one("parent", "parent"),
    "team.closed": _word("standing", "closed"),
}
"""Stored name to the facets it sets, as (facet, new value); a name that is absent sets none."""

COMMITTED_FACETS = frozenset(
    {
        "cycle", "wording", "owner", "team", "alignment", "measure", "baseline", "target", "weight", "ambition",
        "ends_on", "standing",
    }
)  # fmt: skip
"""Facets that a line fixes: setting one of them after the line is drift."""

NOT_DRIFT = frozenset(
    {"objective.drafted", "objective.committed", "objective.closed", "objective.visibility_set"}
)
"""Events of objectives that are no change of a commitment: steps of the cycle, and who may see it."""


def changes(name: str, body: Body) -> Sets:
    """Return the facets of a commitment that an event after the line changes.

    An added key result is one change (of its standing); a new line is a change of `line`.
    """
    if name in NOT_DRIFT:
        return ()
    if name == "key_result.added":
        return (("standing", {"word": "active"}),)
    if name == "objective.replanned":
        return (("line", body),)
    setter = SETS.get(name)
    return tuple(pair for pair in setter(body) if pair[0] in COMMITTED_FACETS) if setter else ()
