"""What the demo's servers do with clients that misbehave."""

from __future__ import annotations

import logging

import pytest
from aiohttp import ClientError, ClientSession, web

from agent.demo.listening import HttpPart
from agent.demo.live_updates import graphql
from agent.probes._endpoint import Endpoint
from tests.servers.process import free_port


async def test_a_client_that_leaves_during_the_upgrade_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def leave_first(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return await graphql(request)

    part = HttpPart(Endpoint("127.0.0.1", free_port()), leave_first)
    await part.start()
    try:
        with caplog.at_level(logging.WARNING):
            async with ClientSession() as session:
                with pytest.raises(ClientError):
                    await session.ws_connect(part.url)
    finally:
        await part.stop()
    assert not caplog.records
