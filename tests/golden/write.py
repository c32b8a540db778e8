"""Writes `events.jsonl` for stored names that are not in it yet; a line once written is never written again.

Run it with `python -m tests.golden.write` after a stored name was added. The sealed texts are placeholders of the
one test key, named `strategy-ledger-test-master-key`; they open with nothing.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from aggregates.entry import Circumstances, Event, Idempotency, Reason, Source
from aggregates.policy import DEFAULT_POLICY
from aggregates.vocabulary import EVENTS
from ledger.codec import RawEntry, encode, export_line, read_line

FILE = Path(__file__).with_name("events.jsonl")
START = datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)


def identifier(number: int) -> UUID:
    """Return a fixed identifier in the shape of a UUIDv7."""
    return UUID(int=(0x019B8D627A80 << 80) | (7 << 76) | (2 << 62) | number)


PERSON, OTHER, OBJECTIVE, KEY_RESULT, TEAM, DECISION, TEST_KEY = (
    identifier(number) for number in range(1, 8)
)
SEALED = {
    "author": PERSON,
    "key_id": TEST_KEY,
    "commitment": "5e" * 32,
    "ciphertext": b64encode(b"a placeholder of the key strategy-ledger-test-master-key").decode(),
}
POINT = {"kind": "point", "at": "99.5"}
MEASURE = {"kind": "increase", "unit": "%", "indicator": "lagging", "path": "straight"}
STAGES = [{"name": "Alpha", "weight": "0.4"}, {"name": "Bêta", "weight": "0.6"}]
STEPS = [{"on": "2026-04-30", "at": "-0.5"}, {"on": "2026-06-30", "at": "1000000"}]
KR: dict[str, Any] = {"key_result": KEY_RESULT}
TEXT = "Ein Satz mit Ümläuten,\nund einer zweiten Zeile – „so“."
LINES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "ledger.created": ("organisation", [
        {"ledger": identifier(9), "organisation": "Exämple", "zone": "Europe/Berlin", "demonstration": True}]),
    "policy.adopted": ("organisation", [{"version": 1, "policy": DEFAULT_POLICY}]),
    "person.joined": ("person", [{}]),
    "person.left": ("person", [{}]),
    "person.leave_started": ("person", [{"acting_owner": OTHER, "expected_back_on": "2026-09-01"}]),
    "person.leave_ended": ("person", [{}]),
    "access.role_granted": ("person", [{"role": "steward"}]),
    "access.role_revoked": ("person", [{"role": "facilitator"}]),
    "access.delegation_granted": ("person", [{"principal": OTHER}]),
    "access.delegation_revoked": ("person", [{"principal": OTHER}]),
    "service.registered": ("service", [{"name": "Importer"}]),
    "team.formed": ("team", [{"name": "Growth", "parent": OTHER}]),
    "team.renamed": ("team", [{"name": "Wachstum"}]),
    "team.moved": ("team", [{"parent": OTHER}]),
    "team.member_added": ("team", [{"person": PERSON}]),
    "team.member_removed": ("team", [{"person": PERSON}]),
    "team.closed": ("team", [{}]),
    "cycle.planned": ("cycle", [{
        "key": "2026-q2", "name": "Second quarter", "kind": "quarter", "starts_on": "2026-04-01",
        "commit_by": "2026-04-10", "ends_on": "2026-06-30", "parent": "2026"}]),
    "cycle.commit_by_moved": ("cycle", [{"commit_by": "2026-04-20"}]),
    "cycle.opened": ("cycle", [{}]),
    "cycle.opening_voided": ("cycle", [{"opening": 16}]),
    "cycle.scoring_started": ("cycle", [{}]),
    "cycle.closed": ("cycle", [{}]),
    "cycle.reopened": ("cycle", [{}]),
    "objective.drafted": ("objective", [{
        "reference": "OBJ-142", "cycle": "2026-q2", "title": "Grow", "description": TEXT, "owner": PERSON,
        "team": TEAM, "carried_from": OTHER}]),
    "objective.reworded": ("objective", [{"title": "Grow more", "description": TEXT}]),
    "objective.reowned": ("objective", [{"owner": OTHER}]),
    "objective.reteamed": ("objective", [{"team": TEAM}]),
    "objective.aligned": ("objective", [{"parent": OTHER}]),
    "objective.declared_local": ("objective", [{"because": TEXT}]),
    "objective.visibility_set": ("objective", [
        {"visibility": "everyone"}, {"visibility": "team"}, {"visibility": "people", "people": (PERSON, OTHER)}]),
    "objective.committed": ("objective", [{
        "confidence": "0.7", "accepted_by": OTHER, "policy": 1, "synthesised": True, "no_record_at_start": True}]),
    "objective.replanned": ("objective", [{"line": 2, "confidence": "0.5", "accepted_by": OTHER, "policy": 1}]),
    "objective.moved_to_cycle": ("objective", [{"cycle": "2026-q3"}]),
    "objective.withdrawn": ("objective", [{}]),
    "objective.replaced": ("objective", [{"successor": OTHER}]),
    "objective.carried": ("objective", [{"successor": OTHER, "into": "2026-q3"}]),
    "objective.recorded_in_error": ("objective", [{}]),
    "objective.closed": ("objective", [{"score": "0.65"}]),
    "objective.noted_in_source": ("objective", [{"attributes": {"Notes": TEXT}}]),
    "objective.decision_linked": ("objective", [{"decision": DECISION}]),
    "key_result.added": ("objective", [{
        **KR, "reference": "KR-311", "title": "Reach 99.5 %", "owner": PERSON, "measure": MEASURE, "baseline": "0.25",
        "target": POINT, "weight": "2", "ambition": "aspirational", "ends_on": "2026-05-31"}]),
    "key_result.reworded": ("objective", [{**KR, "title": "Reach 99 %"}]),
    "key_result.reowned": ("objective", [{**KR, "owner": OTHER}]),
    "key_result.target_changed": ("objective", [
        {**KR, "target": target}
        for target in (
            POINT, {"kind": "band", "low": "-1", "high": "0.000001"}, {"kind": "stages", "stages": STAGES},
            {"kind": "done"}, {"kind": "steps", "steps": STEPS},
        )]),
    "key_result.baseline_corrected": ("objective", [{**KR, "baseline": "0"}]),
    "key_result.measure_changed": ("objective", [{**KR, "measure": MEASURE, "baseline": "1", "target": POINT}]),
    "key_result.weight_changed": ("objective", [{**KR, "weight": "0.5"}]),
    "key_result.redated": ("objective", [{**KR, "ends_on": "2026-06-15"}]),
    "key_result.ambition_changed": ("objective", [{**KR, "ambition": "committed"}]),
    "key_result.dropped": ("objective", [KR]),
    "key_result.recorded_in_error": ("objective", [KR]),
    "key_result.measured": ("objective", [
        {**KR, "value": value} for value in ("-999999999999999.999999", "0", True, False, ("Alpha", "Bêta"), ())]),
    "key_result.checked_in": ("objective", [
        {**KR, "confidence": "0.3", "said": "behind", "what_changed": SEALED, "needs_decision": SEALED}]),
    "key_result.scored": ("objective", [{**KR, "score": "1"}]),
    "key_result.noted_in_source": ("objective", [{**KR, "attributes": {"Priority": "P0"}}]),
    "entry.retracted": ("objective", [{}]),
    "decision.recorded": ("decision", [{
        "text": TEXT, "decided_by": OTHER, "decided_at": START - timedelta(days=1), "touches": (OBJECTIVE,),
        "ratifies": (40, 41)}]),
    "decision.confirmed": ("decision", [{}]),
    "finding.answered": ("objective", [
        {"rule": "change_without_decision", "cause": 40, "answer": "explained", "text": TEXT}]),
}  # fmt: skip
"""Stored name to the kind of its stream and the bodies of its lines."""

IDENTIFIERS = {
    "organisation": "", "person": PERSON, "service": OTHER, "team": TEAM, "cycle": "2026-q2",
    "objective": OBJECTIVE, "decision": DECISION,
}  # fmt: skip


def circumstances(event: Event, number: int) -> Circumstances:
    """Return circumstances in which every field is filled."""
    return Circumstances(
        by=f"service:{OTHER}",
        request=identifier(1000 + number),
        on_behalf_of=f"person:{PERSON}",
        effective_at=date(2026, 4, 2) if event.valued else START - timedelta(hours=1),
        reason=Reason(kind="measurement_fault", text=TEXT),
        decision=DECISION,
        source=Source(
            name="repository", version="0f3c", row="12", author=OTHER, not_before=START - timedelta(days=7),
            doubt="Reworded, or dropped and added?",
        ),
        idempotency=Idempotency(key="import-0f3c-12", fingerprint="ab" * 32),
        supersedes=7,
    )  # fmt: skip


def lines_of(name: str, first: int) -> list[bytes]:
    """Return the native lines of one stored name, numbered from `first`."""
    kind, bodies = LINES[name]
    stream = f"{kind}:{IDENTIFIERS[kind]}".rstrip(":")
    lines = []
    for number, body in enumerate(bodies, first):
        event = EVENTS[name].model_validate(body)
        data = encode(stream, number, circumstances(event, number), event)
        recorded_at = START + timedelta(microseconds=number)
        lines.append(export_line(RawEntry(number, recorded_at, stream, number, name, data)))
    return lines


def main() -> None:
    """Append the lines of stored names that the file does not hold yet."""
    lines = FILE.read_bytes().splitlines() if FILE.exists() else []
    held = {read_line(line).name for line in lines}
    for name in EVENTS:
        if name not in held:
            lines += lines_of(name, len(lines) + 1)
    FILE.write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    main()
