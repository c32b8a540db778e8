"""`serve` on an address that cannot be had: the sentence names the host or the port, whichever is wrong."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.listening import listening, not_listening
from api.server import address_of
from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("host", "code", "sentence"),
    [
        ("999.1.1.1", Code.USAGE, "--host '999.1.1.1' is not an address"),
        ("1::2::3", Code.USAGE, "--host '1::2::3' is not an address"),
        ("", Code.USAGE, "--host is empty"),
        ("localhost:8000", Code.USAGE, "give the port as --port"),
        ("http://localhost", Code.USAGE, "give the port as --port"),
        ("no.such.name.invalid", Code.UNAVAILABLE, "a name that this machine cannot resolve"),
        ("192.0.2.7", Code.UNAVAILABLE, "--host 192.0.2.7 is an address that this machine does not have"),
    ],
)
def test_a_host_that_is_none_is_what_is_wrong_and_no_ledger_is_opened(
    empty: CommandLine, host: str, code: Code, sentence: str
) -> None:
    typed = empty("serve", "--host", host, "--port", "0")
    assert typed.code == code
    assert sentence in typed.sentence
    assert "another --port" not in typed.sentence


def test_a_port_that_is_taken_is_what_is_wrong(empty: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in (["serve", "--host", "localhost"], ["serve"], ["demo"]):
            typed = empty(*command, "--port", str(port))
            assert typed.code == Code.UNAVAILABLE
            assert f"Port {port} of " in typed.sentence
            assert "choose another --port" in typed.sentence


@pytest.mark.parametrize(
    ("number", "host", "sentence"),
    [
        (errno.EACCES, "127.0.0.1", "Port 80 needs rights that this user does not have"),
        (errno.EAFNOSUPPORT, "::1", "--host ::1: this machine has no such addresses"),
        (errno.EINVAL, "fe80::1", "--host fe80::1 needs the name of its network behind it"),
        (errno.ENOBUFS, "127.0.0.1", f"127.0.0.1:80 cannot be listened on: {os.strerror(errno.ENOBUFS)}."),
    ],
)
def test_what_a_machine_says_otherwise_is_told_apart(number: int, host: str, sentence: str) -> None:
    told = not_listening(OSError(number, os.strerror(number)), host, 80)
    assert told.code == Code.UNAVAILABLE
    assert told.sentence.startswith(sentence)


def test_an_address_of_version_six_may_stand_in_brackets() -> None:
    try:
        with listening("[::1]", 0) as bound:
            assert address_of(bound).startswith("http://[::1]:")
    except Fault as fault:
        pytest.skip(f"This machine has none: {fault.sentence}")
