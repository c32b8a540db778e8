"""`verify` and `rebuild`: the projections proved, and made anew."""

from __future__ import annotations

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.page import show, write_json
from api.cli.session import opened, progress


def verify(*, samples: int, json: bool) -> None:
    """Compare columns with bytes, and every projection with the fold, now and at sampled pairs of both clocks."""
    from replay.verify import verify as run

    with opened() as session:
        head = session.catch_up()
        with progress("Verifying", head) as step:
            verdict = run(
                session.ledger,
                pairs=samples,
                engine=session.engine,
                progress=lambda position, *_: step(position),
            )
        difference = verdict.difference
        if json:
            write_json(verdict.as_dict())
        elif difference is None:
            show(
                [
                    f"{verdict.entries} entries say what their bytes say; {verdict.answers} answers at "
                    f"{verdict.pairs} pairs of both clocks equal the independent fold. No difference."
                ]
            )
        if difference is not None:
            raise Fault(Code.DIFFERS, difference.sentence(), reported=True)


def rebuild(*, alone: bool = False, json: bool) -> None:
    """Make a new generation of projections beside the present one and move the pointer."""
    from replay.generations import RebuildIsRunning, RebuildStopped
    from replay.generations import rebuild as run

    with opened() as session:
        head = session.ledger.head().position
        try:
            with progress("Rebuilding", head) as step:
                generation = run(session.engine, alone=alone, progress=lambda position, _: step(position))
            session.engine.show_views()
        except RebuildIsRunning:
            raise Fault(Code.CONFLICT, "Another rebuild of this ledger is running; wait for it.") from None
        except RebuildStopped as error:
            raise Fault(Code.UNAVAILABLE, str(error)) from None
        if json:
            write_json({"generation": generation.number, "position": head})
        else:
            show(
                [
                    f"Generation {generation.number} holds every entry up to position {head} and is read from now on."
                ]
            )
