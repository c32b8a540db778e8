"""How a page of entries becomes findings: what the rules look at is read set by set, then the rows are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from projections import base, causes, facets, states
from projections.base import Generation, PlainEntry
from projections.causes import Context, CycleDays
from projections.writes import copy_text

_COPY = """copy {findings} (rule, cause, objective, key_result, cycle, name, recorded_at, effective, effective_at, by,
                            on_behalf_of, reason, decision, source, detail, superseded_at) from stdin"""
_COPY_ANSWERS = """copy {finding_answers} (rule, cause, position, recorded_at, by, on_behalf_of, answer, text,
                                           superseded_at) from stdin"""
_COPY_RATIFIED = "copy {finding_ratifications} (cause, decision, position, recorded_at) from stdin"
_SUPERSEDE_FINDINGS = """update {findings} f
                            set superseded_at = s.by
                           from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                          where f.cause = s.position and f.superseded_at = 9223372036854775807"""
_SUPERSEDE_ANSWERS = """update {finding_answers} a
                           set superseded_at = s.by
                          from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                         where a.position = s.position and a.superseded_at = 9223372036854775807"""
# One finding for each objective of which the decision ratifies something; without one it belongs to none.
_RATIFIED_LATER = """
    insert into {findings} (rule, cause, objective, key_result, cycle, name, recorded_at, effective, effective_at, by,
                            on_behalf_of, reason, decision, source, detail, superseded_at)
    select 'ratified_later', %(position)s, r.objective, null, r.cycle, %(name)s, %(recorded_at)s, %(effective)s,
           %(at)s, %(by)s, %(on_behalf_of)s, null, %(decision)s, null,
           json_build_object('ratifies', r.ratifies), 9223372036854775807
      from (select f.objective, f.cycle, array_agg(distinct c.cause order by c.cause) as ratifies
              from unnest(%(ratifies)s::bigint[]) as c(cause)
              left join {findings} f on f.cause = c.cause and f.rule <> 'ratified_later'
             group by f.objective, f.cycle) as r"""
_COPY_CITATIONS = "copy {finding_citations} (decision, position, objective, cycle, superseded_at) from stdin"
_SUPERSEDE_CITATIONS = """update {finding_citations} c
                             set superseded_at = s.by
                            from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                           where c.position = s.position and c.superseded_at = 9223372036854775807"""
# One finding for each objective of which a change that still stands cites the decision that is taken back.
_DECISION_RETRACTED = """
    insert into {findings} (rule, cause, objective, key_result, cycle, name, recorded_at, effective, effective_at, by,
                            on_behalf_of, reason, decision, source, detail, superseded_at)
    select 'decision_retracted', %(position)s, c.objective, null, c.cycle, %(name)s, %(recorded_at)s, %(effective)s,
           %(at)s, %(by)s, %(on_behalf_of)s, %(reason)s, %(decision)s, %(source)s,
           json_build_object('changes', array_agg(c.position order by c.position)), 9223372036854775807
      from {finding_citations} c
     where c.decision = %(decision)s and c.position < %(position)s and c.superseded_at > %(position)s
     group by c.objective, c.cycle"""
# The facets that a change without a decision changed, for each change that is ratified.
_UNDECIDED = """select objective::text, key_result::text, cycle, cause,
                       array(select json_array_elements_text(detail -> 'facets'))
                  from {findings}
                 where rule = 'change_without_decision' and cause = any (%s)
                 order by cause"""
_CYCLES = "select cycle, starts_on, commit_by, ends_on, closed from {finding_cycles}"
_ZONE = "select zone from {finding_zone}"
# The version of each decision that stood at the position wanted.
_DECIDED = """select w.position, d.decided_by::text, d.touches
                from unnest(%s::uuid[], %s::bigint[]) as w(decision, position)
               cross join lateral (select decided_by, touches from {finding_decisions}
                                    where decision = w.decision and position <= w.position
                                    order by position desc limit 1) d"""

_QUIET = frozenset(
    {
        "key_result.measured", "key_result.checked_in", "key_result.scored", "key_result.noted_in_source",
        "objective.noted_in_source", "objective.drafted", "objective.closed", "objective.visibility_set",
    }
)  # fmt: skip
"""Events that cause a finding only where they supersede another."""


class FindingsPage:
    """The findings of one page."""

    def __init__(self, connection: Connection[Any], generation: Generation) -> None:
        self._connection = connection
        self._query = generation.query
        self._generation = generation
        self._rows: list[tuple[Any, ...]] = []
        self._answers: list[tuple[Any, ...]] = []
        self._ratified: list[tuple[int, str, int, Any]] = []
        self._cited: list[tuple[str, int, str, str | None, int]] = []

    def apply(self, page: Sequence[PlainEntry]) -> None:
        concerned = [entry for entry in page if entry["name"] not in _QUIET or "supersedes" in entry]
        if not concerned:
            return
        execute, query = self._connection.execute, self._query
        self._note(concerned)
        zone = execute(query(_ZONE)).fetchone()
        self._zone = ZoneInfo(zone[0] if zone else "UTC")
        self._cycles = {row[0]: CycleDays(*row[1:]) for row in execute(query(_CYCLES)).fetchall()}
        self._objectives([entry for entry in concerned if causes.concerns(entry)])
        for entry in concerned:
            self._elsewhere(entry)
        self._confirmed_after_close([entry for entry in concerned if entry["name"] == "decision.confirmed"])
        self._write(concerned)

    def _note(self, page: Sequence[PlainEntry]) -> None:
        """Keep what later entries are judged by: the zone, the days of cycles, who took which decision."""
        execute, query = self._connection.execute, self._query
        for entry in page:
            name, body = entry["name"], entry["body"]
            if name == "ledger.created":
                execute(query("insert into {finding_zone} values (%s)"), [body["zone"]])
            elif name == "cycle.planned":
                execute(
                    query("insert into {finding_cycles} values (%s, %s, %s, %s) on conflict do nothing"),
                    [body["key"], body["starts_on"], body["commit_by"], body["ends_on"]],
                )
            elif name == "cycle.closed":
                execute(
                    query("update {finding_cycles} set closed = %s where cycle = %s and closed is null"),
                    [entry["position"], base.stream_id(entry["stream"])],
                )
            elif name == "decision.recorded":
                execute(
                    query("insert into {finding_decisions} values (%s, %s, %s, %s::uuid[])"),
                    [
                        base.stream_id(entry["stream"]), entry["position"], body["decided_by"],
                        body.get("touches", []),
                    ],
                )  # fmt: skip

    def _objectives(self, entries: Sequence[PlainEntry]) -> None:
        if not entries:
            return
        decided = self._decided(
            [(entry["decision"], entry["position"]) for entry in entries if "decision" in entry]
        )
        wanted = [(base.stream_id(entry["stream"]), entry["position"]) for entry in entries]
        asked = {entry["position"]: base.item_id(entry) for entry in entries if entry["position"] in decided}
        wanted += [(item, position) for position, item in asked.items()]  # whose owner a rule asks for
        known = states.definitions_at(self._connection, self._generation, wanted)
        retractions = [entry for entry in entries if entry["name"] == base.RETRACTION]
        taken = (
            states.superseded_facets(self._connection, self._generation, base.after(retractions))
            if retractions
            else {}
        )
        items = dict(zip(asked, known[len(entries) :], strict=True))
        for place, entry in enumerate(entries):
            lost = {facet for _, facet in taken.get(entry["position"], ())}
            context = Context(
                cycles=self._cycles,
                zone=self._zone,
                objective=known[place],
                item=items.get(entry["position"], {}),
                retracted=frozenset(lost & (facets.COMMITTED_FACETS | {"line"})),
                decided_by=decided[entry["position"]][0] if entry["position"] in decided else None,
            )
            if "decision" in entry and causes.changed_after_line(entry, context):
                cited = (entry["decision"], entry["position"], base.stream_id(entry["stream"]), context.cycle)
                self._cited.append((*cited, base.FOREVER))
            for rule, detail in causes.causes_on_objective(entry, context):
                self._add(rule, entry, base.stream_id(entry["stream"]), context.cycle, detail)

    def _decided(self, wanted: Sequence[tuple[str, int]]) -> dict[int, tuple[str, list[Any]]]:
        """Return who decided and what it touches, by position, of the decisions as they stood at these positions."""
        if not wanted:
            return {}
        rows = self._connection.execute(
            self._query(_DECIDED), [[decision for decision, _ in wanted], [place for _, place in wanted]]
        )
        return {place: (decided_by, touches) for place, decided_by, touches in rows}

    def _elsewhere(self, entry: PlainEntry) -> None:
        name, body = entry["name"], entry["body"]
        if name in causes.CYCLE_CAUSES:
            key = base.stream_id(entry["stream"])
            for rule, detail in causes.causes_on_cycle(entry, self._cycles.get(key), self._zone):
                self._add(rule, entry, None, key, detail)
        elif name == "decision.recorded":
            decision = base.stream_id(entry["stream"])
            self._ratified += [
                (cause, decision, entry["position"], entry["recorded_at"])
                for cause in body.get("ratifies", ())
            ]
        elif name == base.ANSWER:
            self._answers.append(
                (
                    body["rule"], body["cause"], entry["position"], entry["recorded_at"], entry["by"],
                    entry.get("on_behalf_of"), body["answer"], body["text"], base.FOREVER,
                )
            )  # fmt: skip

    def _confirmed_after_close(self, entries: Sequence[PlainEntry]) -> None:
        """Flag a confirmation after the close of the cycle of an objective that its decision touches."""
        if not entries:
            return
        decided = self._decided([(base.stream_id(entry["stream"]), entry["position"]) for entry in entries])
        wanted = [
            (entry, str(objective))
            for entry in entries
            if entry["position"] in decided
            for objective in decided[entry["position"]][1]
        ]
        known = states.definitions_at(
            self._connection,
            self._generation,
            [(objective, entry["position"]) for entry, objective in wanted],
        )
        for (entry, objective), now in zip(wanted, known, strict=True):
            cycle = now.get("cycle", {}).get("value")
            days = self._cycles.get(cycle or "")
            if days is not None and days.closed is not None and days.closed < entry["position"]:
                self._add("change_after_close", entry, objective, cycle, {"closed": days.closed})

    def _add(
        self,
        rule: str,
        entry: PlainEntry,
        objective: str | None,
        cycle: str | None,
        detail: dict[str, Any] | None,
    ) -> None:
        self._rows.append(
            (
                rule, entry["position"], objective, entry["body"].get("key_result"), cycle, entry["name"],
                entry["recorded_at"], entry["effective"], entry["at"], entry["by"], entry.get("on_behalf_of"),
                base.json_text(entry.get("reason")), entry.get("decision"), base.json_text(entry.get("source")),
                base.json_text(detail), base.FOREVER,
            )
        )  # fmt: skip

    def _own_ratified(self, entry: PlainEntry) -> None:
        """Ask about an owner who ratifies a change of their own target: they decided it all the same."""
        body = entry["body"]
        rows = self._connection.execute(self._query(_UNDECIDED), [body["ratifies"]]).fetchall()
        items = [key_result or objective for objective, key_result, _, _, _ in rows]
        known = states.definitions_at(
            self._connection, self._generation, [(item, entry["position"]) for item in items]
        )
        groups: dict[tuple[str, str | None, str | None], tuple[set[str], set[int]]] = {}
        for (objective, key_result, cycle, cause, changed), now in zip(rows, known, strict=True):
            own = causes.OWN_TARGET.intersection(changed)
            if own and now.get("owner", {}).get("value") == body["decided_by"]:
                found, ratified = groups.setdefault((objective, key_result, cycle), (set(), set()))
                found |= own
                ratified.add(cause)
        self._rows = []
        for (objective, key_result, cycle), (found, ratified) in groups.items():
            detail = {"facets": sorted(found), "owner": body["decided_by"], "ratifies": sorted(ratified)}
            told = {**entry, "body": {"key_result": key_result}, "decision": base.stream_id(entry["stream"])}
            told["reason"] = told["source"] = None
            self._add("owner_decided_own_target", told, objective, cycle, detail)
        if self._rows:
            copy_text(self._connection, self._query(_COPY), self._rows)

    def _write(self, page: Sequence[PlainEntry]) -> None:
        execute, query = self._connection.execute, self._query
        if self._rows:
            copy_text(self._connection, query(_COPY), self._rows)
        for entry in page:
            if entry["name"] == "decision.recorded" and entry["body"].get("ratifies"):
                execute(
                    query(_RATIFIED_LATER),
                    {
                        **{
                            key: entry[key]
                            for key in ("position", "name", "recorded_at", "effective", "at", "by")
                        },
                        "on_behalf_of": entry.get("on_behalf_of"),
                        "decision": base.stream_id(entry["stream"]),
                        "ratifies": entry["body"]["ratifies"],
                    },
                )
                self._own_ratified(entry)
        if self._answers:
            copy_text(self._connection, query(_COPY_ANSWERS), self._answers)
        if self._ratified:
            copy_text(self._connection, query(_COPY_RATIFIED), self._ratified)
        if self._cited:
            copy_text(self._connection, query(_COPY_CITATIONS), self._cited)
        base.supersede(query(_SUPERSEDE_CITATIONS), page).run(self._connection)
        for entry in page:
            if entry["name"] == base.RETRACTION and entry["stream"].startswith("decision:"):
                told = {
                    name: entry[name] for name in ("position", "name", "recorded_at", "effective", "at", "by")
                }
                texts = {name: base.json_text(entry.get(name)) for name in ("reason", "source")}
                decision = base.stream_id(entry["stream"])
                told |= {"on_behalf_of": entry.get("on_behalf_of"), "decision": decision, **texts}
                execute(query(_DECISION_RETRACTED), told)
        base.supersede(query(_SUPERSEDE_FINDINGS), page).run(self._connection)
        base.supersede(query(_SUPERSEDE_ANSWERS), page).run(self._connection)
