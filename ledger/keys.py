"""Keys: one per person for personal text, wrapped by the master key, so that erasing a key erases the text.

A sealed text is AES-GCM (NIST SP 800-38D) under the author's data key: nonce (12 bytes), then the encryption of a
salt (16 bytes) and the text, bound to the ledger, the author and the key. The commitment is sha256(salt || text);
the salt is inside the encryption, so that nobody can test guesses at a short text once the key is gone. A data key
is wrapped by AES-GCM under a key derived from the master key (HKDF-SHA256, RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aggregates.entry import Sealed
from ledger.identifiers import new_id
from ledger.place import Connections
from ledger.settings import Settings

LOSS = (
    "Without it no personal text of this ledger can ever be read again, and a repeated idempotency key cannot be "
    "told from a reused one; everything else stays readable. Keep a copy of it apart from the database."
)
_NONCE = 12
_SALT = 16


class MasterKeyError(Exception):
    """The master key is missing, malformed or not this ledger's."""

    code = "master_key_error"


class MasterKey:
    """The 32 bytes from which a ledger's keys are derived; never stored in the database."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise MasterKeyError(f"A master key has 32 bytes; this one has {len(secret)}.")
        self._wrapping = AESGCM(_derived(secret, b"wrapping"))
        self._fingerprints = _derived(secret, b"fingerprints")
        self._check = _derived(secret, b"check")
        self.sealing = _derived(secret, b"directory file")
        """The key of the seal on the second file of a backup."""

    @classmethod
    def load(cls, settings: Settings) -> MasterKey:
        """Return the key of the environment, else of the file."""
        if settings.master_key is not None:
            return cls(_bytes(settings.master_key, "STRATEGY_LEDGER_MASTER_KEY"))
        try:
            with settings.master_key_file.open(encoding="ascii") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if mode & 0o077:
                    raise MasterKeyError(
                        f"The master key in {settings.master_key_file} is open to others (mode {mode:o}); close it "
                        f"with `chmod 600 {settings.master_key_file}`, and ask who has read it."
                    )
                text = file.read(1_000)
        except FileNotFoundError as error:
            raise MasterKeyError(
                f"There is no master key in {settings.master_key_file}, nor in STRATEGY_LEDGER_MASTER_KEY. Put your "
                "copy of it there with mode 600, or name its file in STRATEGY_LEDGER_MASTER_KEY_FILE. "
                f"{LOSS}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyError(
                f"The master key in {settings.master_key_file} cannot be read: {error}."
            ) from error
        return cls(_bytes(text, str(settings.master_key_file)))

    @classmethod
    def load_or_make(cls, settings: Settings) -> MasterKey:
        """Return the key of the settings; make its file, readable by this user alone, where there is none."""
        if settings.master_key is None and not settings.master_key_file.exists():
            make_master_key_file(settings.master_key_file)
        return cls.load(settings)

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        """Return a data key, encrypted."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrapping.encrypt(nonce, data_key, bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Return the data key that was wrapped."""
        try:
            return self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], bound)
        except InvalidTag as error:
            raise MasterKeyError(
                f"This is not the master key that wrapped the ledger's keys. {LOSS}"
            ) from error

    def fingerprint(self, ledger: UUID, actor: str, key: str, asked: bytes) -> str:
        """Return the keyed fingerprint of what was asked under an idempotency key (64 hexadecimal digits)."""
        bound = b"\x00".join([ledger.bytes.hex().encode(), actor.encode(), key.encode(), asked])
        return hmac.digest(self._fingerprints, bound, "sha256").hex()

    def check(self, ledger: UUID) -> str:
        """Return what a ledger keeps to recognise its master key without knowing it."""
        return hmac.new(self._check, ledger.bytes, hashlib.sha256).hexdigest()


class Keys:
    """The keys of persons in one ledger: seal, open, erase."""

    def __init__(self, connections: Connections, settings: Settings, ledger: UUID) -> None:
        self._connections = connections
        self._settings = settings
        self.ledger = ledger
        self._master: MasterKey | None = None
        self.missed = 0
        """How often texts could not be opened for want of the master key."""

    @property
    def master(self) -> MasterKey:
        """The master key, read when it is first needed and compared with what the ledger remembers of it.

        Raises MasterKeyError.
        """
        if self._master is None:
            master = MasterKey.load(self._settings)
            with self._connections.use() as connection:
                row = connection.execute(
                    "select value from settings where name = 'master_key_check'"
                ).fetchone()
            if row is not None and row[0] != master.check(self.ledger):
                raise MasterKeyError(f"This is not the master key of this ledger. {LOSS}")
            self._master = master
        return self._master

    def seal(self, author: UUID, text: str) -> Sealed:
        """Return personal text, readable only with its author's key; the key is made where there is none."""
        key_id, data_key = self._key_of(author)
        salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
        clear = text.encode()
        hidden = AESGCM(data_key).encrypt(nonce, salt + clear, self._bound(author, key_id))
        return Sealed(
            author=author,
            key_id=key_id,
            commitment=hashlib.sha256(salt + clear).hexdigest(),
            ciphertext=base64.b64encode(nonce + hidden).decode(),
        )

    def blinded(self, author: UUID, text: str) -> str:
        """Return what stands for personal text in a fingerprint: no guess can be tested once that key is erased."""
        _, data_key = self._key_of(author)
        return hmac.new(_derived(data_key, b"fingerprints"), text.encode(), hashlib.sha256).hexdigest()

    def open(self, sealed: Sealed) -> str | None:
        """Return the clear text, or None once its key was erased; see `open_all`."""
        return self.open_all([sealed])[0]

    def open_all(self, sealed: Sequence[Sealed]) -> list[str | None]:
        """Return clear texts in one round trip, None where a key was erased.

        Raises MasterKeyError where the master key is not the ledger's, ValueError where a text was tampered with.
        """
        with self._connections.use() as connection:
            rows = connection.execute(
                "select key_id, person, wrapped from person_keys where key_id = any (%s) and wrapped is not null",
                [list({one.key_id for one in sealed})],
            ).fetchall()
        try:
            keys = {row[0]: self.master.unwrap(row[2], self._bound(row[1], row[0])) for row in rows}
        except MasterKeyError:
            self.missed += 1
            raise
        return [self._opened(one, keys.get(one.key_id)) for one in sealed]

    def erase(self, person: UUID) -> int:
        """Forget a person's keys for ever and return how many they were; their text stays sealed."""
        with self._connections.use() as connection:
            return connection.execute(
                "update person_keys set wrapped = null, erased_at = now() where person = %s and wrapped is not null",
                [person],
            ).rowcount

    def fingerprint(self, actor: str, key: str, asked: bytes) -> str:
        """Return the keyed fingerprint of what was asked under an idempotency key."""
        return self.master.fingerprint(self.ledger, actor, key, asked)

    def _opened(self, sealed: Sealed, data_key: bytes | None) -> str | None:
        if data_key is None:
            return None
        hidden = base64.b64decode(sealed.ciphertext)
        try:
            clear = AESGCM(data_key).decrypt(
                hidden[:_NONCE], hidden[_NONCE:], self._bound(sealed.author, sealed.key_id)
            )
        except InvalidTag as error:
            raise ValueError(
                "This sealed text does not belong to its author, its key or this ledger."
            ) from error
        if not hmac.compare_digest(hashlib.sha256(clear).hexdigest(), sealed.commitment):
            raise ValueError("This sealed text is not the one that was committed to.")
        return clear[_SALT:].decode()

    def _key_of(self, person: UUID) -> tuple[UUID, bytes]:
        look = "select key_id, wrapped from person_keys where person = %s and wrapped is not null"
        with self._connections.use() as connection:
            row = connection.execute(look, [person], prepare=True).fetchone()
            if row is None:
                key_id = new_id()
                wrapped = self.master.wrap(secrets.token_bytes(32), self._bound(person, key_id))
                connection.execute(
                    "insert into person_keys (key_id, person, wrapped) values (%s, %s, %s)"
                    " on conflict (person) where wrapped is not null do nothing",
                    [key_id, person, wrapped],
                )
                row = connection.execute(look, [person]).fetchone()
        if row is None:
            raise MasterKeyError("This person's key was erased in this moment; try again.")
        return row[0], self.master.unwrap(row[1], self._bound(person, row[0]))

    def _bound(self, person: UUID, key_id: UUID) -> bytes:
        return b"strategy-ledger\x00" + self.ledger.bytes + person.bytes + key_id.bytes


def make_master_key_file(path: Path) -> None:
    """Write a new master key to a file that only this user can read.

    Raises MasterKeyError where the file exists or cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(beside)  # the name as well: nothing sealed outlives the loss of this file
        finally:
            os.close(beside)
    except OSError as error:
        raise MasterKeyError(f"The master key cannot be written to {path}: {error.strerror}.") from error


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"strategy-ledger " + purpose).derive(secret)


def _bytes(text: str, where: str) -> bytes:
    """Return the bytes of a key that is written in base64 or as 64 hexadecimal digits."""
    text = text.strip()
    try:
        return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise MasterKeyError(f"The master key in {where} is neither base64 nor hexadecimal.") from error
