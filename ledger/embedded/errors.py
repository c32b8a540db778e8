"""Why the embedded PostgreSQL server cannot be used: each way has a class, a stable code and a sentence."""


class EmbeddedServerError(Exception):
    """The embedded PostgreSQL server cannot be used."""

    code = "embedded_server_error"


class EngineIsMissing(EmbeddedServerError):
    """The programs of the embedded PostgreSQL are not installed."""

    code = "embedded_engine_is_missing"


class AccountIsMissing(EmbeddedServerError):
    """PostgreSQL does not run as root, and the user that it would run as cannot be made."""

    code = "embedded_account_is_missing"


class DirectoryIsNotUsable(EmbeddedServerError):
    """The data directory belongs to somebody else, cannot be entered, or holds something else."""

    code = "embedded_directory_is_not_usable"


class VersionDiffers(EmbeddedServerError):
    """The data directory was made by another major version of PostgreSQL."""

    code = "embedded_version_differs"


class ServerIsBusy(EmbeddedServerError):
    """Another process kept the server in the middle of a start or a stop for too long."""

    code = "embedded_server_is_busy"


class ServerDoesNotStart(EmbeddedServerError):
    """One of PostgreSQL's programs failed; the message ends with what it printed."""

    code = "embedded_server_does_not_start"


class ServerDoesNotAnswer(EmbeddedServerError):
    """The server runs and takes no connection; the message ends with its words."""

    code = "embedded_server_does_not_answer"


class ServerIsNotDurable(EmbeddedServerError):
    """The running server would lose commits in a crash, so nothing is recorded on it."""

    code = "embedded_server_is_not_durable"
