"""The opening handshake of a WebSocket (RFC 6455, section 4), and what an answer other than 101 means."""

import re
from base64 import b64encode
from hashlib import sha1
from os import urandom

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._http import Response
from agent.probes._text import quote
from agent.probes._verdict import judge_status

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_SIGNS_OF_STRIPPING = re.compile(
    rb"no operation provided|GRAPHQL_VALIDATION_FAILED"  # gqlgen's transport for a plain GET
    rb"|token not found in '(?:Connection|Upgrade)' header"  # gorilla/websocket
    rb"|No (?:WebSocket UPGRADE|CONNECTION upgrade) hdr"  # aiohttp
)


def upgrade_headers(key: str, subprotocol: str) -> tuple[tuple[str, str], ...]:
    """The headers that ask for a WebSocket; without a subprotocol where it is empty."""
    headers = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    )
    return (*headers, ("Sec-WebSocket-Protocol", subprotocol)) if subprotocol else headers


def new_key() -> str:
    """A nonce for one handshake."""
    return b64encode(urandom(16)).decode("ascii")


def accept_of(key: str) -> str:
    """The Sec-WebSocket-Accept that proves that a WebSocket server has read `key`."""
    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode("ascii")


def judge_upgrade(response: Response, key: str, subprotocol: str, *, url: str, authenticated: bool) -> None:
    """Returns when the connection is a WebSocket as it was asked for. Raises ProbeFailure otherwise."""
    if response.status != 101:
        _judge_refusal(response, url, authenticated)
        return
    headers = response.headers
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in headers.get("connection", "").lower():
        raise ProbeFailure(Reason.PROTOCOL_ERROR, "the answer is 101, but not to a WebSocket")
    accept = headers.get("sec-websocket-accept", "")
    if accept.strip() != accept_of(key):
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"Sec-WebSocket-Accept is {quote(accept)}, which is not ours")
    if headers.get("sec-websocket-extensions"):
        raise ProbeFailure(
            Reason.PROTOCOL_ERROR, f"extensions nobody asked for: {quote(headers['sec-websocket-extensions'])}"
        )
    chosen = headers.get("sec-websocket-protocol", "").strip()
    if chosen != subprotocol:
        wanted = f"not {quote(subprotocol)}" if subprotocol else "though none was asked for"
        raise ProbeFailure(
            Reason.SUBPROTOCOL_REFUSED, f"the subprotocol is {quote(chosen) if chosen else 'none'}, {wanted}"
        )


def _judge_refusal(response: Response, url: str, authenticated: bool) -> None:
    status = response.status
    shown = f"{status}: {quote(response.body.strip())}" if response.body else f"{status}"
    if _is_stripped(response):
        raise ProbeFailure(
            Reason.UPGRADE_STRIPPED, f"the server saw no WebSocket upgrade; a proxy dropped it: the answer is {shown}"
        )
    if 400 <= status < 500 and status not in (407, 429):
        raise ProbeFailure(Reason.UPGRADE_REFUSED, f"the answer to the upgrade is {shown}")
    judge_status(response, url=url, authenticated=authenticated)


def _is_stripped(response: Response) -> bool:
    """Whether the server took our upgrade for a plain or broken request.

    A WebSocket server that answers 400 or 426 names its version; ours was whole when it left.
    """
    status = response.status
    if 200 <= status < 300 or status == 426:
        return True
    if status == 400 and "sec-websocket-version" in response.headers:
        return True
    return status in (400, 422) and bool(_SIGNS_OF_STRIPPING.search(response.body))
