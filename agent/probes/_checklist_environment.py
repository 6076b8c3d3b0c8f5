"""Rules about the environment of Meshery Server: what its Deployment sets in its container."""

import re
from urllib.parse import urlsplit

from agent.probes._checklist_meshery import server, server_container
from agent.probes._checklist_rule import Objects, Wanted, wrong
from agent.probes._endpoint import parse_url, url_endpoint
from agent.probes._kube_objects import environment_of
from agent.probes._text import quote

_LOCAL_PROVIDERS = ("local", "none")
"""The Local Provider's key, and that of older builds."""
_CALLBACK = "MESHERY_SERVER_CALLBACK_URL"
_ENDPOINT = re.compile(r"(?:^|[\s{,\"'])endpoint[\"']?\s*:\s*[\"']?[^\s\"',}]")


def remote_provider(objects: Objects, _: Wanted) -> str:
    """Meshery Server has PROVIDER set to a Remote Provider, so that users are not offered the Local Provider, which
    asks for no credentials and keeps nothing."""
    provider = environment_of(server_container(server(objects)), "PROVIDER")
    remedy = "set env.PROVIDER in the chart's values to the key of your Remote Provider"
    if not provider:
        raise wrong("PROVIDER is not set, so that whoever reaches the Server may choose the Local Provider", remedy)
    if provider.lower() in _LOCAL_PROVIDERS:
        raise wrong(
            f"PROVIDER is {quote(provider)}, the Local Provider: nobody has to sign in, nothing is kept", remedy
        )
    return f"the Remote Provider {quote(provider)} is preselected"


def callback_url(objects: Objects, wanted: Wanted) -> str:
    """Meshery Server has MESHERY_SERVER_CALLBACK_URL set, to an https URL with the host of `external_url`. The Server
    uses it as it is: /api/user/token is only appended to what it makes up itself."""
    callback = environment_of(server_container(server(objects)), _CALLBACK)
    external = wanted.external_url
    address = external.rstrip("/") if external is not None else "https://HOST"
    remedy = f"set env.{_CALLBACK} in the chart's values to {address}/api/user/token"
    if not callback:
        raise wrong(
            f"{_CALLBACK} is not set, so the Server makes one up from what a proxy sends it, with http://", remedy
        )
    try:
        parse_url(callback)
    except ValueError:
        raise wrong(f"{_CALLBACK} is no URL: {quote(callback)}", remedy) from None
    if urlsplit(callback).scheme != "https":
        raise wrong(f"{_CALLBACK} is not https: {quote(callback)}", remedy)
    if external is not None and url_endpoint(callback) != url_endpoint(external):
        raise wrong(f"{_CALLBACK} leads to {quote(callback)}, not to {external}", remedy)
    return f"users are sent back to {quote(callback)}"


def tracing(objects: Objects, _: Wanted) -> str:
    """Meshery Server has OTEL_CONFIG set, with an endpoint; without it, it sends no traces."""
    settings = environment_of(server_container(server(objects)), "OTEL_CONFIG")
    remedy = "set env.OTEL_CONFIG to YAML with service_name and endpoint"
    if not settings:
        raise wrong("OTEL_CONFIG is not set, so the Server sends no traces", remedy)
    if not _ENDPOINT.search(settings):
        raise wrong("OTEL_CONFIG names no endpoint to send traces to", remedy)
    return "OTEL_CONFIG is set, and names an endpoint"
