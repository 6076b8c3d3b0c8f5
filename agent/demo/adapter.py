"""A Meshery adapter: gRPC without TLS, and without the health service (meshery-adapter-library, api/grpc)."""

from asyncio import StreamReader, StreamWriter

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from h2.exceptions import H2Error

from agent.demo.listening import TcpPart, silence
from agent.probes._endpoint import Endpoint
from agent.probes._protobuf import string_field

_CHUNK = 65536
_OK, _UNIMPLEMENTED = "0", "12"


class Adapter:
    """Answers the two calls that Meshery Server makes to see whether an adapter is there."""

    def __init__(self, name: str, place: Endpoint) -> None:
        self.name = name
        self.hung = False
        """Takes connections and never says a word, as a process does that is stuck."""
        self._messages = {
            "/meshes.MeshService/ComponentInfo": string_field(1, "adapter")
            + string_field(2, name)
            + string_field(3, "v0.8.1"),
            "/meshes.MeshService/MeshName": string_field(1, name),
        }
        self._part = TcpPart(place, self._serve)
        self.place = place
        self.start = self._part.start
        self.stop = self._part.stop

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.hung:
            await silence(reader, writer)
            return
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        paths: dict[int, str] = {}
        while True:
            writer.write(connection.data_to_send())
            await writer.drain()
            data = await reader.read(_CHUNK)
            if not data:
                return
            try:
                for event in connection.receive_data(data):
                    if isinstance(event, RequestReceived):
                        paths[event.stream_id] = dict(event.headers)[b":path"].decode()
                    elif isinstance(event, StreamEnded):
                        self._answer(connection, event.stream_id, paths.pop(event.stream_id))
            except H2Error:
                writer.write(connection.data_to_send())
                return

    def _answer(self, connection: H2Connection, stream: int, path: str) -> None:
        head = [(":status", "200"), ("content-type", "application/grpc")]
        message = self._messages.get(path)
        if message is None:
            unknown = ("grpc-message", f"unknown method {path}")
            connection.send_headers(stream, [*head, ("grpc-status", _UNIMPLEMENTED), unknown], end_stream=True)
            return
        connection.send_headers(stream, head)
        connection.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
        connection.send_headers(stream, [("grpc-status", _OK)], end_stream=True)
