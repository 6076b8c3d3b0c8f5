"""WebSocket frames (RFC 6455, section 5), as a client writes and reads them. No extensions."""

import os
from enum import IntEnum
from typing import NamedTuple

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure

MAX_MESSAGE = 64 * 1024
"""Bytes of the longest message that is read."""
_MAX_CONTROL = 125
_FINAL, _RESERVED, _OPCODE = 0x80, 0x70, 0x0F
_MASKED, _LENGTH = 0x80, 0x7F


class Opcode(IntEnum):
    """What a frame is; from CLOSE on they are control frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = frozenset(Opcode)


class Message(NamedTuple):
    """A whole message: fragments are joined."""

    opcode: Opcode
    payload: bytes


def client_frame(opcode: Opcode, payload: bytes) -> bytes:
    """A frame with the whole of a message, masked as a client's must be."""
    size = len(payload)
    if size <= 125:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 2**16:
        head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    return head + mask + apply_mask(payload, mask)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """Masks or unmasks a payload (section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class MessageReader:
    """Takes bytes from a server and gives the messages in them."""

    def __init__(self, data: bytes = b"", *, skipped: int = 0) -> None:
        """`skipped`: bytes of text and binary messages that are skipped in all; 0 where these are read."""
        self._buffer = bytearray(data)
        self.skips = skipped
        self._to_skip = 0
        self._skipped = 0
        self._opcode: Opcode | None = None
        self._fragments = bytearray()

    def feed(self, data: bytes) -> None:
        """Takes what was received."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, None when more bytes are needed. Raises ProbeFailure for what breaks the rules."""
        while True:
            frame = self._frame()
            if frame is None:
                return None
            message = self._join(*frame)
            if message is not None:
                return message

    def _frame(self) -> tuple[bool, Opcode, bytes] | None:
        """The next frame as final, opcode and payload; judged as soon as its head is there."""
        buffer = self._buffer
        if self._to_skip:
            coming = self._to_skip - len(buffer)
            del buffer[: self._to_skip]
            self._to_skip = max(coming, 0)
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode = first & _OPCODE
        if opcode not in _OPCODES or first & _RESERVED:
            raise _broken(f"a frame begins with {first:#04x}, which means nothing without an extension")
        if second & _MASKED:
            raise _broken("a frame from the server is masked")
        start, size = 2, second & _LENGTH
        if opcode >= Opcode.CLOSE and (size > _MAX_CONTROL or not first & _FINAL):
            raise _broken("a control frame is fragmented or longer than 125 bytes")
        if size > 125:
            start += 2 if size == 126 else 8
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if opcode < Opcode.CLOSE and self.skips:
            self._to_skip, size = size, 0
            self._skipped += self._to_skip
            if self._skipped > self.skips:
                raise ProbeFailure(
                    Reason.RESPONSE_TOO_LARGE, f"the WebSocket's messages are longer than {self.skips} bytes in all"
                )
        elif size + len(self._fragments) > MAX_MESSAGE and opcode < Opcode.CLOSE:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"a WebSocket message is longer than {MAX_MESSAGE} bytes")
        if len(buffer) < start + size:
            return None
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return bool(first & _FINAL), Opcode(opcode), payload

    def _join(self, final: bool, opcode: Opcode, payload: bytes) -> Message | None:
        if opcode >= Opcode.CLOSE:
            return Message(opcode, payload)
        if (opcode is Opcode.CONTINUATION) is (self._opcode is None):
            raise _broken("a fragment begins or goes on out of order")
        self._opcode = self._opcode or opcode
        self._fragments += payload
        if not final:
            return None
        message = Message(self._opcode, bytes(self._fragments))
        self._opcode = None
        self._fragments.clear()
        return message


def _broken(what: str) -> ProbeFailure:
    return ProbeFailure(Reason.PROTOCOL_ERROR, f"not a valid WebSocket: {what}")
