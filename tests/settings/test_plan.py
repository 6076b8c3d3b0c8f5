"""From a configuration to checks, warnings and what may be shown of it."""

from pathlib import Path

import pytest
import yaml

from agent.core.check import Plan, Severity, Vantage
from agent.core.durations import duration
from agent.profiles.deployment import Deployment
from agent.settings.load import load
from agent.settings.mask import masked_yaml
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.snapshot import Snapshot
from agent.settings.targets import read_targets
from agent.settings.warnings import warnings

EXAMPLES = Path(__file__).parents[2] / "config"
NAMES = ("minimal", "meshery-sidecar", "meshery-deployment", "custom-checks", "all-options")


def configuration_of(tmp_path: Path, text: str, **environment: str) -> Configuration:
    file = tmp_path / "configuration.yaml"
    file.write_text(text, encoding="utf-8")
    return load([file], environment)


def example(name: str) -> Configuration:
    return load([EXAMPLES / f"{name}.yaml"], {})


def test_a_check_of_your_own_takes_what_it_does_not_say_from_the_defaults(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path,
        """
vantage: [client, server]
defaults: {every: 20s, timeout: 2s, slo: 0.9, latency_objective: 100ms}
checks:
  - name: docs
    probe: {kind: tcp, address: "docs.example.com:443"}
  - name: site
    every: 1m
    timeout: 3s
    slo: 0.99
    latency_objective: 1s
    severity: page
    depends_on: [docs, docs]
    labels: {team: web}
    probe: {kind: dns, name: docs.example.com, server: "192.0.2.1:53"}
""",
    )
    docs, site = plan(configuration).checks
    assert str(docs.key) == "default/docs"
    assert (docs.system, docs.component, docs.vantage, docs.kind) == ("custom", "custom", "client", "tcp")
    assert (docs.every, docs.timeout, docs.slo, docs.latency_objective) == (20.0, 2.0, 0.9, 0.1)
    assert (docs.severity, docs.host, docs.target) == (Severity.TICKET, "docs.example.com", "docs.example.com:443")
    assert (docs.path.source, docs.path.destination, docs.path.port) == ("client", "docs.example.com", "443/tcp")
    assert (site.every, site.timeout, site.slo, site.latency_objective) == (60.0, 3.0, 0.99, 1.0)
    assert (site.severity, site.depends_on, site.labels) == (Severity.PAGE, ("docs",), (("team", "web"),))
    assert (site.host, site.path.port, site.path.purpose) == ("192.0.2.1", "53/udp", "your own check")


def test_the_same_file_gives_equal_checks(tmp_path: Path) -> None:
    text = "checks:\n  - name: docs\n    probe: {kind: http, url: http://docs.example.com/, headers: {Accept: a}}\n"
    assert plan(configuration_of(tmp_path, text)) == plan(configuration_of(tmp_path, text))


CONFIGURED = """
defaults: {every: 10s, timeout: 5s}
deployments: [{name: prod, profile: meshery, server: "http://meshery:9081"}]
checks:
  - {name: docs, probe: {kind: tcp, address: "docs.example.com:443"}}
"""


def snapshot(source: str, text: str, *problems: str) -> Snapshot:
    found = read_targets(text.encode(), source)
    return Snapshot(source, found.checks, found.deployments, problems)


def one(name: str, **keys: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"checks: [{{name: {name}, probe: {{kind: tcp, address: 'found.example.com:1'}}{more}}}]\n"


def test_what_sources_find_comes_after_the_configuration_and_names_its_source(tmp_path: Path) -> None:
    configuration = configuration_of(tmp_path, CONFIGURED)
    found = snapshot("files", one("site") + "deployments: [{name: east, profile: meshery, server: 'http://east:1'}]\n")
    before, wanted = plan(configuration), plan(configuration, [found, snapshot("dns", one("nats"))])
    assert wanted.problems == ()
    assert all(check in wanted.checks for check in before.checks)
    assert {(check.deployment, check.origin) for check in wanted.checks} == {
        ("prod", "static"),
        ("east", "files"),
        ("default", "static"),
        ("default", "files"),
        ("default", "dns"),
    }
    assert [check.name for check in wanted.checks if check.deployment == "default"] == ["docs", "site", "nats"]
    assert {row.deployment for row in wanted.untestable} == {"prod", "east"}
    assert wanted.checks[-1].every == 10.0


def test_a_name_that_is_taken_stays_with_its_first_owner(tmp_path: Path) -> None:
    configuration = configuration_of(tmp_path, CONFIGURED)
    deployment = "deployments: [{name: prod, profile: meshery, server: 'http://other:1'}]\n"
    another = Deployment.model_construct(name="prod", profile="another")
    wanted = plan(
        configuration,
        [
            Snapshot("early", deployments=(another,)),
            snapshot("files", one("docs") + deployment, "it rains"),
            snapshot("late", deployment),
            snapshot("files", one("site")),
            snapshot("files", one("site", every="1s")),
            snapshot("dns", one("site")),
        ],
    )
    assert [(check.name, check.origin) for check in wanted.checks if check.deployment == "default"] == [
        ("docs", "static"),
        ("site", "files"),
    ]
    assert [check for check in wanted.checks if "other" in check.target] == []
    assert wanted.problems == (
        "early: the deployment prod is left out: the configuration has one of this name already",
        "files: it rains",
        "files: the check docs is left out: the configuration has one of this name already",
        "late: the deployment prod is left out: the configuration has one of this name already",
        "files: the check site is left out: it is found twice",
        "dns: the check site is left out: files has one of this name already",
    )


@pytest.mark.parametrize(
    ("configured", "found", "targets"),
    [
        pytest.param(
            "checklist: true",
            "server: http://found:1",
            {"server-live": "http://found:1/healthz/live", "checklist-api": "https://kubernetes.default.svc"},
            id="what-is-left-out-is-as-found",
        ),
        pytest.param(
            "server: http://mine:1",
            "{server: 'http://found:1', provider: 'https://found.example.com'}",
            {"server-live": "http://mine:1/healthz/live", "provider": "https://found.example.com/"},
            id="the-configuration-wins",
        ),
        pytest.param(
            "broker: {monitor: http://mine:8222}",
            "broker: {address: 'found:4222', monitor: 'http://found:8222'}",
            {"broker-monitor": "http://mine:8222", "broker-client": None},
            id="a-key-is-taken-whole",
        ),
        pytest.param(
            "adapters: {}",
            "adapters: {istio: 'found:10000'}",
            {"adapter-istio": None},
            id="nothing-may-be-said-too",
        ),
        pytest.param(
            "session: {provider: Meshery, token_file: /token}",
            "{server: 'http://found:1', external_url: 'https://other:1', provider: 'https://found.example.com'}",
            {"session": None, "session-external": None, "provider": "https://found.example.com/"},
            id="no-token-is-shown-where-only-a-source-says-so",
        ),
        pytest.param(
            "session: {local_provider: true}",
            "{server: 'http://found:1', external_url: 'https://found.example.com'}",
            {"session": "http://found:1/api/user", "session-external": "https://found.example.com/api/user"},
            id="without-a-token-there-is-none-to-show",
        ),
    ],
)
def test_a_configured_deployment_is_completed_by_the_one_that_is_found(
    tmp_path: Path, configured: str, found: str, targets: dict[str, str | None]
) -> None:
    wanted = completed_plan(tmp_path, configured, found)
    assert wanted.problems == ()
    assert {check.origin for check in wanted.checks} <= {"static"}
    planned = {check.name: check.target for check in wanted.checks}
    assert {name: planned.get(name) for name in targets} == targets
    untestable = {row.name for row in wanted.untestable}
    assert {name for name, target in targets.items() if target is None and "adapter" not in name} <= untestable


def test_what_does_not_go_together_stays_as_it_is_configured(tmp_path: Path) -> None:
    found = "{server: 'http://found:1', adapters: {istio: 'found:1'}, rows: {adapter-istio: {severity: info}}}"
    wanted = completed_plan(tmp_path, "adapters: {consul: 'mine:1'}", found)
    names = {check.name for check in wanted.checks}
    assert "adapter-consul" in names
    assert names.isdisjoint({"adapter-istio", "server-live"})
    (problem,) = wanted.problems
    assert problem.startswith(
        "files: what is found of the deployment prod does not go together with the configuration:"
    )
    assert "unknown row 'adapter-istio'" in problem


def completed_plan(folder: Path, configured: str, found: str) -> Plan:
    """The plan for a deployment whose keys are partly configured and partly found."""
    vantages = ", ".join(vantage for vantage in Vantage)
    head = {"name": "prod", "profile": "meshery"}
    whole, part = (yaml.safe_dump({"deployments": [head | yaml.safe_load(keys)]}) for keys in (configured, found))
    configuration = configuration_of(folder, f"vantage: [{vantages}]\n{whole}")
    return plan(configuration, [snapshot("files", part)])


def test_times_that_do_not_fit_the_defaults_leave_a_check_out_and_nothing_else(tmp_path: Path) -> None:
    configuration = configuration_of(tmp_path, "defaults: {every: 10s, timeout: 5s}\n")
    text = """
checks:
  - {name: quick, every: 1s, probe: {kind: dns, name: a}}
  - {name: slow, timeout: 20s, probe: {kind: dns, name: a}}
  - {name: behind, depends_on: [slow, quick], probe: {kind: dns, name: a}}
deployments:
  - {name: east, profile: meshery, server: "http://east:1", rows: {server-live: {timeout: 20s}}}
"""
    wanted = plan(configuration, [snapshot("files", text)])
    custom = {check.name: check for check in wanted.checks if check.deployment == "default"}
    assert set(custom) == {"quick", "behind"}
    assert (custom["quick"].every, custom["quick"].timeout) == (1.0, 1.0)
    assert custom["behind"].depends_on == ("quick",)
    rows = {check.name for check in wanted.checks if check.deployment == "east"}
    assert "server-ready" in rows
    assert "server-live" not in rows
    assert [problem.partition(" the timeout")[0] for problem in wanted.problems] == [
        "files: east/server-live is left out:",
        "files: default/slow is left out:",
    ]


def test_a_dependency_is_never_on_a_check_of_the_same_name_from_elsewhere(tmp_path: Path) -> None:
    base = "{name: base, probe: {kind: dns, name: a}}"
    configuration = configuration_of(
        tmp_path, f"checks: [{base}, {{name: own, depends_on: [base], probe: {{kind: dns, name: a}}}}]\n"
    )
    text = f"""
checks:
  - {base}
  - {{name: next, probe: {{kind: dns, name: b}}}}
  - {{name: x, depends_on: [base, next], probe: {{kind: dns, name: b}}}}
"""
    files = snapshot("files", text)
    template = [it.model_copy(update={"name": "found", "depends_on": ("base",)}) for it in files.checks[:1]]
    wanted = plan(configuration, [files, Snapshot("dns", tuple(template))])
    assert wanted.problems == ("files: the check base is left out: the configuration has one of this name already",)
    assert {check.name: check.depends_on for check in wanted.checks} == {
        "base": (),
        "own": ("base",),
        "next": (),
        "x": ("next",),
        "found": ("base",),
    }


def test_many_problems_are_told_in_short(tmp_path: Path) -> None:
    found = Snapshot("files", problems=tuple(f"problem {number}" for number in range(50)))
    problems = plan(configuration_of(tmp_path, ""), [found]).problems
    assert len(problems) == 21
    assert problems[-1] == "files: and 30 more problems"


def test_a_host_that_may_hold_too_many_probes_is_a_warning(tmp_path: Path) -> None:
    checks = "".join(
        f"  - {{name: c-{port}, every: 10s, timeout: 5s, probe: {{kind: tcp, address: 'crowded.example:{port}'}}}}\n"
        for port in range(1, 6)
    )
    text = "limits: {per_host: 2, in_flight: 2}\nchecks:\n" + checks
    said = [str(warning) for warning in warnings(configuration_of(tmp_path, text))]
    place = f"{tmp_path}/configuration.yaml:1"
    assert said == [
        f"{place}: limits.per_host: if crowded.example hangs, its checks want 2.5 probes at the same time, but only "
        "2 may run, so slots will be missed; raise limits.per_host or every, or lower timeout",
        f"{place}: limits.in_flight: if all targets hang, their checks want 2.5 probes at the same time, but only "
        "2 may run, so slots will be missed; raise limits.in_flight or every, or lower timeout",
    ]
    enough = text.replace("per_host: 2, in_flight: 2", "per_host: 3, in_flight: 3")
    assert warnings(configuration_of(tmp_path, enough)) == []


def test_missing_files_and_nothing_to_do_are_warnings(tmp_path: Path) -> None:
    there = tmp_path / "password"
    there.write_text("secret", encoding="utf-8")
    configuration = configuration_of(
        tmp_path,
        f"state_file: {tmp_path}/not-there-yet\n"
        f"web: {{basic_auth: {{username: a, password_file: {there}}}}}\n"
        "otlp: {endpoint: 'http://collector:4318', headers_file: /nonexistent/headers}\n",
    )
    file = tmp_path / "configuration.yaml"
    assert [str(warning) for warning in warnings(configuration)] == [
        f"{file}:3: otlp.headers_file: the file /nonexistent/headers is missing or cannot be read; "
        "it is looked for again whenever it is needed",
        "checks: there is nothing to check; add deployments or checks",
    ]


def test_there_is_something_to_check_where_something_is_to_be_discovered(tmp_path: Path) -> None:
    assert warnings(configuration_of(tmp_path, "discovery: {files: [{path: targets.yaml}]}\n")) == []


def test_a_kubeconfig_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    user: dict[str, object] = {"exec": {"command": "aws"}}
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "current-context": "east",
                "clusters": [{"name": "c", "cluster": {"server": "https://east.example.com"}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "east", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    configuration = configuration_of(
        tmp_path,
        "vantage: [server, operator]\n"
        "deployments:\n"
        "  - name: prod\n"
        "    profile: meshery\n"
        "    clusters:\n"
        f"      - {{name: east, kubeconfig: {kubeconfig}}}\n"
        "      - {name: west, kubeconfig: /nonexistent/kubeconfig}\n",
    )
    said = [str(warning) for warning in warnings(configuration)]
    assert said == [
        f"{tmp_path}/configuration.yaml:7: deployments[prod].clusters[west].kubeconfig: the file "
        "/nonexistent/kubeconfig is missing or cannot be read; it is looked for again whenever it is needed",
        f"{tmp_path}/configuration.yaml:6: deployments[prod].clusters[east].kubeconfig: cannot use the kubeconfig "
        f"{kubeconfig}: the user of context 'east' signs in by an exec plugin, which is a program that reachd does "
        "not run; give it a ServiceAccount's token; until then its checks are unknown",
    ]


def test_a_deployment_without_a_row_for_the_vantage_is_a_warning(tmp_path: Path) -> None:
    text = """
vantage: [adapter, node]
deployments:
  - {name: bare, profile: meshery}
  - name: "off"
    profile: meshery
    rows: {meshsync-kubernetes-api: {enabled: false}, operator-kubernetes-api: {enabled: false}}
"""
    said = [str(warning) for warning in warnings(configuration_of(tmp_path, text))]
    beginning = f"{tmp_path}/configuration.yaml:2: vantage: no row of deployment"
    assert said == [
        f"{beginning} bare can be tested from vantage adapter or node; there are rows for meshsync, operator",
        f"{beginning} off can be tested from vantage adapter or node, nor from any other",
    ]
    discovery = "discovery: {files: [{path: /targets/*.yaml}]}\n"
    with_discovery = [warning.message for warning in warnings(configuration_of(tmp_path, text + discovery))]
    assert [message.rpartition(", ")[2] for message in with_discovery] == ["unless discovery finds more of it"] * 2
    with_rows = configuration_of(tmp_path, text.partition("  - name")[0].replace("adapter", "meshsync"))
    assert warnings(with_rows) == []


def test_a_page_that_depends_on_what_does_not_page_is_a_warning(tmp_path: Path) -> None:
    def checks(shop: str, *others: str) -> str:
        names = [(f"other-{number}", severity) for number, severity in enumerate(others)]
        listed = [f"{{name: {name}, severity: {it}, probe: {{kind: dns, name: b.example}}}}" for name, it in names]
        of_all = f"depends_on: [{', '.join(name for name, _ in names)}]"
        rows = [*listed, f"{{name: shop, severity: {shop}, probe: {{kind: dns, name: s.example}}, {of_all}}}"]
        return "checks:\n" + "".join(f"  - {row}\n" for row in rows)

    said = [str(warning) for warning in warnings(configuration_of(tmp_path, checks("page", "page", "ticket", "info")))]
    assert said == [
        f"{tmp_path}/configuration.yaml:5: checks[shop].depends_on: this check pages, but while {other} is down it is "
        f"blocked, which ends its page, and the severity of {other} is {severity}; give that severity: page, or do not "
        "depend on it"
        for other, severity in (("other-1", "ticket"), ("other-2", "info"))
    ]
    assert warnings(configuration_of(tmp_path, checks("ticket", "page", "ticket", "info"))) == []


def test_rows_of_a_profile_that_page_may_depend_on_tickets(tmp_path: Path) -> None:
    text = (
        "vantage: [server, client]\n"
        "deployments:\n"
        "  - {name: prod, profile: meshery, external_url: 'https://a.example', session: {local_provider: true}}\n"
    )
    configuration = configuration_of(tmp_path, text)
    severities = {check.name: check.severity for check in plan(configuration).checks}
    assert any(
        check.severity is Severity.PAGE and severities[other] is not Severity.PAGE
        for check in plan(configuration).checks
        for other in check.depends_on
    )
    assert [warning for warning in warnings(configuration) if "blocked" in warning.message] == []


def test_a_state_file_without_a_directory_is_a_warning(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path,
        f"state_file: {tmp_path}/none/state.json\nchecks:\n" + "  - {name: a, probe: {kind: dns, name: b.example}}\n",
    )
    assert [str(warning) for warning in warnings(configuration)] == [
        f"{tmp_path}/configuration.yaml:1: state_file: there is no directory {tmp_path}/none, "
        "so nothing will be remembered; make it"
    ]


def test_a_state_file_that_is_a_directory_is_a_warning(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path, f"state_file: {tmp_path}\nchecks:\n" + "  - {name: a, probe: {kind: dns, name: b.example}}\n"
    )
    assert [str(warning) for warning in warnings(configuration)] == [
        f"{tmp_path}/configuration.yaml:1: state_file: {tmp_path} is a directory, so nothing will be remembered; "
        f"name a file, as in {tmp_path}/state.json"
    ]


def test_a_state_file_that_cannot_be_looked_at_is_a_warning(tmp_path: Path) -> None:
    name = "x" * 300
    configuration = configuration_of(
        tmp_path, f"state_file: /{name}\nchecks:\n" + "  - {name: a, probe: {kind: dns, name: b.example}}\n"
    )
    assert [str(warning) for warning in warnings(configuration)] == [
        f"{tmp_path}/configuration.yaml:1: state_file: /{name} cannot be looked at (File name too long), so nothing "
        "will be remembered; check name and rights"
    ]


def test_a_state_file_that_is_no_file_is_a_warning(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path, "state_file: /dev/null\nchecks:\n" + "  - {name: a, probe: {kind: dns, name: b.example}}\n"
    )
    assert [str(warning) for warning in warnings(configuration)] == [
        f"{tmp_path}/configuration.yaml:1: state_file: /dev/null is no regular file, so nothing will be remembered; "
        "name one, or leave the key out"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_calls_meshery_by_the_name_that_discovery_gives_it(name: str) -> None:
    checks = plan(example(name)).checks
    assert {check.deployment for check in checks if check.system == "meshery"} <= {"meshery"}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_draws_warnings_of_missing_files_only(name: str) -> None:
    said = [warning.message for warning in warnings(example(name)) if warning.path != "state_file"]
    assert [message for message in said if "is missing or cannot be read" not in message] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_load_without_any_environment(name: str) -> None:
    configuration = example(name)
    assert plan(configuration).checks
    assert yaml.safe_load(masked_yaml(configuration))


def test_one_example_shows_every_part() -> None:
    assert example("all-options").model_fields_set == set(Configuration.model_fields)


def test_the_effective_configuration_is_yaml_without_secrets(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path,
        """
listen: "127.0.0.1:${PORT}"
proxy: "http://user:${SECRET}@proxy.example.com:3128"
web: {basic_auth: {username: admin, password: "${SECRET}"}}
checks:
  - name: docs
    every: 90s
    probe:
      kind: http
      url: http://docs.example.com/?page=1
      body: "password=${SECRET}"
      headers: {X-Api-Key: "${SECRET}", Accept: "${TYPE}"}
      cookies: {session: {value: plain}}
      auth: {authorization: {credentials_file: /run/secrets/token}}
      expect: {body_matches: ['#: "yes"', "true"], headers: {Server: nginx}}
""",
        SECRET="hunter2",
        PORT="8080",
        TYPE="text/html",
    )
    text = masked_yaml(configuration)
    assert "hunter2" not in text
    shown = yaml.safe_load(text)
    assert shown["listen"] == "127.0.0.1:${PORT}"
    assert shown["proxy"] == "http://<secret>@proxy.example.com:3128"
    assert shown["web"] == {"basic_auth": {"username": "admin", "password": "<secret>"}}
    assert shown["defaults"]["every"] == "15s"
    check = shown["checks"][0]
    assert check["every"] == "1m30s"
    probe = check["probe"]
    assert probe["url"] == "http://docs.example.com/?page=1"
    assert probe["body"] == "password=${SECRET}"
    assert probe["headers"] == {"X-Api-Key": "<secret>", "Accept": "${TYPE}"}
    assert probe["cookies"] == {"session": {"value": "<secret>"}}
    assert probe["auth"] == {"authorization": {"type": "Bearer", "credentials_file": "/run/secrets/token"}}
    assert probe["expect"]["body_matches"] == ['#: "yes"', "true"]
    assert probe["expect"]["headers"] == {"Server": "nginx"}


def test_a_template_is_shown_as_it_is_written(tmp_path: Path) -> None:
    configuration = configuration_of(
        tmp_path,
        """
discovery:
  dns:
    - name: _web._tcp.example.com
      check: {name: web, probe: {kind: http, url: "http://{host}:{port}/${PAGE}", headers: {X-Api-Key: "${SECRET}"}}}
""",
        SECRET="hunter2",
        PAGE="index.html",
    )
    shown = masked_yaml(configuration)
    assert "hunter2" not in shown
    probe = yaml.safe_load(shown)["discovery"]["dns"][0]["check"]["probe"]
    assert probe == {"kind": "http", "url": "http://{host}:{port}/${PAGE}", "headers": {"X-Api-Key": "<secret>"}}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(15.0, "15s"), (0.5, "500ms"), (5400.0, "1h30m"), (0.0, "0s"), (61.25, "1m1s250ms"), (86400.0, "24h")],
)
def test_durations_are_shown_as_they_are_written(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ("nodes: false", True),
        ("election: {namespace: reachd}", False),
        ("sharing: {namespace: reachd}", False),
    ],
)
def test_an_observer_that_knows_of_no_other_may_do_everything_twice(tmp_path: Path, keys: str, warned: bool) -> None:
    said = [str(warning) for warning in warnings(configuration_of(tmp_path, f"kubernetes: {{{keys}}}\n"))]
    assert len(said) == warned
    assert all("kubernetes: each replica with this configuration runs all checks" in each for each in said)
