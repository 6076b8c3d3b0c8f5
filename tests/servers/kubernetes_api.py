"""A client of the Kubernetes API for tests: what a test arranges in a cluster, and what it sees there."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

Json = dict[str, Any]

SECONDS = 30.0
"""For one request; for a watch, between two events."""


class ApiError(Exception):
    """The API server refused: `status` is the HTTP status, the text is its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiClient:
    """Speaks JSON with an API server, as the holder of `token` or of the client certificate in `tls`.

    A path begins with a slash; keywords are its query parameters. Whatever is refused is an ApiError; where nobody
    answers, an OSError.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, token: str | None = None) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )
        self._resources: dict[str, list[Json]] = {}

    def text(self, path: str) -> str:
        """What is at `path`, for those that speak no JSON, such as /readyz."""
        with self._open("GET", path) as answer:
            return answer.read().decode()

    def get(self, path: str, **parameters: object) -> Json:
        """An object or a list."""
        return self._json("GET", path, parameters)

    def create(self, path: str, thing: Json) -> Json:
        """Posts to a collection or to a subresource such as `binding`; gives what came of it."""
        return self._json("POST", path, body=thing)

    def delete(self, path: str) -> None:
        """Deletes an object, or all of a collection."""
        self._json("DELETE", path)

    def apply(self, thing: Json, subresource: str = "") -> Json:
        """Applies an object on the server's side, by its kind and name, or only its `subresource`, such as `status`."""
        parameters = {"fieldManager": "tests", "force": "true"}
        path = "/".join(filter(None, [self.path_of(thing), subresource]))
        return self._json("PATCH", path, parameters, thing, "application/apply-patch+yaml")

    def path_of(self, thing: Json) -> str:
        """Where an object is found, as the discovery documents say of its kind."""
        version, kind, metadata = thing["apiVersion"], thing["kind"], thing["metadata"]
        resource = self._resource(version, kind)
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        namespace = f"/namespaces/{metadata['namespace']}" if resource["namespaced"] else ""
        return f"{root}{namespace}/{resource['name']}/{metadata['name']}"

    def watch(self, path: str, **parameters: object) -> Generator[Json]:
        """The events of a collection as they come, until the watch ends, is cut, or is closed by the caller."""
        with self._open("GET", path, {"watch": "true", **parameters}) as answer:
            for line in answer:
                yield json.loads(line)

    def _resource(self, version: str, kind: str) -> Json:
        def known() -> Iterator[Json]:
            return (found for found in self._resources.get(version, ()) if found["kind"] == kind)

        if not any(known()):
            root = "apis" if "/" in version else "api"
            listed = self.get(f"/{root}/{version}")["resources"]
            self._resources[version] = [resource for resource in listed if "/" not in resource["name"]]
        return next(known())

    def _json(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, object] | None = None,
        body: Json | None = None,
        media_type: str = "application/json",
    ) -> Json:
        with self._open(method, path, parameters, body, media_type) as answer:
            document: Json = json.load(answer)
            return document

    def _open(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, object] | None = None,
        body: Json | None = None,
        media_type: str = "application/json",
    ) -> HTTPResponse:
        query = f"?{urlencode(parameters)}" if parameters else ""
        request = urllib.request.Request(
            f"{self._url}{path}{query}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self._headers, "Content-Type": media_type},
        )
        try:
            response: HTTPResponse = self._opener.open(request, timeout=SECONDS)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ApiError(refusal.code, refusal.read().decode(errors="replace")) from None
        return response
