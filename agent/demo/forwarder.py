"""A port of a node that leads to a Service, as kube-proxy makes them."""

from asyncio import StreamReader, StreamWriter, open_connection

from agent.demo.listening import TcpPart, relay
from agent.probes._endpoint import Endpoint


class Forwarder:
    """Hands every connection on; where nobody takes it, it is reset."""

    def __init__(self, place: Endpoint, service: Endpoint) -> None:
        self.place = place
        self._service = service
        self._part = TcpPart(place, self._serve)
        self.start = self._part.start
        self.stop = self._part.stop

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        upstream = await open_connection(*self._service)
        try:
            await relay((reader, writer), upstream)
        finally:
            upstream[1].transport.abort()
