"""`reachd init`: a configuration from what an API server lists, over a real socket."""

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from agent.discovery.objects import Objects, collection_path
from agent.discovery.survey import LOOKED_AT
from agent.settings.load import load
from tests.commands.support import Result, call, kubeconfig
from tests.discovery.cluster_objects import ingress, meshery, objects, service, workload
from tests.probes.pages import Page, page, serving_pages
from tests.probes.support import ca_file, refusing, server_context, serving, silent

LIMIT = "?limit=500"


def pages_of(found: Objects, namespace: str | None = None) -> dict[str, Page]:
    """The lists of an API server."""
    return {
        collection_path(field, namespace): page({"kind": "List", "metadata": {}, "items": list(listed.values())})
        for field, listed in zip(Objects._fields, found, strict=True)
    }


@dataclass
class Cluster:
    """An API server played over a real socket."""

    pages: dict[str, Page]
    kubeconfig: Path
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def cluster(folder: Path, pages: Mapping[str, Page]) -> AsyncIterator[Cluster]:
    """An API server that knows nothing but these pages."""
    asked: list[str] = []
    known = dict(pages)
    async with serving(serving_pages(known, seen=asked)) as server:
        yield Cluster(known, kubeconfig(folder, server.address), asked)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a home nor a cluster around the test."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def assert_valid(text: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """`reachd validate` takes the text. Returns what it says."""
    file = folder / "written.yaml"
    file.write_text(text)
    said = await call(capfd, "validate", file)
    assert said.status == 0, said
    return said.out


def deployments(text: str) -> list[dict[str, object]]:
    """The deployments of a configuration."""
    found: list[dict[str, object]] = yaml.safe_load(text).get("deployments", [])
    return found


async def test_what_is_found_is_written_and_valid(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with cluster(tmp_path, pages_of(meshery())) as api:
        status, out, err = await call(capfd, "init", "--kubeconfig", api.kubeconfig, "--context", "west")
    assert (status, err) == (0, "")
    assert api.asked == [collection_path(field, None) + LIMIT for field in LOOKED_AT]
    (deployment,) = deployments(out)
    assert deployment == {
        "name": "meshery",
        "profile": "meshery",
        "namespace": "meshery",
        "server": "http://meshery.meshery.svc:9081",
        "external_url": "https://meshery.example.com",
        "broker": {"address": "meshery-nats.meshery.svc:4222", "monitor": "http://meshery-nats.meshery.svc:8222"},
        "provider": "https://cloud.meshery.io",
        "operator": {"metrics": "https://meshery-operator.meshery.svc:8443/metrics"},
        "adapters": {"istio": "meshery-istio.meshery.svc:10000", "consul": "release-meshery-consul.meshery.svc:10002"},
        "perf": "meshery-nighthawk.meshery.svc:10013",
        "clusters": [{"name": "west", "kubeconfig": str(api.kubeconfig), "context": "west"}],
    }
    assert yaml.safe_load(out)["vantage"] == ["client", "operations"]
    assert "# Found by: Ingress meshery\n" in out
    assert "# Found by: PROVIDER_BASE_URLS of the Server\n" in out
    assert max(len(line) for line in out.splitlines()) <= 120
    assert "valid: " in await assert_valid(out, tmp_path, capfd)


async def test_one_namespace_and_a_server_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    alone = objects([service("m", "meshery", 9081, labels={"app.kubernetes.io/name": "meshery"})])
    async with cluster(tmp_path, pages_of(alone, "m")) as api:
        _, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig, "--namespace", "m")
    assert api.asked == [collection_path(field, "m") + LIMIT for field in LOOKED_AT]
    (deployment,) = deployments(out)
    assert deployment.keys() == {"name", "profile", "namespace", "server", "clusters"}
    assert "# No external URL: set external_url to the address that users open in their browser\n" in out
    assert yaml.safe_load(out)["vantage"] == ["operations"]
    await assert_valid(out, tmp_path, capfd)


async def test_an_ingress_for_the_websocket_alone_is_no_external_url(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    to_all = ingress("m", "meshery-ingress", "m.example.com", "meshery")
    to_websocket = ingress("m", "meshery-graphql", "m.example.com", "meshery", path="/api/system/graphql/query")
    server = service("m", "meshery", 9081, labels={"app.kubernetes.io/name": "meshery"})
    async with cluster(tmp_path, pages_of(objects([server], [to_all, to_websocket]))) as api:
        _, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
    (deployment,) = deployments(out)
    assert deployment["external_url"] == "https://m.example.com"
    assert "# Found by: Ingress meshery-ingress\n" in out


async def test_lists_come_in_pages(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pages = pages_of(meshery("east"))
    west = [{"metadata": {}, "items": list(meshery("west").services.values())}]
    path = collection_path("services", None)
    first = page({"metadata": {"continue": "a&b="}, "items": list(meshery("east").services.values())})
    pages |= {f"{path}{LIMIT}": first, f"{path}{LIMIT}&continue=a%26b%3D": page(west[0])}
    async with cluster(tmp_path, pages) as api:
        _, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
    assert [deployment["name"] for deployment in deployments(out)] == ["east", "west"]
    await assert_valid(out, tmp_path, capfd)


async def test_hostile_objects_are_no_way_out_of_a_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = meshery()
    evil = workload("meshery", "meshery", PROVIDER_BASE_URLS="https://b/\x7f https://a.example.com/${HOME}#'\"{")
    ingress = {**next(iter(found.ingresses.values()))}
    ingress["metadata"] = {"namespace": "meshery", "name": "a\nlisten: evil"}
    async with cluster(tmp_path, pages_of(found._replace(deployments={"1": evil}, ingresses={"1": ingress}))) as api:
        _, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
    (deployment,) = deployments(out)
    await assert_valid(out, tmp_path, capfd)
    assert deployment["provider"] == "https://a.example.com/$${HOME}#'\"{"
    assert "external_url" not in deployment
    assert "${HOME}" in repr(load([tmp_path / "written.yaml"], {}).deployments[0])


async def test_what_may_not_be_listed_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pages = pages_of(meshery())
    pages[collection_path("ingresses", None)] = page({"kind": "Status"}, 403)
    del pages[collection_path("brokers", None)]
    async with cluster(tmp_path, pages) as api:
        status, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
        assert status == 0
        assert "# Not everything was looked at: the API server does not let it list ingresses in all namespaces" in out
        assert deployments(out)[0]["external_url"] == "https://callback.example.com"
        api.pages[collection_path("services", None)] = page({"kind": "Status"}, 403)
        assert await call(capfd, "init", "--kubeconfig", api.kubeconfig) == (
            1,
            "",
            f"reachd init: cannot look into the cluster {server_of(api)}: "
            "the API server does not let it list services in all namespaces (403)\n",
        )


def server_of(api: Cluster) -> str:
    """The URL in its kubeconfig."""
    return str(yaml.safe_load(api.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


async def test_a_cluster_without_meshery(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with cluster(tmp_path, pages_of(objects())) as api:
        status, out, _ = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
    assert status == 0
    assert "# 0 installations of Meshery in the cluster " in out
    await assert_valid(out, tmp_path, capfd)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, b"oops"), "500"),
        ((200, b"<html>"), "the answer is no list of services"),
        ((200, b'{"items": {}}'), "the answer is no list of services"),
        ((200, b"[" * 100_000), "the answer is no list of services"),
        ((401, b"{}"), "does not let it list services"),
        ((404, b"{}"), "404"),
    ],
)
async def test_answers_of_something_else(
    answer: Page, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with cluster(tmp_path, {collection_path("services", None): answer}) as api:
        status, out, err = await call(capfd, "init", "--kubeconfig", api.kubeconfig)
    assert (status, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert len(err) < 500


async def test_nobody_answers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing() as address:
        file = kubeconfig(tmp_path, address)
        status, out, err = await call(capfd, "init", "--kubeconfig", file)
        assert (status, out) == (1, "")
        assert err.endswith(f"cannot look into the cluster http://{address}: Connection refused\n")
        monkeypatch.setenv("KUBECONFIG", str(file))
        status, out, err = await call(capfd, "init")
        assert status == 0
        assert "this is a configuration without it" in err
        assert f"# No cluster: cannot look into the cluster http://{address}: Connection refused" in out
        await assert_valid(out, tmp_path, capfd)
    monkeypatch.setattr("agent.commands.init._TIMEOUT", 0.2)
    async with serving(silent) as server:
        status, _, err = await call(capfd, "init", "--kubeconfig", kubeconfig(tmp_path, server.address))
        assert status == 1
        assert "no answer came within 0.2 s" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kubeconfig", "nowhere"], "cannot use the kubeconfig"),
        (["--kubeconfig", "kubeconfig", "--context", "north"], "it has no 'north' among its contexts"),
        (["--context", "east"], "there is no kubeconfig whose context this could be"),
    ],
)
async def test_what_cannot_be_used(
    arguments: Sequence[str],
    words: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeconfig(tmp_path, "127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    status, out, err = await call(capfd, "init", *arguments)
    assert (status, out) == (2, "")
    assert words in err


async def test_without_a_cluster_it_writes_the_least(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = await call(capfd, "init")
    assert (status, err) == (0, "")
    assert "# No cluster was found: name one with --kubeconfig.\n" in out
    assert "valid: 1 check" in await assert_valid(out, tmp_path, capfd)


async def test_the_usual_kubeconfig_is_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster(tmp_path, pages_of(meshery())) as api:
        folder = tmp_path / "home" / ".kube"
        folder.mkdir(parents=True)
        (folder / "config").write_bytes(api.kubeconfig.read_bytes())
        assert deployments((await call(capfd, "init")).out)
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/missing:{api.kubeconfig}")
        assert str(api.kubeconfig) in (await call(capfd, "init")).out


async def test_the_usual_kubeconfig_that_cannot_be_looked_at_is_told(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "x" * 300)
    status, _, err = await call(capfd, "init")
    assert status == 0
    assert err.endswith("File name too long; this is a configuration without it\n")


async def test_inside_of_a_cluster_the_pods_own_account_will_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.crt").symlink_to(ca_file(tmp_path))
    (tmp_path / "token").write_text("a-token")
    monkeypatch.setattr("agent.commands.init.SERVICE_ACCOUNT", tmp_path)
    async with serving(serving_pages(pages_of(meshery())), tls=server_context()) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        result: Result = await call(capfd, "init")
    (deployment,) = deployments(result.out)
    assert deployment["clusters"] == [
        {
            "name": "own",
            "api": "https://kubernetes.default.svc",
            "ca_file": str(tmp_path / "ca.crt"),
            "token_file": str(tmp_path / "token"),
        }
    ]
    assert "a-token" not in result.out
    await assert_valid(result.out, tmp_path, capfd)


async def test_a_file_is_written_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reachd.yaml"
    status, out, _ = await call(capfd, "init", "--output", file)
    assert status == 0
    assert str(file) in out
    before = file.read_text()
    assert before.startswith("# Written by `reachd init`.")
    status, out, err = await call(capfd, "init", "--output", file)
    assert (status, out, err) == (2, "", f"reachd init: cannot write {file}: File exists\n")
    assert file.read_text() == before
    assert (await call(capfd, "init", "--output", tmp_path / "missing" / "a.yaml")).status == 2


def plugin(folder: Path, script: str) -> Path:
    """A kubeconfig whose user signs in by a Python script."""
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", script]}
    file = folder / "kubeconfig"
    document = yaml.safe_load(file.read_text())
    document["users"] = [{"name": "me", "user": {"exec": {**program, "interactiveMode": "Never"}}}]
    for context in document["contexts"]:
        context["context"]["user"] = "me"
    file.write_text(yaml.safe_dump(document))
    return file


def credential(status: object) -> str:
    """A script that answers as a credential plugin does."""
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(document)!r})"


async def test_a_person_signs_in_by_the_program_of_a_kubeconfig_and_the_agent_is_given_other_credentials(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    headers: list[str] = []
    async with serving(serving_pages(pages_of(meshery()), headers=headers)) as server:
        kubeconfig(tmp_path, server.address)
        file = plugin(tmp_path, credential({"token": "s3cret-of-the-person"}))
        status, out, err = await call(capfd, "init", "--kubeconfig", file, "--context", "west")
    assert (status, err) == (0, "")
    assert headers.count("Authorization: Bearer s3cret-of-the-person") == len(LOOKED_AT)
    assert deployments(out)[0]["clusters"] == [
        {
            "name": "west",
            "api": f"http://{server.address}",
            "ca_file": "/run/secrets/reachd/west/ca.crt",
            "token_file": "/run/secrets/reachd/west/token",
        }
    ]
    assert "# The agent runs no programs" in out
    assert "s3cret" not in out
    written = tmp_path / "written.yaml"
    written.write_text(out)
    assert load([written], {}).deployments


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('session expired; run login')", "session expired; run login"),
        ("print('{}')", "malformed response"),
        ("print('not JSON')", "failed to decode"),
        (credential({}), "neither a token nor a certificate"),
        (credential({"token": "a\nb"}), "the token of the program holds a line break"),
    ],
)
async def test_a_program_that_does_not_sign_in(
    script: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with refusing() as address:
        kubeconfig(tmp_path, address)
        status, out, err = await call(capfd, "init", "--kubeconfig", plugin(tmp_path, script))
    assert (status, out) == (2, "")
    assert words in err
    assert err.startswith(f"reachd init: cannot sign in as the kubeconfig {tmp_path / 'kubeconfig'} says: ")
    assert len(err.splitlines()) == 1


async def test_a_program_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kubeconfig(tmp_path, "127.0.0.1:1")
    file = plugin(tmp_path, "")
    file.write_text(file.read_text().replace(sys.executable, "no-such-plugin"))
    status, _, err = await call(capfd, "init", "--kubeconfig", file)
    assert status == 2
    assert "No such file or directory: 'no-such-plugin'" in err
