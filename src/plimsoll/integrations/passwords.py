"""Passwords as hashes that are slow to guess: argon2id, at the parameters of RFC 9106 for little memory.

A hash takes 64 MiB while it is made, so few are made at once: otherwise many log-ins at the same moment
would take the memory that plans need.
"""

import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
_AT_ONCE = BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """Return the hash of a password, with its parameters and a salt of its own."""
    with _AT_ONCE:
        return _HASHER.hash(_typed(password))


def is_password(password: str, kept: str | None) -> bool:
    """Return whether a password is the one of a hash; without a hash False, after the same time."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _nobodys(), _typed(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Return whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def prepare() -> None:
    """Make what unknown names are held against, so that the first of them takes no longer than the next."""
    _nobodys()


def _typed(password: str) -> bytes:
    """Return the bytes of a password, the same from every keyboard."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


@cache
def _nobodys() -> str:
    """Return the hash against which attempts on unknown names are held."""
    return _HASHER.hash(b"nobody has this password")
