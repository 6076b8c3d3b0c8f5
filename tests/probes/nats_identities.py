"""Users of a NATS server that sign with an nkey, as configuration of the server and as files of the client."""

import json
import os
import time
from base64 import b32encode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import nkeys  # type: ignore[import-untyped]


class Key:
    """A new nkey; `prefix` says whether of an operator, an account or a user."""

    def __init__(self, prefix: int) -> None:
        self.seed = bytes(nkeys.encode_seed(os.urandom(32), prefix)).decode()
        self._pair = nkeys.from_seed(bytearray(self.seed.encode()))
        self.public: str = self._pair.public_key.decode()

    def jwt(self, subject: "Key", claims: dict[str, object], expires: float = 0) -> str:
        """A token by which the holder of this key vouches for `subject`."""
        body: dict[str, object] = {
            "iat": int(time.time()),
            "iss": self.public,
            "name": subject.public,
            "sub": subject.public,
            "nats": {"version": 2, **claims},
        }
        if expires:
            body["exp"] = int(expires)
        body["jti"] = b32encode(sha256(json.dumps(body).encode()).digest()).decode().rstrip("=")
        head = _encoded(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
        content = f"{head}.{_encoded(json.dumps(body).encode())}"
        return f"{content}.{_encoded(self._pair.sign(content.encode()))}"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def user_key() -> Key:
    """A new key of a user."""
    return Key(nkeys.PREFIX_BYTE_USER)


class Operator:
    """An operator with one account, whose users have credentials files."""

    def __init__(self) -> None:
        self._operator = Key(nkeys.PREFIX_BYTE_OPERATOR)
        self._account = Key(nkeys.PREFIX_BYTE_ACCOUNT)

    def config(self) -> str:
        """The part of the server's configuration that trusts this operator."""
        unlimited: dict[str, object] = dict.fromkeys(
            ("subs", "conn", "leaf", "data", "payload", "imports", "exports"), -1
        )
        account = self._operator.jwt(self._account, {"type": "account", "limits": {**unlimited, "wildcards": True}})
        return "\n".join(
            (
                f"operator: {self._operator.jwt(self._operator, {'type': 'operator'})}",
                "resolver: MEMORY",
                f"resolver_preload: {{ {self._account.public}: {account} }}",
            )
        )

    def credentials(self, file: Path, *, valid_for: float = 3600) -> Path:
        """Writes the credentials file of a new user."""
        user = user_key()
        jwt = self._account.jwt(user, {"type": "user", "subs": -1, "data": -1, "payload": -1}, time.time() + valid_for)
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
        return file
