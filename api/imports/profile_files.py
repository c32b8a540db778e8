"""Profiles by name or from a file, in JSON or TOML; options of one run laid over them; saved for the next run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aggregates.importing.profile import Profile
from aggregates.importing.profiles import PROFILES
from aggregates.refusals import Refusal
from api.mistakes import found_in

LARGEST_PROFILE = 200_000


class ProfileCannotBeRead(Refusal):
    """This is neither the name of a profile nor a file that holds one."""

    kind = "unavailable"


def load_profile(named: str | None) -> Profile:
    """Return the profile of a name, or of a JSON or TOML file; `table` where none is named.

    Raises ProfileCannotBeRead with the place in the document.
    """
    if named is None:
        return PROFILES["table"]
    if named in PROFILES:
        return PROFILES[named]
    path = Path(named)
    if not path.is_file():
        is_a_file = path.suffix.casefold() in (".json", ".toml") or len(path.parts) > 1
        raise ProfileCannotBeRead(
            f"There is no profile {named!r} and no such file; there are {', '.join(PROFILES)}.",
            unreadable=not is_a_file,
        )
    if path.stat().st_size > LARGEST_PROFILE:
        raise ProfileCannotBeRead(f"{path.name} has more than {LARGEST_PROFILE:,} bytes.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        told = tomllib.loads(text) if path.suffix.casefold() == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileCannotBeRead(
            f"{path.name} is not JSON (.json) or TOML (.toml) in UTF-8: {error}."
        ) from error
    if not isinstance(told, dict):
        raise ProfileCannotBeRead(f"{path.name} is not one object.")
    return _built({"name": path.stem, **told}, path.name)


def with_options(profile: Profile, options: Mapping[str, Any]) -> Profile:
    """Return the profile with what this run says otherwise; options that are None say nothing.

    `columns`, `keep`, `only`, `said` and `confidence` are added to those of the profile.
    """
    told: dict[str, Any] = profile.model_dump(mode="json")
    for name, value in options.items():
        if value is None or value in ((), {}):
            continue
        if isinstance(value, Mapping):
            told[name] = {**told[name], **value}
        elif name == "keep":
            told[name] = [*told[name], *value]
        else:
            told[name] = value
    try:
        return Profile.model_validate(told)
    except ValidationError as error:
        raise ProfileCannotBeRead(_of_option(error, options), unreadable=True) from error


def _of_option(error: ValidationError, options: Mapping[str, Any]) -> str:
    """Return what is wrong with an option, as it is written on the command line."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, *rest = (str(step) for step in first["loc"])
    flag = {"header": "header-row", "columns": "column"}.get(name, name.replace("_", "-"))
    given = options.get(name)
    what = str(first["msg"]).removeprefix("Input should be ").removeprefix("Value error, ").rstrip(".")
    if first["type"] == "string_too_long":
        what = (
            "one sign"
            if first["ctx"]["max_length"] == 1
            else f"at most {first['ctx']['max_length']} signs long"
        )
    if name == "columns":
        return f"--{flag} {rest[0]}={given[rest[0]] if given else ''}: there is no column {rest[0]}; ours are {what}."
    if isinstance(given, Mapping) and rest and rest[0] in given:
        why = f"{what}" if what.startswith("This") else f"right of the equals sign stands {what}"
        return f"--{flag} {rest[0]}={given[rest[0]]} cannot be read: {why}."
    return f"--{flag} {given} cannot be read; it has to be {what}."


def profile_as_json(profile: Profile, file: Path) -> bytes:
    """Return a profile as JSON for a file, without what need not be said. Raises ProfileCannotBeRead."""
    if file.suffix.casefold() != ".json":
        raise ProfileCannotBeRead(f"A profile is saved as JSON; name the file {file.stem}.json.")
    told = profile.model_dump(mode="json", exclude_defaults=True)
    told["name"] = file.stem
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


def _built(told: Mapping[str, Any], where: str) -> Profile:
    try:
        return Profile.model_validate(told)
    except ValidationError as error:
        place, sentence, _ = found_in(error, Profile)[0]
        raise ProfileCannotBeRead(f"{where}: {sentence} (at {place or '/'})") from error
