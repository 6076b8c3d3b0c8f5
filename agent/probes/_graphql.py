"""GraphQL on a WebSocket: its beginning and its keep-alives, in both subprotocols.

Facts: enisdenjo/graphql-ws, PROTOCOL.md (graphql-transport-ws); apollographql/subscriptions-transport-ws, PROTOCOL.md
(graphql-ws).
"""

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._frames import Message, Opcode
from agent.probes._json import json_object, text_of
from agent.probes._text import quote
from agent.probes._websocket import WebSocket

GRAPHQL_SUBPROTOCOLS = ("graphql-transport-ws", "graphql-ws")
UNAUTHORIZED_CODES = (4401, 4403)
"""Codes of close frames that ask for credentials."""

_INIT = b'{"type":"connection_init","payload":{}}'
_PONG = b'{"type":"pong"}'
_KEEP_ALIVES = ("ping", "pong", "ka")


class GraphQLSocket(WebSocket):
    """A WebSocket whose keep-alives in GraphQL's own words are answered and passed over, too."""

    reads_data = True

    async def receive(self) -> Message:
        while True:
            message = await super().receive()
            kind = _kind(message)
            if kind not in _KEEP_ALIVES:
                return message
            if kind == "ping":
                await self.send(Opcode.TEXT, _PONG)

    async def begin(self) -> None:
        """Sends connection_init and waits for connection_ack. Raises like `receive`, and ProbeFailure for a refusal."""
        await self.send(Opcode.TEXT, _INIT)
        message = await self.receive()
        kind = _kind(message)
        if not kind:
            raise ProbeFailure(Reason.PROTOCOL_ERROR, f"not a message of GraphQL: {quote(message.payload)}")
        if kind != "connection_ack":
            raise ProbeFailure(Reason.SUBPROTOCOL_REFUSED, f"connection_init is answered {quote(message.payload)}")


def _kind(message: Message) -> str:
    document = json_object(message.payload) if message.opcode is Opcode.TEXT else None
    return text_of(document, "type") if document else ""
