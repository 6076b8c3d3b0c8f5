"""What the chart's values change, and which it refuses."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import yaml

from agent.core.version import VERSION
from alerts.rule import Links
from tests.packages.cases import EVERYTHING, by_helm
from tests.packages.manifests import (
    API_VERSIONS,
    CHART,
    KUSTOMIZATIONS,
    MONITORS,
    ROOT,
    Json,
    agents,
    configurations,
    helm,
    merged,
    of_kind,
    pods,
    rendered,
    selected,
)
from tests.servers.commands import CommandError

pytestmark = [pytest.mark.slow, pytest.mark.servers("helm")]


def test_it_has_no_faults_that_helm_knows() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART)


def test_packages_are_of_the_agents_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
    assert yaml.safe_load((KUSTOMIZATIONS / "post-renderer" / "plugin.yaml").read_text())["version"] == VERSION


@pytest.mark.parametrize(
    "value",
    [
        "unknown=1",
        "observer.node=true",
        "observer.replicas=0",
        "observer.namespaces=null",
        "observer.config=null",
        "observer.config.web=tls",
        "deployment.config=null",
        "image.repository=null",
        "serviceMonitor.sidecarNamespaces=null",
        "prometheusRule.runbooks=null",
        "observer=null",
        "daemonset=null",
        "image=null",
        "observer.namespaces[0]=Meshery",
        "observer.config.kubernetes.nodes=true",
        "observer.config.listen=0.0.0.0:1",
        "daemonset.replicas=2",
        "image.digest=latest",
        "podMonitor.interval=often",
        "prometheusRule.runbooks=docs/runbooks",
    ],
)
def test_it_refuses_what_its_schema_does_not_know(value: str) -> None:
    with pytest.raises(CommandError, match="meet the specifications of the schema"):
        rendered(f"--set={value}")


@pytest.mark.parametrize("key", ["podMonitor", "serviceMonitor", "networkPolicy", "dashboards"])
def test_what_is_taken_away_whole_is_not_wanted(key: str) -> None:
    assert rendered(f"--set={key}=null") == rendered(f"--set={key}.enabled=false")


def test_agents_of_pods_with_ipv6_alone_listen_there() -> None:
    manifests = rendered("--set-string=observer.config.listen=[::]:9886")
    assert merged(configurations(manifests)["reachd-observer"])["listen"] == "[::]:9886"


@pytest.mark.parametrize("enabled", [True, False])
def test_a_parent_chart_decides_whether_it_is_wanted(enabled: bool, tmp_path: Path) -> None:
    dependency = {"name": "reachd", "version": VERSION, "condition": "reachd.enabled"}
    parent = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(parent))
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "reachd").symlink_to(CHART)
    assert bool(rendered(f"--set=reachd.enabled={str(enabled).lower()}", chart=tmp_path)) is enabled


def test_every_object_of_the_schema_names_its_keys() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert_known(values, schema)


def assert_known(values: Json, schema: Json) -> None:
    """Every key of the values is in the schema, and no other one is allowed."""
    assert schema["additionalProperties"] is False
    for key, value in values.items():
        known = schema["properties"][key]
        if isinstance(value, dict) and "properties" in known:
            assert_known(value, known)


def test_all_namespaces_take_a_cluster_role() -> None:
    manifests = rendered("--set-json=observer.namespaces=[]")
    [role] = of_kind(manifests, "ClusterRole")
    assert role["metadata"]["name"] == "reachd-observer-watched"
    assert [each["metadata"]["name"] for each in of_kind(manifests, "Role")] == ["reachd-observer"]
    assert "namespaces" not in merged(configurations(manifests)["reachd-observer"])["kubernetes"]


def test_each_watched_namespace_has_the_role() -> None:
    manifests = rendered('--set-json=observer.namespaces=["east","west"]')
    for kind in ("Role", "RoleBinding"):
        watched = [
            each["metadata"] for each in of_kind(manifests, kind) if each["metadata"]["name"].endswith("-watched")
        ]
        assert [metadata["namespace"] for metadata in watched] == ["east", "west"]
    assert merged(configurations(manifests)["reachd-observer"])["kubernetes"]["namespaces"] == ["east", "west"]


@pytest.mark.parametrize("nobody", ["[]", "null"])
def test_a_policy_that_names_nobody_lets_in_only_its_own_test(nobody: str) -> None:
    manifests = rendered("--set=networkPolicy.enabled=true", f"--set-json=networkPolicy.from={nobody}")
    [policy] = of_kind(manifests, "NetworkPolicy")
    [test] = [pod for pod in pods(manifests) if not agents(pod)]
    [rule] = policy["spec"]["ingress"]
    [peer] = rule["from"]
    assert selected(peer["podSelector"]["matchLabels"], manifests) == [test]


def test_a_new_configuration_restarts_the_agent() -> None:
    first, same, other = (rendered(*flags) for flags in ([], [], ["--set=observer.config.environment=production"]))
    checksums = [next(pods(each))["metadata"]["annotations"]["checksum/config"] for each in (first, same, other)]
    assert checksums[0] == checksums[1] != checksums[2]


def test_a_digest_wins_over_the_tag() -> None:
    digest = f"sha256:{'0' * 64}"
    for pod in pods(rendered(f"--set=image.repository=registry.test/reachd,image.tag=edge,image.digest={digest}")):
        assert pod["spec"]["containers"][0]["image"] == f"registry.test/reachd@{digest}"


def test_probes_speak_tls_where_the_agent_does() -> None:
    tls = "--set=observer.config.web.tls.cert_file=/tls/tls.crt,observer.config.web.tls.key_file=/tls/tls.key"
    [agent] = [agent for pod in pods(rendered(tls)) for agent in agents(pod)]
    for probe in ("livenessProbe", "readinessProbe"):
        assert agent[probe]["httpGet"]["scheme"] == "HTTPS"


def test_what_a_pod_needs_can_be_added() -> None:
    wanted: Json = {
        "env": [{"name": "HTTPS_PROXY", "value": "http://proxy.test:3128"}],
        "volumes": [{"name": "nats", "secret": {"secretName": "meshery-nats-auth"}}],
        "volumeMounts": [{"name": "nats", "mountPath": "/run/secrets/nats"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "monitoring",
        "podAnnotations": {"example.test/owner": "sre"},
    }
    for mode in ("observer", "daemonset", "deployment"):
        flags = [f"--set-json={mode}.{key}={json.dumps(value)}" for key, value in wanted.items()]
        manifests = rendered("--set=observer.enabled=false", f"--set={mode}.enabled=true", *flags)
        [pod] = [pod for pod in pods(manifests) if agents(pod)]
        [agent] = agents(pod)
        for key in ("env", "volumeMounts"):
            assert wanted[key][0] in agent[key]
        assert wanted["volumes"][0] in pod["spec"]["volumes"]
        for key in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
            assert pod["spec"][key] == wanted[key]
        assert wanted["podAnnotations"].items() <= pod["metadata"]["annotations"].items()


@pytest.mark.parametrize(
    ("monitor", "endpoints"), [("podMonitor", "podMetricsEndpoints"), ("serviceMonitor", "endpoints")]
)
def test_an_endpoint_of_ones_own_keeps_what_the_rules_rely_on(monitor: str, endpoints: str) -> None:
    own = {"targetLabel": "cluster", "replacement": "east"}
    endpoint = json.dumps({"scheme": "https", "relabelings": [own]})
    manifests = rendered(f"--set={monitor}.enabled=true", f"--set-json={monitor}.endpoint={endpoint}")
    [made] = of_kind(manifests, *MONITORS)
    [found] = made["spec"][endpoints]
    assert (found["scheme"], found["honorLabels"], found["port"]) == ("https", True, "http")
    assert [each["targetLabel"] for each in found["relabelings"]] == ["job", "node", "cluster"]


def test_the_resources_of_prometheus_operator_need_their_definitions() -> None:
    flags = [f"--set={key}.enabled=true" for key in ("podMonitor", "serviceMonitor", "prometheusRule")]
    without = helm("template", "reachd", CHART, *flags)
    assert not any(f"kind: {kind}" in without for kind in MONITORS)
    notes = helm("install", "reachd", CHART, *flags, "--dry-run=client", "--hide-notes=false")
    for key in ("podMonitor", "serviceMonitor", "prometheusRule"):
        assert f"{key}.enabled is set, but this cluster has no" in notes


@pytest.mark.parametrize(("replicas", "told"), [(1, False), (2, True)])
def test_the_notes_tell_which_of_several_replicas_has_the_checks(replicas: int, told: bool) -> None:
    flags = [f"--set=observer.replicas={replicas}", "--dry-run=client", "--hide-notes=false"]
    _, _, notes = helm("install", "reachd", CHART, "--namespace=reachd", *flags).rpartition("NOTES:")
    assert ("kubectl --namespace reachd get lease reachd-observer-leader" in notes) is told


def test_the_rules_are_those_of_the_repository_with_links_of_ones_own() -> None:
    links = {"runbooks": "https://wiki.example.org/reachd", "dashboards": "https://pictures.example.org"}
    flags = [f"--set=prometheusRule.{key}={url}" for key, url in links.items()]
    manifests = rendered("--set=prometheusRule.enabled=true", "--set=prometheusRule.labels.release=prometheus", *flags)
    found = {each["metadata"]["name"]: each for each in of_kind(manifests, "PrometheusRule")}
    files = sorted((ROOT / "alerts" / "rules").glob("*.yaml"))
    assert sorted(found) == [file.stem for file in files]
    for file in files:
        text = file.read_text()
        for key, example in (("runbooks", Links().runbooks), ("dashboards", Links().dashboards)):
            assert example in text
            text = text.replace(example, links[key])
        assert found[file.stem]["spec"] == yaml.safe_load(text)
        assert found[file.stem]["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboards_are_those_of_the_repository_with_links_of_ones_own() -> None:
    runbooks = "https://wiki.example.org/reachd"
    manifests = rendered("--set=dashboards.enabled=true", f"--set=prometheusRule.runbooks={runbooks}")
    shown = [each for each in of_kind(manifests, "ConfigMap") if "-dashboard-" in each["metadata"]["name"]]
    texts = {name: text for each in shown for name, text in each["data"].items()}
    files = {file.name: file.read_text() for file in (ROOT / "dashboards").glob("*.json")}
    assert texts.keys() == files.keys()
    for name, text in files.items():
        assert Links().runbooks in text
        assert json.loads(texts[name]) == json.loads(text.replace(Links().runbooks, runbooks))
    assert all(each["metadata"]["labels"]["grafana_dashboard"] == "1" for each in shown)


def test_a_package_holds_the_dashboards_and_not_what_makes_them(tmp_path: Path) -> None:
    helm("package", CHART, "--destination", tmp_path)
    [package] = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        names = [Path(name).relative_to("reachd/dashboards") for name in archive.getnames() if "/dashboards/" in name]
    assert {str(name) for name in names} == {file.name for file in (ROOT / "dashboards").glob("*.json")}


def test_its_own_test_asks_every_agent() -> None:
    [test] = [pod for pod in pods(by_helm(EVERYTHING)) if not agents(pod)]
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    urls = [word for word in test["spec"]["containers"][0]["args"] if "://" in word]
    names = {url.partition("://")[2].partition(".")[0] for url in urls}
    assert names == {each["metadata"]["name"] for each in of_kind(by_helm(EVERYTHING), "Service")}


def test_long_names_of_a_release_are_cut() -> None:
    release = "r" * 53
    text = helm("template", release, CHART, "--set=daemonset.enabled=true,deployment.enabled=true", *API_VERSIONS)
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(text) if each]
    assert all(len(name) <= 63 for name in names)
