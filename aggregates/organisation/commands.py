"""What can be asked of the organisation as a whole."""

from __future__ import annotations

from typing import Literal

from aggregates.command import Command
from aggregates.policy import Policy


class AdoptPolicy(Command):
    """Adopt a policy, which rules from its position on."""

    command: Literal["adopt_policy"] = "adopt_policy"
    policy: Policy
