"""DNS on the wire (RFC 1035, section 4): questions, and the addresses in their answers.

Every probe of a name asks twice, so this little is written by hand: dnspython takes 130 µs to write a question and
read its answer.
"""

import socket
from enum import IntEnum
from struct import Struct, error

from agent.probes._address import ResolvedAddress

A, AAAA = 1, 28
_IN = 1
_FAMILY_OF_TYPE = {A: (socket.AF_INET, 4), AAAA: (socket.AF_INET6, 16)}
_HEADER_BYTES = 12
_COUNTS = Struct("!4xHH")
_QUESTION = Struct("!HH")
_RECORD = Struct("!HH4xH")
_MAX_ADDRESSES = 32
"""Addresses kept of one answer; a target cannot make a check try more."""


class Rcode(IntEnum):
    """Response codes that have a meaning of their own here (RFC 1035, section 4.1.1)."""

    NOERROR = 0
    NXDOMAIN = 3
    REFUSED = 5


def question(name: str, record_type: int) -> bytes:
    """The question section for an absolute name, with or without its final dot.

    Raises ValueError for what cannot be a name in the DNS.
    """
    wire = bytearray()
    for label in name.removesuffix(".").encode("ascii").split(b".") if name != "." else ():
        if not 0 < len(label) < 64:
            raise ValueError("a label is empty or longer than 63 characters")
        wire.append(len(label))
        wire += label
    if len(wire) > 254:
        raise ValueError("longer than 253 characters")
    return bytes(wire) + b"\x00" + _QUESTION.pack(record_type, _IN)


def query(identifier: bytes, asked: bytes) -> bytes:
    """A query, recursion desired, for a question section; `identifier` is two random bytes."""
    return identifier + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + asked


def is_reply(reply: bytes, sent: bytes) -> bool:
    """Whether `reply` answers the query `sent`: its identifier, and its question. Anything else may be forged."""
    if len(reply) < _HEADER_BYTES or reply[:2] != sent[:2] or reply[2] & 0xF8 != 0x80:
        return False
    if len(reply) == _HEADER_BYTES:  # some servers repeat no question when they refuse
        return rcode(reply) != Rcode.NOERROR
    name_end, end = len(sent) - _QUESTION.size, len(sent)
    return (
        reply[4:6] == b"\x00\x01"
        and reply[name_end:end] == sent[name_end:]
        and reply[_HEADER_BYTES:name_end].lower() == sent[_HEADER_BYTES:name_end].lower()
    )


def rcode(reply: bytes) -> int:
    """The response code of a reply."""
    return reply[3] & 0x0F


def is_truncated(reply: bytes) -> bool:
    """Whether the whole answer is to be had over TCP only."""
    return bool(reply[2] & 0x02)


def has_answers(reply: bytes) -> bool:
    """Whether there are records in the answer section; in that of a denial, aliases (RFC 2308, section 2)."""
    _, answers = _COUNTS.unpack_from(reply)
    return bool(answers)


def addresses(reply: bytes) -> list[ResolvedAddress]:
    """The addresses in the answer section, aliases followed by the server. Raises ValueError when it is malformed."""
    found: list[ResolvedAddress] = []
    try:
        questions, answers = _COUNTS.unpack_from(reply)
        position = _HEADER_BYTES
        for _ in range(questions):
            position = _skip_name(reply, position) + _QUESTION.size
        for _ in range(answers):
            position = _skip_name(reply, position)
            record_type, record_class, length = _RECORD.unpack_from(reply, position)
            begin = position + _RECORD.size
            position = begin + length
            if position > len(reply):
                raise ValueError("a record is cut short")
            family, size = _FAMILY_OF_TYPE.get(record_type, (0, 0))
            if record_class == _IN and family and size == length and len(found) < _MAX_ADDRESSES:
                found.append(ResolvedAddress(family, socket.inet_ntop(family, reply[begin:position])))
    except (IndexError, error):
        raise ValueError("the answer ends too early") from None
    return found


def _skip_name(reply: bytes, position: int) -> int:
    while True:
        length = reply[position]
        if length >= 0xC0:
            return position + 2
        if length >= 0x40:
            raise ValueError("a label of an unknown kind")
        position += 1 + length
        if not length:
            return position
