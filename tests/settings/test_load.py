"""Files and directories become one configuration, and whatever is wrong with them one ConfigurationError."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.probes import probe_kinds
from agent.settings.load import files_of, load
from agent.settings.model import Configuration
from agent.settings.problems import ConfigurationError, Problem
from agent.settings.shape import fields_at

CHECK = "checks:\n  - name: {name}\n    probe: {{kind: http, url: http://docs.example.com/}}\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def to_file(name: str, text: str) -> Path:
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return to_file


def problems_of(*paths: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(paths, {})
    return str(raised.value).splitlines()


def test_an_empty_file_is_a_configuration_of_defaults(write: Write) -> None:
    configuration = load([write("empty.yaml", "# nothing yet\n")], {})
    assert configuration == Configuration()
    assert configuration.listen_endpoint() == ("0.0.0.0", 9886)


def test_lists_join_and_mappings_merge(write: Write) -> None:
    first = write("a.yaml", "limits: {in_flight: 7}\n" + CHECK.format(name="one"))
    second = write("b.yaml", "limits: {per_host: 3}\n" + CHECK.format(name="two"))
    configuration = load([first, second], {})
    assert (configuration.limits.in_flight, configuration.limits.per_host) == (7, 3)
    assert [check.name for check in configuration.checks] == ["one", "two"]


def test_what_two_files_set_names_both_places(write: Write) -> None:
    first = write("a.yaml", "environment: one\nlimits: {in_flight: 7}\n" + CHECK.format(name="docs"))
    second = write("b.yaml", "limits: {in_flight: 8}\nenvironment: two\n" + CHECK.format(name="docs"))
    assert problems_of(first, second) == [
        "b.yaml:1: limits.in_flight: set already at a.yaml:2; set it in one place only",
        "b.yaml:2: environment: set already at a.yaml:1; set it in one place only",
        "b.yaml:4: checks[docs].name: the name 'docs' is taken already at a.yaml:4; choose another",
    ]


def test_a_problem_names_the_file_that_it_is_in(write: Write) -> None:
    first = write("a.yaml", CHECK.format(name="docs"))
    second = write("b.yaml", CHECK.format(name="site") + "    timeout: soon\n")
    assert problems_of(first, second) == [
        'b.yaml:4: checks[site].timeout: "soon": expected a duration such as 15s, 500ms or 1h30m'
    ]


def test_every_unreadable_file_is_told(write: Write) -> None:
    broken = write("broken.yaml", "a: [\n")
    other = write("other.yaml", "\ta: 1\n")
    assert problems_of(broken, Path("missing.yaml"), other) == [
        "broken.yaml:1: column 5: a value is missing or a bracket is too many here; check the punctuation",
        "missing.yaml: cannot be read: No such file or directory; check name and rights",
        "other.yaml:1: column 1: a tab is used to indent; use spaces",
    ]


def test_what_cannot_even_be_looked_at_is_told_like_what_cannot_be_read() -> None:
    """As a file in a directory without rights; this one the system refuses to the superuser, too."""
    name = "x" * 300
    assert problems_of(Path(name)) == [f"{name}: cannot be read: File name too long; check name and rights"]


def test_a_directory_is_read_as_a_mounted_configmap_has_it(write: Write, tmp_path: Path) -> None:
    write("mount/..2026_01_01/b.yml", CHECK.format(name="two"))
    write("mount/..2026_01_01/a.yaml", CHECK.format(name="one"))
    write("mount/..2026_01_01/notes.txt", "not: [yaml")
    mount = tmp_path / "mount"
    (mount / "..data").symlink_to("..2026_01_01")
    for name in ("b.yml", "a.yaml", "notes.txt"):
        (mount / name).symlink_to(Path("..data") / name)
    (mount / "folder.yaml").mkdir()
    os.mkfifo(mount / "pipe.yaml")
    assert [file.name for file in files_of(mount)] == ["a.yaml", "b.yml"]
    assert [check.name for check in load([mount], {}).checks] == ["one", "two"]


def test_a_directory_without_yaml_is_a_problem(write: Write) -> None:
    write("folder/notes.txt", "")
    assert problems_of(Path("folder")) == ["folder: the directory holds no *.yaml or *.yml file; add one"]


def test_variables_are_expanded_in_values_only(write: Write) -> None:
    file = write(
        "a.yaml",
        'environment: "${NAME}-$$1 ${NAME} $HOME"\nlimits: {in_flight: "${COUNT}"}\n'
        + CHECK.format(name="docs")
        + '    labels: {team: "${EMPTY}"}\n',
    )
    configuration = load([file], {"NAME": "a: [b", "COUNT": "42", "EMPTY": ""})
    assert configuration.environment == "a: [b-$1 a: [b $HOME"
    assert configuration.limits.in_flight == 42
    assert configuration.checks[0].labels == {"team": ""}


def test_an_alias_is_expanded_once(write: Write) -> None:
    file = write("a.yaml", "environment: &text $$$$\nstate_file: *text\n")
    configuration = load([file], {})
    assert (configuration.environment, str(configuration.state_file)) == ("$$", "$$")


def test_an_alias_keeps_lines_of_its_own(write: Write) -> None:
    first = write("a.yaml", "checks: &none []\ndeployments: *none\n")
    second = write("b.yaml", "checks:\n  - 1\ndeployments:\n  - 2\n")
    assert [line.split(" ")[:2] for line in problems_of(first, second)] == [
        ["b.yaml:2:", "checks[0]:"],
        ["b.yaml:4:", "deployments[0]:"],
    ]


def test_a_secret_comes_from_the_environment(write: Write) -> None:
    file = write("a.yaml", 'web: {basic_auth: {username: admin, password: "${PASSWORD}"}}\n')
    configuration = load([file], {"PASSWORD": "hunter2"})
    basic_auth = configuration.web.basic_auth
    assert basic_auth is not None
    assert basic_auth.password is not None
    assert basic_auth.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(configuration)


@pytest.mark.parametrize(
    ("proxy", "environment", "chosen"),
    [
        ("from_environment", {"https_proxy": "http://proxy:1"}, "proxy:1"),
        ("none", {"HTTPS_PROXY": "http://proxy:1"}, None),
        ("http://other:2", {"HTTPS_PROXY": "http://proxy:1"}, "other:2"),
        ("http://other:2", {"NO_PROXY": ".example.com"}, None),
        ("http://${USER}:${PASSWORD}@other:2", {"USER": "me", "PASSWORD": "hunter2"}, "other:2"),
    ],
)
def test_the_proxy_is_chosen(write: Write, proxy: str, environment: dict[str, str], chosen: str | None) -> None:
    configuration = load([write("a.yaml", f'proxy: "{proxy}"\n')], environment)
    found = configuration.proxies(environment).choose("https", "docs.example.com", 443)
    assert (repr(found) if found else None) == chosen


def test_ten_thousand_checks_load_in_seconds(write: Write) -> None:
    lines = [f"  - name: c-{number}\n    probe: {{kind: tcp, address: '127.0.0.1:80'}}\n" for number in range(10_000)]
    file = write("many.yaml", "checks:\n" + "".join(lines))
    started = time.process_time()
    assert len(load([file], {}).checks) == 10_000
    assert time.process_time() - started < 8


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = tuple(fields_at((), {}))
CHECK_KEYS = tuple(fields_at(("checks", 0), {"checks": [{}]}))
PROBE = st.dictionaries(st.sampled_from(("url", "address", "headers", "expect", "tls")) | st.text(max_size=5), JSON)
CHECKS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(("a", "b")) | JSON,
            "probe": st.builds(lambda kind, keys: {"kind": kind, **keys}, st.sampled_from(probe_kinds()), PROBE) | JSON,
        },
        optional={key: JSON for key in CHECK_KEYS if key not in ("name", "probe")}
        | {"depends_on": st.just(["a", "b"])},
    ),
    max_size=3,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3), CHECKS | JSON)
def test_any_document_is_a_configuration_or_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, top: dict[str, object], checks: object
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(yaml.safe_dump({**top, "checks": checks}), encoding="utf-8")
    try:
        problems: tuple[Problem, ...] = ()
        load([file], {})
    except ConfigurationError as error:
        problems = error.problems
    assert all(problem.message and problem.file for problem in problems)
