"""`backup`: entries, directory and manifest in a directory of their own, and the check of one that was made before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.page import show, write_json
from api.cli.place import PLACE
from api.cli.session import office, opened, progress

if TYPE_CHECKING:
    from ledger.backup import Manifest


def backup(*, to: Path | None, check: Path | None, token_file: Path | None, json: bool) -> None:
    """Write a backup, or hold one against its manifest; one that is there as it would be written now is held too."""
    from ledger.backup import back_up, read_manifest
    from ledger.backup import check as checked

    if (to is None) == (check is None):
        raise Fault(
            Code.USAGE, "Give --to DIR to write a backup, or --check DIR to hold one against its manifest."
        )
    if check is not None:
        _tell(check, checked(check), json=json, what="whole")
        return
    assert to is not None  # noqa: S101 (one of the two is given)
    with opened() as session:
        caller = office(session, token_file, "export")
        head = session.ledger.head().position
        session.note("exported", "backup", caller, f"entries 1 to {head}")
        try:
            with progress("Backing up", head) as step:
                place = back_up(session.ledger, to, progress=step)
        except (
            FileExistsError
        ) as error:  # nothing was recorded or changed since: what is there has to be good
            place = Path(str(error.filename))
            _tell(place, checked(place), json=json, what="there already, as nothing changed since, and whole")
            return
    _tell(place, read_manifest(place), json=json, what="written")
    if not json:
        sys.stderr.write(
            "The master key is not in it: keep a copy of that elsewhere; without it nobody reads personal text.\n"
        )


def _tell(place: Path, manifest: Manifest, *, json: bool, what: str) -> None:
    if json:
        write_json({"directory": str(place), **manifest.as_dict()})
        return
    show(
        [
            f"{place}: {what}; ledger {manifest.ledger} up to position {manifest.position}, "
            f"recorded at {manifest.recorded_at}, by release {manifest.release}.",
            f"Bring it back into an empty place: {PLACE.elsewhere('restore', str(place))}",
        ]
    )
