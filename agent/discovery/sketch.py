"""A first configuration for what was found in a cluster, with comments on what people have to decide."""

from collections.abc import Iterator, Mapping, Sequence

from agent.discovery.meshery import Installation
from agent.profiles.catalogue import catalogue
from agent.settings.yaml_text import yaml_lines

_HEAD = """\
# Written by `reachd init`. docs/configuration.md says what each key means, `reachd validate FILE` what is wrong."""
_MINIMAL = """\
# An example, to be replaced:
checks:
  - name: docs-site
    probe: {kind: http, url: https://docs.example.com/}

# Meshery, where the chart and the Operator put it:
# deployments:
#   - name: meshery
#     profile: meshery
#     server: http://meshery.meshery.svc:9081
#     external_url: https://meshery.example.com
#     broker: {address: meshery-nats.meshery.svc:4222, monitor: http://meshery-nats.meshery.svc:8222}
#     provider: https://cloud.meshery.io"""
_AGENT = """\
listen: 0.0.0.0:9886        # metrics, health, API and status page

# Where this agent stands. `reachd targets --config FILE` tells what can be tested from where. A sidecar of Meshery
# Server has the vantage server, and sees what the Server can reach."""
_KEYS = ("server", "external_url", "broker", "provider", "operator", "adapters", "perf")
_ABSENT = {"broker": "broker.address", "operator": "operator.metrics"}
"""Keys under another name in the catalogue's words on what is absent."""
_BESIDE = {
    "external_url": (
        "# What only users who have signed in can see, such as the WebSocket through the ingress, needs a session:",
        "# session: {provider: Meshery, token_file: /run/secrets/meshery/token}",
    ),
    "broker": (
        "  # Brokers of Operator 1.0 and newer want the token in the Secret meshery-nats-auth:",
        "  # token_file: /run/secrets/nats/token",
    ),
}
"""What goes with a key and cannot be found."""


def sketch(found: Sequence[Installation], cluster: Mapping[str, object] | None, remarks: Sequence[str]) -> str:
    """The text of a valid configuration.

    cluster: how the agent reaches the cluster, as an entry of `clusters`. remarks: what the reader should know first.
    """
    head = [_HEAD, *(f"# {remark}" for remark in remarks), ""]
    if not found:
        return "\n".join([*head, _MINIMAL, ""])
    vantages = [*(["client"] if any("external_url" in each.settings for each in found) else []), "operations"]
    body = [line for each in found for line in _deployment(each, cluster)]
    return "\n".join([*head, _AGENT, f"vantage: [{', '.join(vantages)}]", "", "deployments:", *body, ""])


def _deployment(found: Installation, cluster: Mapping[str, object] | None) -> Iterator[str]:
    first, *rest = yaml_lines({key: found.settings[key] for key in ("name", "profile", "namespace")}, "    ")
    yield f"  - {first.strip()}"
    yield from rest
    absent = catalogue("meshery").absent
    for key in _KEYS:
        if key in found.settings:
            yield f"    # Found by: {found.found_by[key]}"
            yield from yaml_lines({key: _literally(found.settings[key])}, "    ")
            yield from (f"    {line}" for line in _BESIDE.get(key, ()))
        elif hint := absent.get(_ABSENT.get(key, key)):
            yield f"    # {hint[0].upper()}{hint[1:]}"
    if cluster is not None:
        yield "    # The clusters that Meshery manages, as the agent reaches them:"
        yield from yaml_lines({"clusters": [_literally(cluster)]}, "    ")


def _literally(value: object) -> object:
    """The value, so that nothing in it is taken for an environment variable."""
    if isinstance(value, Mapping):
        return {str(key): _literally(item) for key, item in value.items()}
    return value.replace("$", "$$") if isinstance(value, str) else value
