"""Names that stand for people and files: the same for the same salt, and for nobody without it."""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from lookright.errors import DataError, Problem

_DIGITS = 16  # hexadecimal: among a million patients two collide with a chance of 3e-8
_SHORTEST = 16  # bytes of a salt


def read_salt(path: Path) -> bytes:
    """Read a salt, or draw one and keep it in a file that only its owner may read.

    Numbers of patients are few enough to try them all, so that a hash without a secret hides
    nothing. Whoever has the salt can link a study to its patients; nobody else can.
    """
    if path.exists():
        salt = path.read_bytes().strip()
        if len(salt) < _SHORTEST:
            what = f"A salt has {_SHORTEST} bytes at least, this one {len(salt)}."
            raise DataError(Problem("DICOM-SALT", what, str(path), "Name another file."))
        return salt
    path.parent.mkdir(parents=True, exist_ok=True)
    salt = secrets.token_hex(32).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(salt + b"\n")
    return salt


def pseudonym(salt: bytes, kind: str, *words: str) -> str:
    """Return 16 hexadecimal digits: HMAC-SHA-256 with the salt (RFC 2104) of kind and words.

    >>> pseudonym(b"a secret that is long", "patient", "4711")
    'ed94df4c1ef61787'
    """
    told = "\0".join((kind, *words)).encode()
    return hmac.new(salt, told, sha256).hexdigest()[:_DIGITS]
