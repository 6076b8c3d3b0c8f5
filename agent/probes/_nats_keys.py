"""Signatures for nkey and credentials files.

Loaded only where such a file is configured. nkeys is what nats-py itself signs with; importing nats-py as a whole would
cost 26 MB more, and its connection hides phases and reasons.
"""

import re
from base64 import urlsafe_b64encode
from pathlib import Path

import nkeys  # type: ignore[import-untyped]

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._files import Files

_SEED = re.compile(r"^\s*(SU[A-Z2-7]+)\s*$", re.MULTILINE)
_JWT = re.compile(r"-+BEGIN NATS USER JWT-+\s+([\w.=-]+)\s+-+END NATS USER JWT-+")


def nkey_options(files: Files, path: Path, nonce: str) -> dict[str, str]:
    """The part of CONNECT that an nkey file stands for. Raises ProbeFailure when the file is not one."""
    public_key, signature = _sign(files.secret(path), path, nonce)
    return {"nkey": public_key, "sig": signature}


def credentials_options(files: Files, path: Path, nonce: str) -> dict[str, str]:
    """The part of CONNECT that a credentials file stands for. Raises ProbeFailure when the file is not one."""
    text = files.secret(path)
    jwt = _JWT.search(text)
    if jwt is None:
        raise ProbeFailure(Reason.PERMISSION_DENIED, f"the file {path} has no NATS user JWT")
    _, signature = _sign(text, path, nonce)
    return {"jwt": jwt[1], "sig": signature}


def _sign(text: str, path: Path, nonce: str) -> tuple[str, str]:
    seed = _SEED.search(text)
    if seed is None:
        raise ProbeFailure(Reason.PERMISSION_DENIED, f"the file {path} has no nkey seed of a user (SU...)")
    try:
        pair = nkeys.from_seed(bytearray(seed[1].encode()))
        public_key, signature = pair.public_key.decode(), pair.sign(nonce.encode())
    except (nkeys.NkeysError, ValueError) as error:
        raise ProbeFailure(Reason.PERMISSION_DENIED, f"the nkey seed in the file {path} is damaged") from error
    return public_key, urlsafe_b64encode(signature).rstrip(b"=").decode()
