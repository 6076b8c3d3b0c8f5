"""The one fact that monitoring needs of a certificate: when it is valid.

Read by hand from DER (RFC 5280, section 4.1) because the cryptography package would cost every agent 10 MB of memory.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17


class _Element(NamedTuple):
    tag: int
    content: bytes
    end: int


def _element(data: bytes, start: int = 0) -> _Element:
    tag, length = data[start], data[start + 1]
    begin = start + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[begin : begin + octets])
        begin += octets
    end = begin + length
    if end > len(data):
        raise IndexError(start)
    return _Element(tag, data[begin:end], end)


@lru_cache(maxsize=256)  # the same certificates are shown again and again, and each takes 30 us to read
def validity(certificate: bytes) -> tuple[float, float]:
    """Unix times between which a DER certificate is valid. Raises ValueError when it is not a certificate."""
    try:
        to_be_signed = _element(_element(certificate).content).content
        position = 0
        first = _element(to_be_signed)
        if first.tag == _VERSION:
            position = first.end
        for _ in ("serialNumber", "signature", "issuer"):
            position = _element(to_be_signed, position).end
        period = _element(to_be_signed, position)
        if period.tag != _SEQUENCE:
            raise IndexError(position)
        begin = _element(period.content)
        return _time(begin), _time(_element(period.content, begin.end))
    except IndexError:
        raise ValueError("not a DER certificate") from None


def _time(element: _Element) -> float:
    text = element.content.decode("ascii")
    if element.tag == _UTC_TIME:
        # RFC 5280, section 4.1.2.5.1: two-digit years from 50 on are of the twentieth century.
        text = ("19" if text[:2] >= "50" else "20") + text
    if len(text) != len("YYYYMMDDHHMMSSZ") or text[-1] != "Z" or not text[:-1].isdigit():
        raise ValueError("not a time as RFC 5280 demands it")
    year, month, day, hour, minute, second = int(text[:4]), *(int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
