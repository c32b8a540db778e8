"""Where the server listens: the address is taken before anything is opened, and what is wrong with it is named."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket

from api.cli.codes import Code
from api.cli.faults import Fault

_ONLY_DIGITS = re.compile(r"[0-9.]+")
_HERE = "127.0.0.1 is for this machine alone, 0.0.0.0 for every network of it"
_RANGE = "choose another --port; 0 takes a free one"


def listening(host: str, port: int) -> socket.socket:
    """Return a bound socket for an address or a name, in brackets or not; port 0 takes a free one.

    Raises Fault that says whether the host or the port is what is wrong.
    """
    from api.server import listening_socket

    address = resolved(host)
    try:
        return listening_socket(address, port)
    except OSError as error:
        raise not_listening(error, host, port) from error


def resolved(host: str) -> str:
    """Return the address of a host: IPv4 before IPv6 where a name has both. Raises Fault."""
    told = host.strip().removeprefix("[").removesuffix("]")
    if not told:
        raise Fault(Code.USAGE, f"--host is empty; {_HERE}.")
    if "/" in told or (told.count(":") == 1 and not told.startswith(":")):
        raise Fault(
            Code.USAGE,
            f"--host {host!r} is more than an address or a name; give the port as --port and leave out http://.",
        )
    try:
        found = socket.getaddrinfo(told, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        if _ONLY_DIGITS.fullmatch(told) or ":" in told:
            raise Fault(Code.USAGE, f"--host {host!r} is not an address; {_HERE}.") from None
        raise Fault(
            Code.UNAVAILABLE, f"--host {host!r} is a name that this machine cannot resolve; {_HERE}."
        ) from None
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return told if "%" in told else str(found[0][4][0])


def not_listening(error: OSError, host: str, port: int) -> Fault:
    """Return what kept a server from an address: the host, the port, or the rights of whoever starts it."""
    match error.errno:
        case errno.EADDRINUSE:
            said = f"Port {port} of {host} is taken by another program, perhaps by a server of this ledger; {_RANGE}."
        case errno.EACCES | errno.EPERM:
            said = (
                f"Port {port} needs rights that this user does not have: choose --port 1024 or higher, or let a proxy "
                "listen there."
            )
        case errno.EADDRNOTAVAIL:
            said = f"--host {host} is an address that this machine does not have; {_HERE}."
        case errno.EAFNOSUPPORT:
            said = f"--host {host}: this machine has no such addresses; {_HERE}."
        case errno.EINVAL if ":" in host:
            said = f"--host {host} needs the name of its network behind it, such as fe80::1%eth0."
        case _:
            said = f"{host}:{port} cannot be listened on: {error.strerror}."
    return Fault(Code.UNAVAILABLE, said)


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach the address; a name is what it resolves to."""
    try:
        told = ipaddress.ip_address(address)
    except ValueError:
        return address == "localhost"
    mapped = getattr(told, "ipv4_mapped", None)
    return (mapped or told).is_loopback
