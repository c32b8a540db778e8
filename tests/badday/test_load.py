"""The load of `python -m bench.load` is wired: every kind of request is asked and answered."""

from __future__ import annotations

import pytest

from bench import load


@pytest.mark.slow
def test_every_request_of_the_load_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    load.main(["--seconds", "4", "--reads", "30", "--writes", "5", "--objectives", "5", "--entries", "1300"])
    told = capsys.readouterr().out
    statuses = {word.partition(":")[0] for line in told.splitlines() for word in line.split() if ":" in word}
    assert statuses <= {"200", "201", "304"}, told
    for kind in (*load.READS, "check-in"):
        assert f"\n{kind}" in told
