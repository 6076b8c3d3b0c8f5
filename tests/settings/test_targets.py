"""What something else than the configuration names is held to the configuration's own rules."""

import pytest

from agent.settings.problems import ConfigurationError
from agent.settings.targets import read_targets, targets_of

GOOD = """\
checks:
  - {name: site, probe: {kind: http, url: http://docs.example.com/, expect: {body_matches: ["costs 5 $$"]}}}
  - {name: page, depends_on: [site], every: 1s, probe: {kind: tcp, address: "docs.example.com:80"}}
deployments:
  - {name: east, profile: meshery, server: http://meshery.east.svc:9081}
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        read_targets(text.encode(), "targets.yaml")
    return str(raised.value).splitlines()


def test_a_file_of_targets_is_read_like_a_configuration() -> None:
    found = read_targets(GOOD.encode(), "targets.yaml")
    assert [check.name for check in found.checks] == ["site", "page"]
    assert "body_matches=('costs 5 $',)" in repr(found.checks[0].probe)
    assert len(found.deployments) == 1


def test_an_empty_file_names_nothing() -> None:
    assert read_targets(b"# nothing\n", "targets.yaml") == ((), ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("checks: [\n", "targets.yaml:1: column 10: a value is missing or a bracket is too many here; "),
        ("listen: 0.0.0.0:1\n", "targets.yaml:1: listen: only checks and deployments can be discovered; "),
        ("checkz: []\n", "targets.yaml:1: checkz: unknown key 'checkz'; did you mean 'checks'?"),
        (
            "checks:\n  - name: a\n    probe: {kind: tcp, address: '${HOME}:1'}\n",
            "targets.yaml:3: checks[a].probe.address: no environment variable may be used here; ",
        ),
        (
            "checks:\n  - name: a\n    probe: {kind: http, url: http://a/, headers: {Cookie: hunter2}}\n",
            "targets.yaml:3: checks[a].probe.headers.Cookie: <secret>: a secret must not be written ",
        ),
        (
            "checks:\n  - {name: a, depends_on: [b], probe: {kind: dns, name: a}}\n",
            "targets.yaml:2: checks[a].depends_on[0]: unknown check 'b'; known ones are a",
        ),
        (
            "checks:\n  - {name: a, every: 1s, timeout: 2s, probe: {kind: dns, name: a}}\n",
            "targets.yaml:2: checks[a].timeout: the timeout of 2s is longer than the 1s between two runs; ",
        ),
        (
            "deployments:\n  - {name: default, profile: meshery}\n",
            "targets.yaml:2: deployments[default].name: 'default' is where your own checks are; ",
        ),
        (
            "deployments:\n  - {name: a, profile: meshery, serve: http://a/}\n",
            "targets.yaml:2: deployments[a].serve: unknown key 'serve'; did you mean 'server'?",
        ),
    ],
)
def test_a_problem_is_told_with_file_and_line(text: str, problem: str) -> None:
    said = problems_of(text)
    assert [line for line in said if line.startswith(problem)], said
    assert "hunter2" not in str(said)


def test_what_the_defaults_decide_is_left_open() -> None:
    text = "checks:\n  - {name: a, every: 1s, probe: {kind: dns, name: a}}\n"
    assert read_targets(text.encode(), "t").checks[0].timeout is None
    text = "checks:\n  - {name: a, timeout: 5m, probe: {kind: dns, name: a}}\n"
    assert read_targets(text.encode(), "t").checks[0].every is None


def test_a_problem_of_an_object_names_the_object() -> None:
    with pytest.raises(ConfigurationError) as raised:
        targets_of({"checks": [{"name": "a", "probe": {"kind": "tcp", "address": "a:0"}}]}, "Service shop/cart")
    assert str(raised.value).startswith("Service shop/cart: checks[a].probe.address: ")
