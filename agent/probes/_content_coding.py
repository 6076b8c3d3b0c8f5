"""The content codings in which a web server may send a body (RFC 9110, section 8.4.1), undone within bounds."""

import zlib

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._http import Response
from agent.probes._text import quote

_GZIP = b"\x1f\x8b"
"""How a member of gzip begins."""
_MOST_MEMBERS = 1000
"""Members of gzip: a body of nothing but empty ones would hold the event loop up."""
_PIECE = 16 * 1024
"""Bytes that are decompressed at a time, since each member costs a copy of what follows it among them."""


def decoded_body(response: Response, limit: int) -> bytes:
    """The body without its content coding (gzip, deflate), at most `limit` bytes; more is marked as truncated.

    Raises ProbeFailure when it is not what its header says.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return response.body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ProbeFailure(
            Reason.PROTOCOL_ERROR, f"the body has the content coding {quote(coding)}, which was not asked for"
        )
    if not response.body:
        return b""
    try:
        body, whole = _inflate(
            response.body, 47 if "gzip" in coding or response.body[:1] == b"\x78" else -15, limit + 1
        )
    except zlib.error as error:
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the body is not the {coding} that its header says") from error
    if len(body) > limit:
        response.truncated = True
    elif not (whole or response.truncated):
        raise ProbeFailure(Reason.CONNECTION_CLOSED, f"the body ends in the middle of its {coding}")
    return body[:limit]


def _inflate(data: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes of what was compressed, and whether it has an end.

    gzip may come in members one after another (RFC 1952, section 2.2); what else follows one counts for nothing, as in
    browsers. Raises zlib.error, and ProbeFailure for too many members.
    """
    decoded = bytearray()
    decoder = zlib.decompressobj(wbits)
    members = 1
    position = 0
    while position < len(data) and len(decoded) < limit:
        piece = data[position : position + _PIECE]
        try:
            decoded += decoder.decompress(piece, limit - len(decoded))
        except zlib.error:
            if members == 1:
                raise
            return bytes(decoded), True
        position += len(piece) - len(decoder.unused_data)
        if decoder.eof:
            if not data.startswith(_GZIP, position):
                break
            members += 1
            if members > _MOST_MEMBERS:
                raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the body has more than {_MOST_MEMBERS} parts of gzip")
            decoder = zlib.decompressobj(wbits)
    return bytes(decoded), decoder.eof
