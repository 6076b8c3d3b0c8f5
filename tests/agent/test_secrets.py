"""A secret never appears in any output, even where a target quotes it back in every way that it can think of."""

import asyncio
import html
import json
from asyncio import StreamReader, StreamWriter
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from agent.__main__ import main
from agent.core.secrets import CONCEALED
from tests.agent.support import check, local_agent, write
from tests.probes.support import Script, serving
from tests.sinks.support import receiver

ODD = {
    "BASIC": 'quo"te+&<and/slash',
    "BEARER": "long" * 200,
    "NATS_PASSWORD": "ümläut\\backslash",
    "PROXY": "p@ss:word",
}
NAMES = (
    *("BASIC", "BEARER", "HEADER", "COOKIE", "NATS_TOKEN", "NATS_PASSWORD", "KUBE", "SOCKET", "STREAM", "HEALTH"),
    *("DIALOGUE", "BODY", "PROXY", "WEB", "OTLP", "HOOK"),
)
SECRETS = {name: f"xQ{place:02}vR7-{ODD.get(name, 'even')}-{place:02}pW9zK" for place, name in enumerate(NAMES)}


def as_go_writes(text: str) -> str:
    """A text inside of JSON of Go's encoding/json."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return escaped.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def spellings(secret: str) -> Iterator[str]:
    """A secret as it might appear in an output."""
    for text in (secret, f"user:{secret}", f"Bearer {secret}"):
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield quote(text, safe="")
        yield html.escape(text)
        yield as_go_writes(text)
        yield b64encode(text.encode()).decode().rstrip("=")
        yield urlsafe_b64encode(text.encode()).decode().rstrip("=")
    yield secret[:10]
    yield secret[-10:]


def assert_silent(where: str, text: str) -> None:
    """No secret, and no good part of one, is in the text, in whatever case."""
    text = text.lower()
    for name, secret in SECRETS.items():
        for spelling in spellings(secret):
            assert spelling.lower() not in text, f"{where} has {name} as {spelling!r}: …{around(text, spelling)}…"


def around(text: str, part: str) -> str:
    place = text.index(part.lower())
    return text[max(0, place - 200) : place + 200]


def credentials(head: bytes) -> str:
    """All that a request says about who asks."""
    fields = [line.partition(": ") for line in head.decode("utf-8", "replace").split("\r\n")[1:]]
    wanted = ("authorization", "cookie", "x-key", "proxy-authorization")
    return " ".join(value for name, _, value in fields if name.lower() in wanted)


def echo(answer: str) -> Script:
    """A server that answers every request with `answer`, in which words stand for what it was sent."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        said = credentials(head)
        decoded = b64decode(said.split()[1]).decode() if said.startswith("Basic ") else said
        text = (
            answer.replace("DECODED", decoded)
            .replace("BASE64", b64encode(said.encode()).decode())
            .replace("QUOTED", quote(decoded, safe=""))
            .replace("MARKUP", html.escape(decoded))
            .replace("ESCAPED", as_go_writes(decoded))
            .replace("LOUD", decoded.upper())
            .replace("JSON", json.dumps(decoded))
            .replace("SAID", said)
        )
        head_text, _, body = text.partition("\n\n")
        lines = [*head_text.splitlines(), f"Content-Length: {len(body.encode())}", "Connection: close"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()

    return script


async def parrot(reader: StreamReader, writer: StreamWriter) -> None:
    """Says back whatever it hears."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def mirror(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers with the body that it was sent."""
    await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(len(SECRETS["BODY"]))
    writer.write(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + body)
    await writer.drain()


async def nats(reader: StreamReader, writer: StreamWriter) -> None:
    """A Broker whose refusal quotes the CONNECT that it refuses."""
    writer.write(b'INFO {"server_id":"A","version":"2.10.0","max_payload":1048576,"auth_required":true}\r\n')
    connect = (await reader.readline()).decode()
    writer.write(f"-ERR 'Authorization Violation: {connect.strip()[-90:]}'\r\n".encode())
    await writer.drain()


async def no_such_page(reader: StreamReader, writer: StreamWriter) -> None:
    """Names the page that it was asked for."""
    path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
    writer.write(b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\nthere is no " + path)
    await writer.drain()


async def raw(reader: StreamReader, writer: StreamWriter) -> None:
    """No HTTP at all: what it was sent, and the connection cut in the middle of it."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(credentials(head).encode()[:50])
    await writer.drain()


def secret_files(folder: Path) -> dict[str, str]:
    """A file for each secret."""
    files = {name: folder / name.lower() for name in SECRETS}
    for name, file in files.items():
        file.write_text(f"{SECRETS[name]}\n")
    return {name: str(file) for name, file in files.items()}


@asynccontextmanager
async def hostile(files: Mapping[str, str]) -> AsyncIterator[list[dict[str, object]]]:
    """Checks that hold secrets, each of a target that quotes them."""
    async with AsyncExitStack() as stack:

        async def at(script: Script) -> str:
            return (await stack.enter_async_context(serving(script))).address

        async def http(name: str, answer: str, kind: str = "http", **keys: object) -> dict[str, object]:
            return check(name, kind, url=f"http://{await at(echo(answer))}/", **keys)

        basic = {"basic_auth": {"username": "user", "password_file": files["BASIC"]}}
        basic_environment = {"basic_auth": {"username": "user", "password": "${BASIC}"}}
        bearer = {"authorization": {"credentials_file": files["BEARER"]}}
        bearer_environment = {"authorization": {"credentials": "${BEARER}"}}
        checks = [
            await http("basic-body", "HTTP/1.1 500 No\n\nyou sent SAID", auth=basic),
            await http("basic-decoded", "HTTP/1.1 500 No\n\nyou sent DECODED and JSON", auth=basic_environment),
            await http("basic-markup", "HTTP/1.1 500 No\n\n<p>MARKUP</p>", auth=basic),
            await http("basic-escaped", 'HTTP/1.1 500 No\n\n{"was": "ESCAPED"}', auth=basic),
            await http("basic-loud", "HTTP/1.1 500 No\n\nLOUD", auth=basic),
            await http("bearer-body", "HTTP/1.1 500 No\n\nyou sent SAID", auth=bearer),
            await http("bearer-base64", "HTTP/1.1 500 No\n\nBASE64", auth=bearer_environment),
            await http("bearer-quoted", "HTTP/1.1 500 No\n\nQUOTED", auth=bearer),
            await http("bearer-cut", f"HTTP/1.1 500 No\n\n{'x' * 140}SAID", auth=bearer),
            await http("bearer-location", "HTTP/1.1 302 Found\nLocation: /login?was=SAID\n\n", auth=bearer),
            await http("bearer-loop", "HTTP/1.1 302 Found\nLocation: /QUOTED\n\n", auth=bearer, follow_redirects=True),
            await http("bearer-status", "HTTP/1.1 500 SAID\n\n", auth=bearer),
            await http(
                "bearer-header", "HTTP/1.1 200 OK\nX-Was: SAID\n\n", auth=bearer, expect={"headers": {"x-was": "^no$"}}
            ),
            await http("bearer-json", 'HTTP/1.1 200 OK\n\n{"a": JSON}', auth=bearer, expect={"json": {"a": "ok"}}),
            await http("bearer-coding", "HTTP/1.1 200 OK\nContent-Encoding: SAID\n\nx", auth=bearer, expect=matching()),
            check("bearer-raw", "http", url=f"http://{await at(raw)}/", auth=bearer),
            await http("key-body", "HTTP/1.1 500 No\n\nSAID", headers={"X-Key": "${HEADER}"}),
            await http("cookie-body", "HTTP/1.1 500 No\n\nSAID", cookies={"s": {"value_file": files["COOKIE"]}}),
            await http("cookie-environment", "HTTP/1.1 500 No\n\nSAID", cookies={"s": {"value": "${COOKIE}"}}),
            check("body-echo", "http", url=f"http://{await at(mirror)}/", method="POST", body="${BODY}"),
            check("hook", "http", url=f"http://{await at(no_such_page)}/hook/${{HOOK}}?at=${{HOOK}}"),
            check("nats-token", "nats", address=await at(nats), token_file=files["NATS_TOKEN"]),
            check("nats-token-environment", "nats", address=await at(nats), token="${NATS_TOKEN}"),
            check("nats-user", "nats", address=await at(nats), username="user", password_file=files["NATS_PASSWORD"]),
            await http(
                "kube-version",
                'HTTP/1.1 200 OK\nContent-Type: application/json\n\n{"gitVersion": JSON}',
                "kube_api",
                auth={"authorization": {"credentials_file": files["KUBE"]}},
            ),
            await http(
                "socket-refused",
                "HTTP/1.1 400 SAID\n\nSAID",
                "websocket",
                auth={"authorization": {"credentials_file": files["SOCKET"]}},
            ),
            await http(
                "socket-subprotocol",
                "HTTP/1.1 101 SAID\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: SAID\n"
                "Sec-WebSocket-Protocol: SAID\n\n",
                "websocket",
                auth={"authorization": {"credentials_file": files["SOCKET"]}},
            ),
            await http(
                "stream-type",
                "HTTP/1.1 200 OK\nContent-Type: SAID\n\n",
                "sse",
                auth={"authorization": {"credentials_file": files["STREAM"]}},
            ),
            await http(
                "health-lines",
                "HTTP/1.1 500 No\n\n[+]SAID ok\n[-]DECODED failed: SAID\nhealthz check failed",
                "healthz",
                auth={"authorization": {"credentials_file": files["HEALTH"]}},
            ),
            check(
                "dialogue",
                "tcp",
                address=await at(parrot),
                dialogue=[{"send": "AUTH ${DIALOGUE}\r\n"}, {"expect": "^OK"}],
            ),
            check("proxied", "http", url="http://target.example/"),
            check("tunnelled", "http", url="https://target.example/"),
        ]
        # Whoever does not answer in time quotes nothing.
        yield [{**each, "every": "1s", "timeout": "1s"} for each in checks]


def matching() -> dict[str, object]:
    return {"body_matches": ["x"]}


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_output_has_a_secret(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    proxy = echo("HTTP/1.1 407 SAID DECODED\n\nSAID DECODED")
    headers = tmp_path / "headers"
    headers.write_text(f"Authorization: Bearer {SECRETS['OTLP']}\n")
    async with hostile(secret_files(tmp_path)) as checks, receiver() as collector, serving(proxy) as running:
        configuration = {
            "checks": checks,
            "proxy": f"http://user:${{PROXY}}@{running.address}",
            "otlp": {"endpoint": collector.url, "headers_file": str(headers), "success_ratio": 1.0},
            "web": {"basic_auth": {"username": "user", "password": "${WEB}"}},
            "log": {"format": form, "level": "debug"},
            "state_file": str(tmp_path / "state.json"),
        }
        monkeypatch.setenv("PROXY", quote(SECRETS["PROXY"], safe=""))
        outputs = {}
        async with local_agent(tmp_path, configuration) as agent:
            agent.session.headers["Authorization"] = "Basic " + b64encode(f"user:{SECRETS['WEB']}".encode()).decode()
            names = [str(entry["name"]) for entry in checks]
            async with asyncio.timeout(20):
                while any(state == "unknown" for state in (await agent.states()).values()):
                    await asyncio.sleep(0.02)
            for path in ("/", "/config", "/metrics", "/api/v1/checks", "/healthz/ready?verbose=1"):
                outputs[path] = await agent.text(path)
            outputs["OpenMetrics"] = await agent.text("/metrics", Accept="application/openmetrics-text;version=1.0.0")
            details = {name: json.dumps(await agent.check(name), ensure_ascii=False) for name in names}
            outputs |= details
            outputs["reload"] = str(await agent.reload())
            write(agent.file, {**configuration, "listen": "${BEARER}", "environment": ["${BASIC}"]})
            status, outputs["bad reload"] = await agent.reload()
            assert status == 400
        assert f"/hook/{CONCEALED}?at={CONCEALED}" in outputs["/metrics"]
        assert collector.spans
        assert collector.headers[0]["Authorization"] == f"Bearer {SECRETS['OTLP']}"
        outputs["spans"] = "\n".join(span.SerializeToString().decode("utf-8", "replace") for span in collector.spans)
        outputs["log"] = capfd.readouterr().err
        outputs["state file"] = (tmp_path / "state.json").read_text()
    for where, text in outputs.items():
        assert_silent(where, text)
    unquoted = {name for name, text in details.items() if CONCEALED not in text}
    assert unquoted == {"bearer-status"}  # nobody quotes the words after a status code
    assert outputs["log"].count(CONCEALED) > 10


async def test_no_result_of_check_has_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setattr("agent.engine.once.RECHECK_DELAY", 0.05)
    outputs = {}
    async with hostile(secret_files(tmp_path)) as checks:
        file = write(tmp_path / "reachd.yaml", {"checks": checks[:-2]})
        for form in ("table", "json", "junit"):
            arguments = ["check", "--config", str(file), "--output", form]
            assert await asyncio.to_thread(main, arguments) == 1
            outputs[form] = "".join(capfd.readouterr())
    for form in ("table", "json", "networkpolicy"):
        assert main(["targets", "--config", str(file), "--output", form]) == 0
        assert_silent(f"targets as {form}", "".join(capfd.readouterr()))
    for form, text in outputs.items():
        assert_silent(form, text)
        assert html.unescape(text).count(CONCEALED) > 20


def test_problems_of_a_configuration_have_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    file = write(
        tmp_path / "reachd.yaml",
        {
            "listen": "${BEARER}",
            "proxy": "ftp://user:${PROXY}@nowhere",
            "web": {"basic_auth": {"username": "user", "password": ["${WEB}"]}},
            "otlp": {"endpoint": "${OTLP}", "headers": {"Authorization": "${OTLP}"}},
            "checks": [
                check("Bad Name", "http", url="${HEADER}", auth={"authorization": {"credential": "${BEARER}"}}),
                check("nats", "nats", address="${NATS_TOKEN}", tokn="${NATS_TOKEN}", password="${NATS_PASSWORD}"),
                check("cookie", "http", url="http://u:${COOKIE}@h/?token=${COOKIE}", every="${COOKIE}"),
                check("literal", "http", url="http://h/", auth={"basic_auth": {"username": "u", "password": "plain"}}),
            ],
        },
    )
    assert main(["validate", str(file)]) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") > 8
    assert_silent("validate", errors)
    assert "plain" not in errors.replace("plaintext", "")


async def test_no_secret_changes_the_words_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAGE", "of-the-environment")
    for name, secret in {"nats": "nats-7Hq2xLw9", "base": "base-pass-1", "word": "meshery"}.items():
        (tmp_path / name).write_text(secret)
    async with serving(nats) as broker, serving(echo("HTTP/1.1 500 No\n\nDECODED")) as server:
        base = {"basic_auth": {"username": "user", "password_file": str(tmp_path / "base")}}
        word = {"authorization": {"credentials_file": str(tmp_path / "word")}}
        checks = [
            check("nats", "nats", address=broker.address, token_file=str(tmp_path / "nats"), timeout="2s", every="2s"),
            check("base", "http", url=f"http://{server.address}/base", auth=base, timeout="2s", every="2s"),
            check("meshery", "http", url=f"http://{server.address}/meshery", auth=word, timeout="2s", every="2s"),
            check("page", "http", url=f"http://{server.address}/${{PAGE}}", timeout="2s", every="2s"),
        ]
        targets = {
            "nats": broker.address,
            "base": f"http://{server.address}/base",
            "meshery": f"http://{server.address}/meshery",
            "page": f"http://{server.address}/{CONCEALED}",
        }
        async with local_agent(tmp_path, {"checks": checks, "log": {"format": "json"}}) as agent:
            await agent.until_states(nats="down", base="down", meshery="down", page="down")
            assert (await agent.reload())[0] == 200
            exported = {
                it.labels["check"]: it.labels["target"] for it in await agent.samples() if "target" in it.labels
            }
            details = {name: (await agent.check(name))["last_failure"]["detail"] for name in ("base", "meshery")}
            assert exported == targets
            assert {name: (await agent.check(name))["target"] for name in targets} == targets
    assert details == {
        "base": f'the answer is 500: "user:{CONCEALED}"',
        "meshery": f'the answer is 500: "Bearer {CONCEALED}"',
    }
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    moves = {line["check"]: line for line in lines if line["event"] == "state changed"}
    assert {name: (line["target"], line["kind"]) for name, line in moves.items()} == {
        name: (target, "nats" if name == "nats" else "http") for name, target in targets.items()
    }
    assert CONCEALED in moves["meshery"]["detail"]
