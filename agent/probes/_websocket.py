"""One WebSocket of one run: messages out and in, keep-alives answered, and what its end means."""

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._connection import Connection
from agent.probes._frames import Message, MessageReader, Opcode, client_frame
from agent.probes._text import quote

CLOSED_ABNORMALLY = 1006
"""The code for an end without a close frame (RFC 6455, section 7.4.1); it is never sent."""
_NO_CODE = 1005
_NORMAL = (1000).to_bytes(2, "big")
_USUAL_MESSAGE = 4096
"""Bytes that a message which nobody reads may have on the average."""
_CHUNK = 4096
"""Bytes taken at a time: a chunk of nothing but frames of two bytes must not stall the loop."""
_REASON_OF_CODE = {1001: Reason.SHUTTING_DOWN, 1012: Reason.SHUTTING_DOWN, 1011: Reason.SERVER_ERROR}


class WebSocketClosedError(Exception):
    """The server ended the WebSocket: code and words of its close frame, or the code 1006 where there was none."""

    def __init__(self, code: int, words: bytes) -> None:
        super().__init__(code)
        self.code = code
        self.words = words

    def failure(self) -> ProbeFailure:
        """What the end means where none was expected."""
        if self.code == CLOSED_ABNORMALLY:
            return ProbeFailure(Reason.CONNECTION_CLOSED, "the WebSocket's connection was closed without a close frame")
        said = f" {quote(self.words)}" if self.words else ""
        return ProbeFailure(
            _REASON_OF_CODE.get(self.code, Reason.CONNECTION_CLOSED),
            f"the target closed the WebSocket: {self.code}{said}",
        )


class WebSocket:
    """An upgraded connection."""

    reads_data = False
    """Whether text and binary messages come with their payload, for which they must not be long."""

    def __init__(self, connection: Connection, remainder: bytes, max_messages: int) -> None:
        """`remainder`: what followed the upgrade's answer. `max_messages`: how many are read before it is a flood."""
        self._connection = connection
        self._reader = MessageReader(remainder, skipped=0 if self.reads_data else max_messages * _USUAL_MESSAGE)
        self._max_messages = max_messages
        self.received = 0
        """Messages that came so far, pings and pongs among them."""

    async def send(self, opcode: Opcode, payload: bytes) -> None:
        """Sends a message. Raises OSError."""
        await self._connection.send(client_frame(opcode, payload))

    async def receive(self) -> Message:
        """The next message that is no ping: those are answered.

        Raises WebSocketClosedError, OSError, and ProbeFailure for what breaks the rules and for a flood.
        """
        while True:
            message = self._reader.next()
            if message is None:
                data = await self._connection.receive(_CHUNK)
                if not data:
                    raise WebSocketClosedError(CLOSED_ABNORMALLY, b"")
                self._reader.feed(data)
                continue
            self.received += 1
            if self.received > self._max_messages:
                raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the target floods us: over {self._max_messages} messages")
            if message.opcode is Opcode.PING:
                await self.send(Opcode.PONG, message.payload)
            elif message.opcode is Opcode.CLOSE:
                code = int.from_bytes(message.payload[:2], "big") if len(message.payload) > 1 else _NO_CODE
                raise WebSocketClosedError(code, message.payload[2:])
            else:
                return message

    async def close(self) -> None:
        """Says that all is well; does not wait for the answer."""
        await self.send(Opcode.CLOSE, _NORMAL)
