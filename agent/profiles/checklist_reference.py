"""Writes docs/checklist.md from rules and rows: `python -m agent.profiles.checklist_reference > docs/checklist.md`."""

import sys
from collections.abc import Iterable, Iterator

import yaml

from agent.probes._checklist_rule import Resource, Rule, RuleName
from agent.probes._checklist_rules import RULES
from agent.profiles.catalogue import Catalogue, Row, catalogue

_HEAD = """\
# The resiliency checklist

<!-- Written by `make docs` from the code. Do not edit. -->

Meshery's documents on availability, networking and production say how it should be installed. What of that shows in
the objects of its cluster is a rule here, and each rule is a row of its own: a check with a state on the status page,
`probe_success{check="checklist-..."}` among the metrics, and a severity, which is *ticket* or *info*. Nobody is paged.

A rule is **up** where the objects are as the document wants them, with a sentence of what was found; **degraded**
where they are not, with the very fact that is wrong and what to do; and **unknown** where it cannot be known, with
what it would take. Any of them can be switched off, or be given another severity, under `rows` of the deployment.

## Switching it on

The rows are off until a deployment says `checklist`, because they take rights that an agent need not have:

```yaml
vantage: [operations]
deployments:
  - name: meshery                     # as discovery names what it finds in the namespace meshery
    profile: meshery
    namespace: meshery                # where Meshery Server is
    external_url: https://meshery.example.com
    checklist: true                   # or what differs: {server_replicas: 3, autoscaling: true, control_plane_nodes: 3}
    attest: {recovery_drill: 2026-09-01, config_repository: https://git.example.com/meshery}
```

The agent asks the API with the service account of its own pod; `checklist.kubeconfig` leads elsewhere. All keys are in
the [configuration reference](configuration.md). While the API cannot be reached, the row `checklist-api` is down and
the others are blocked. Objects are listed every five minutes, in pages, and nothing is kept or watched.

## Rights

The verb is `list` everywhere, and nothing is ever written. Secrets and ConfigMaps are not read: a variable that comes
from one makes its rule unknown. A right that is missing makes the rows that need it `auth_rejected`, with its name.

```yaml
"""
_BETWEEN = """\
```

Bind both to the service account of the agent. Where no ClusterRole is to be had, all rows but two need the Role alone;
switch off {rows}.

## Rules
"""


def page(profile: str) -> str:
    """The page in Markdown."""
    return "\n".join(_lines(catalogue(profile))) + "\n"


def roles() -> tuple[dict[str, object], ...]:
    """The Role and the ClusterRole with exactly the rights that the rules take, for a Meshery in `meshery`."""
    resources = dict.fromkeys(resource for rule in RULES.values() for resource in rule.resources)
    return (
        _role("Role", [resource for resource in resources if resource.namespaced], namespace="meshery"),
        _role("ClusterRole", [resource for resource in resources if not resource.namespaced]),
    )


def _role(kind: str, resources: Iterable[Resource], **place: str) -> dict[str, object]:
    plurals: dict[str, list[str]] = {}
    for resource in resources:
        listed = plurals.setdefault(resource.group, [])
        listed += [resource.plural] if resource.plural not in listed else []
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "reachd-checklist", **place},
        "rules": [{"apiGroups": [group], "resources": names, "verbs": ["list"]} for group, names in plurals.items()],
    }


def _lines(profile: Catalogue) -> Iterator[str]:
    rows = [(row, RuleName(str(row.probe["rule"]))) for row in profile.rows if row.probe["kind"] == "checklist"]
    of_the_cluster = [row.id for row, name in rows if any(not each.namespaced for each in RULES[name].resources)]
    yield _HEAD + yaml.safe_dump_all(roles(), sort_keys=False, default_flow_style=None, width=110).rstrip()
    yield _BETWEEN.format(rows=" and ".join(f"`{row}`" for row in of_the_cluster))
    yield "| row | what for | severity |\n|---|---|---|"
    yield from (f"| [`{row.id}`](#{row.id}) | {row.purpose} | {row.severity} |" for row, _ in rows)
    for row, name in rows:
        yield ""
        yield from _rule(profile, row, name)
    yield ""
    yield "## What is no rule"
    yield ""
    yield "| what the documents advise | why it is none |\n|---|---|"
    yield from (f"| {each.what} | {' '.join(each.why.split())} |" for each in profile.not_rules)


def _rule(profile: Catalogue, row: Row, name: RuleName) -> Iterator[str]:
    yield f"### {row.id}"
    yield ""
    yield f"{' '.join((RULES[name].judge.__doc__ or '').split())}"
    yield ""
    sources = (
        f"{profile.documents[reference.document].title}, {reference.section}"
        + (f" (“{reference.line}”)" if reference.line else "")
        for reference in row.references
    )
    yield f"- Why: {'; '.join(sources)}."
    yield f"- Up: {_words(row, 'up')}"
    if "degraded" in row.meaning:
        yield f"- Degraded, and what to do: {_words(row, 'degraded')}"
    if "unknown" in row.meaning:
        yield f"- Unknown: {_words(row, 'unknown')}"
    yield f"- Takes: {_rights(RULES[name])}. Rule `{name}`, severity {row.severity}."


def _words(row: Row, answer: str) -> str:
    return " ".join(row.meaning[answer].split())


def _rights(rule: Rule) -> str:
    namespaced = [f"`{each}`" for each in rule.resources if each.namespaced]
    others = [f"`{each}`" for each in rule.resources if not each.namespaced]
    parts = [
        *([f"`list` of {', '.join(namespaced)} in the namespace"] if namespaced else []),
        *([f"`list` of {', '.join(others)} in the cluster"] if others else []),
    ]
    return ", and ".join(parts) or "no rights, and no connection"


if __name__ == "__main__":
    sys.stdout.write(page(*(sys.argv[1:2] or ["meshery"])))
