"""Lists once what discovery looks at in a cluster, the way in which probes ask its API server."""

from collections.abc import AsyncIterator
from urllib.parse import quote as percent_encoded

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.discovery.objects import Objects, collection_path
from agent.probes._http_session import HttpSession
from agent.probes._json import JsonObject, child, children, json_object, text_of
from agent.probes._kube_access import KubeAccessSettings, KubeApiServer
from agent.probes._network import Network
from agent.probes._text import quote
from agent.probes._verdict import judge_status

LOOKED_AT = [field for field in Objects._fields if field != "endpointslices"]
"""Slices are about headless Services, which hold no part of an installation."""
_PAGE = 500
_MAX_PAGE = 32 * 1024 * 1024
_MOST_PAGES = 200


class Survey:
    """A probe that fills `objects`. What may not be listed beside the Services is told in `remarks`."""

    def __init__(self, settings: KubeAccessSettings, network: Network, namespace: str | None = None) -> None:
        """`namespace`: the only one to look into; default: all."""
        self._server = KubeApiServer(settings, network)
        self._namespace = namespace
        self.objects = Objects()
        self.remarks: list[str] = []

    async def run(self, run: Run) -> None:
        target, access = self._server.reach()
        with HttpSession(run, target) as session:
            found: dict[str, dict[str, JsonObject]] = {}
            for field in LOOKED_AT:
                pages = self._pages(session, field, target.url, authenticated=access.authenticated)
                listed = [each async for page in pages for each in children(page, "items")]
                found[field] = {_uid(each) or str(number): each for number, each in enumerate(listed)}
            self.objects = Objects(**found)

    async def _pages(
        self, session: HttpSession, field: str, url: str, *, authenticated: bool
    ) -> AsyncIterator[JsonObject]:
        path, token = f"{collection_path(field, self._namespace)}?limit={_PAGE}", ""
        for _ in range(_MOST_PAGES):
            more = f"&continue={percent_encoded(token, safe='')}" if token else ""
            response = await session.get(path + more, _MAX_PAGE)
            if response.status in (401, 403):
                where = f"in the namespace {self._namespace}" if self._namespace else "in all namespaces"
                problem = f"the API server does not let it list {field} {where} ({response.status})"
                if field == "services":
                    raise ProbeFailure(Reason.AUTH_REJECTED, problem)
                self.remarks.append(problem)
                return
            if response.status == 404 and field != "services":
                return  # a cluster without Meshery Operator does not have its resources
            judge_status(response, url=url, authenticated=authenticated)
            page = json_object(response.body)
            if page is None or not isinstance(page.get("items"), list):
                raise ProbeFailure(Reason.BODY_MISMATCH, f"the answer is no list of {field}: {quote(response.body)}")
            yield page
            token = text_of(child(page, "metadata"), "continue")
            if not token:
                return
        self.remarks.append(f"there are more than {_MOST_PAGES * _PAGE} {field}; the others were not looked at")


def _uid(each: JsonObject) -> str:
    return text_of(child(each, "metadata"), "uid")
