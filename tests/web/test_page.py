"""The page as it comes from the server, and what it costs."""

import asyncio
import gc
import re
from html.parser import HTMLParser
from time import perf_counter, time
from urllib.parse import quote, unquote

import pytest
from aiohttp import ClientSession

from agent.core.check import Path
from agent.core.ports import Note
from agent.core.reasons import Reason
from agent.probes.tcp import TcpSettings
from tests.web.support import Agent, Board, Faults, check, listening, outcome, untestable_row

_VOID = {"meta", "link", "input", "br", "wbr"}


class Page(HTMLParser):
    """The elements and the text of a page; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def cards(self) -> list[str]:
        return [
            str(attributes["id"]).removeprefix("card:")
            for attributes in self.all("details")
            if str(attributes.get("class")).startswith("check ")
        ]


async def _page(session: ClientSession, path: str = "/") -> Page:
    async with session.get(path) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        return Page(await answer.text())


async def test_what_is_broken_is_said_at_the_top() -> None:
    board = Board(check("server-live"), check("broker-client"), check("provider"))
    board.up("server-live")
    board.up("broker-client")
    failures = [outcome(Reason.CONNECT_TIMEOUT, "no answer", started=time() - seconds) for seconds in (841, 840)]
    board.ran("broker-client", *failures)
    async with listening(Agent(board)) as session:
        page = await _page(session)
    assert "1 of 3 connections is down" in page.text
    assert re.search(r"broker-client since [-\d: ]+ UTC \(14 min\)\. To blame: the path\.", page.text)
    assert page.all("html")[0]["lang"] == "en"


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        (lambda board: None, "Nothing is known yet"),
        (lambda board: (board.up("a"), board.up("b")), "All 2 connections are up"),
        (lambda board: board.up("a"), "1 up, 1 not known yet"),
        (lambda board: board.ran("a", outcome(Reason.CONNECT_REFUSED)), "Nothing is known yet"),
        (lambda board: (board.up("a"), board.ran("b", outcome(Reason.CONNECT_REFUSED))), "1 up, 1 not known yet"),
        (
            lambda board: (board.up("a"), board.ran("b", outcome(advice="x"))),
            "1 of 2 connections is up, 1 gives no verdict",
        ),
        (lambda board: board.ran("b", outcome(advice="x")), "Nothing is known yet"),
        (lambda board: (board.up("a"), board.blocked("b", by="c")), "1 of 2 connections cannot be told"),
        (lambda board: board.want(), "There is nothing to check"),
        (lambda board: (board.want(check("a")), board.up("a")), "The only connection is up"),
        (lambda board: board.down("a", Reason.DNS_NXDOMAIN), "1 of 2 connections is down"),
    ],
)
async def test_the_headline(feed, words: str) -> None:  # type: ignore[no-untyped-def]  # a lambda of the table above
    board = Board(check("a"), check("b"))
    feed(board)
    async with listening(Agent(board)) as session:
        text = (await _page(session)).text
    assert words in text
    assert "The monitor itself works" in text


async def test_a_blind_monitor_says_so() -> None:
    board = Board(check("a"))
    board.ran("a", outcome(Reason.OVERLOADED), outcome(Reason.OVERLOADED))
    agent = Agent(board)
    agent.health.of_readiness["configuration"] = "not loaded yet"
    async with listening(agent) as session:
        text = (await _page(session)).text
    assert "partly blind" in text
    assert "configuration: not loaded yet" in text
    assert "1 check without a verdict for the agent's own reasons" in text


async def test_a_run_without_a_verdict_does_not_say_why_a_check_is_down() -> None:
    board = Board(check("a"), check("b"), check("untold"))
    for name in "ab":
        board.down(name, Reason.CONNECT_TIMEOUT, "no answer")
        board.ran(name, outcome(Reason.OVERLOADED, "the agent stood still"))
    board.ran("untold", outcome(Reason.OVERLOADED), outcome(Reason.OVERLOADED))
    async with listening(Agent(board)) as session:
        page, found = await _page(session), await _page(session, f"/?search={Reason.CONNECT_TIMEOUT}")
    headline, _, rest = page.text.partition("Broken now")
    broken = rest.partition("untold 9081/tcp")[0]
    assert "2 of 3 connections are down" in headline
    assert "To blame: the path." in headline
    assert "1 check without a verdict for the agent's own reasons" in headline
    assert "Nothing answers at the address. To blame: the path, " in broken
    assert "to blame: the agent" not in broken
    assert "connect_timeout in the phase response; to blame: the path." in broken
    assert re.search(r"Last run [\d:]+ UTC: the agent has run out of resources \(the agent stood still\)", broken)
    assert found.cards() == ["prod/a", "prod/b"]


async def test_a_rejected_configuration_is_said_and_does_not_make_the_monitor_blind() -> None:
    agent = Agent(Board(check("a")))
    agent.health.of_people["configuration"] = Note("the configuration on disk is rejected: <b>", time() - 300)
    async with listening(agent) as session:
        text = (await _page(session)).text
    assert re.search(r"Since [\d:]+ UTC \(5 min\) the configuration on disk is rejected: <b>", text)
    assert "The monitor itself works" in text


async def test_a_check_that_the_agent_does_not_get_to_is_said() -> None:
    board = Board(check("a"))
    board.ran("a", outcome(started=time() - 300))
    async with listening(Agent(board)) as session:
        assert "1 check not run for more than three intervals" in (await _page(session)).text


async def test_every_card_says_all_there_is_to_know() -> None:
    board = Board(
        check("server-live"), check("blocked-one", depends_on=("server-live",)), untestable=[untestable_row()]
    )
    board.down("server-live", Reason.STATUS_UNEXPECTED, "the answer is 418 I'm a teapot")
    board.blocked("blocked-one", "server-live")
    async with listening(Agent(board)) as session:
        page = await _page(session)
    for words in (
        "Clients → Meshery Server",
        "9081/tcp",
        "Purpose of server-live",
        "http://meshery.test:9081/server-live",
        "the answer is 418 I'm a teapot",
        "status_unexpected in the phase response; to blame: the target.",
        "Try first",
        "resolve1.00 ms",
        "connect2.00 ms",
        "response3.00 ms",
        "192.0.2.7:9081",
        "every 15 s, timeout 5 s",
        "waits for server-live",
        "Not run: it depends on server-live, which is down.",
        "Not testable from here: 1",
        "MeshSync → Meshery Broker",
        "only MeshSync's own network namespace can tell",
    ):
        assert words in page.text, words


async def test_what_an_answer_means_here_comes_before_what_it_means_everywhere() -> None:
    board = Board(check("server-live"), check("server-ready"))
    board.down("server-live", Reason.CONNECT_REFUSED)
    board.up("server-ready")
    async with listening(Agent(board)) as session:
        text = (await _page(session)).text
    assert text.index("nothing listens on 8080 yet") < text.index("The machine was reached and said no")
    assert "It says nothing of the Remote Provider" in text


async def test_a_port_that_must_be_closed_says_that_it_is() -> None:
    must_be_closed = TcpSettings(kind="tcp", address="meshery.test:4222", expect_closed=True)
    may_say_so = TcpSettings(kind="tcp", address="meshery.test:4223")
    board = Board(
        check("declared", kind="tcp", settings=must_be_closed), check("open", kind="tcp", settings=may_say_so)
    )
    board.ran("declared", outcome(detail="closed: Connection refused"))
    board.up("open")
    async with listening(Agent(board)) as session:
        page = await _page(session)
    assert page.text.count("closed, as expected") == 1
    assert "last 1 run, 0 not up" in [svg.get("aria-label") for svg in page.all("svg")]


async def test_a_blocked_check_still_tells_of_its_last_failure() -> None:
    board = Board(check("a"), check("b"))
    for name in ("a", "b"):
        board.down(name, Reason.TLS_EXPIRED, f"the failure of {name}")
    board.blocked("b", "a")
    async with listening(Agent(board)) as session:
        page = await _page(session)
    assert "the certificate has expired (the failure of b)" in page.text


async def test_links_lead_to_cards() -> None:
    board = Board(check("a"), check("b"))
    board.down("a", Reason.TLS_EXPIRED)
    board.blocked("b", "a")
    async with listening(Agent(board)) as session:
        page = await _page(session)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    linked = {unquote(str(link["href"]).partition("#")[2]) for link in page.all("a")}
    assert "prod/a" in linked
    assert linked - {""} <= set(ids)


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x00\x1b[31m\u202egnp.exe"


async def test_hostile_text_stays_text() -> None:
    hostile = check("a", target=HOSTILE, path=Path(HOSTILE, HOSTILE, HOSTILE, HOSTILE), labels=(("team", HOSTILE),))
    board = Board(hostile, check("b"))
    board.down("a", Reason.BODY_MISMATCH, HOSTILE)
    board.ran("b", outcome(advice=HOSTILE, detail=HOSTILE))
    async with listening(Agent(board)) as session:
        for path in ("/", f"/?search={quote(HOSTILE)}", f"/?deployment={quote(HOSTILE)}", f"/?state={quote(HOSTILE)}"):
            page = await _page(session, path)
            assert [attributes.get("src") for attributes in page.all("script")] == [page.all("script")[0]["src"]]
            assert not page.all("img")
            assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
            assert not any("style" in attributes for _, attributes in page.elements)
            assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", "".join(page.words))
        assert "<script>alert(1)</script>" in (await _page(session)).text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["prod/a", "prod/b", "test/c"]),
        ("?state=down", ["prod/b"]),
        ("?deployment=test", ["test/c"]),
        ("?search=purpose+of+A", ["prod/a"]),
        ("?search=dns_timeout", ["prod/b"]),
        ("?search=nothing", []),
        ("?page=-1", ["prod/a", "prod/b", "test/c"]),
        ("?page=%F0%9F%92%A9", ["prod/a", "prod/b", "test/c"]),
        ("?page=9", ["prod/a", "prod/b", "test/c"]),
        ("?state=down&page=7", ["prod/b"]),
        ("?state=sideways&page=1e9", ["prod/a", "prod/b", "test/c"]),
    ],
)
async def test_the_reader_chooses_what_to_see(query: str, names: list[str]) -> None:
    board = Board(check("a"), check("b"), check("c", "test"))
    board.down("b", Reason.DNS_TIMEOUT)
    async with listening(Agent(board)) as session:
        page = await _page(session, f"/{query}")
    assert page.cards() == names
    assert "1 of 3 connections is down" in page.text, "the top is about all checks, whatever is chosen"


async def test_many_checks_come_in_pages() -> None:
    checks = [check(f"check-{number:05}") for number in range(450)]
    async with listening(Agent(Board(*checks))) as session:
        seen: list[str] = []
        path, pages = "/", 0
        while path and pages < 10:
            page = await _page(session, path)
            seen += page.cards()
            pages += 1
            following = re.findall(r'href="([^"]+)">Next<', await (await session.get(path)).text())
            path = following[0].replace("&amp;", "&") if following else ""
    assert seen == [f"prod/{it.name}" for it in checks]
    assert pages == 3


async def test_assets_may_be_kept_for_ever_and_change_their_name() -> None:
    async with listening(Agent(Board())) as session:
        page = await _page(session)
        for path in (page.all("script")[0]["src"], *[link["href"] for link in page.all("link")]):
            async with session.get(str(path)) as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
            async with session.get(re.sub("/static/[^/]+/", "/static/000000000000/", str(path))) as answer:
                assert answer.status == 404
        for path in ("/static/../server.py", "/static/x/..%2f..%2fserver.py", "/static/x/style.css"):
            async with session.get(path) as answer:
                assert answer.status == 404


async def test_a_form_without_script_switches_a_fault() -> None:
    faults = Faults()
    async with listening(Agent(Board(), faults=faults)) as session:
        page = await _page(session)
        assert [form["action"] for form in page.all("form")][:2] == [
            "/api/v1/demo/broker-down",
            "/api/v1/demo/server-503",
        ]
        async with session.post("/api/v1/demo/broker-down", data={"on": "true"}) as answer:
            assert answer.status == 200
            assert answer.url.path == "/"
            assert 'aria-checked="true"' in await answer.text()


@pytest.mark.slow
async def test_ten_thousand_checks_do_not_hold_the_agent_up() -> None:
    """The longest stall that a reader of the page or of the API causes: in one piece a page takes over a second."""
    board = Board(*[check(f"check-{number:05}", f"prod-{number % 20}") for number in range(10_000)])
    for entry in board.entries():
        key = entry.check.key
        board.ran(key.check, *[outcome(started=time() - 60 + run) for run in range(60)], deployment=key.deployment)
    for number in range(0, 10_000, 25):
        board.down(f"check-{number:05}", Reason.CONNECT_REFUSED, "Connection refused", f"prod-{number % 20}")
    longest = 0.0

    async def measure() -> None:
        nonlocal longest
        while True:
            began = perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, perf_counter() - began - 0.001)

    async with listening(Agent(board)) as session:
        await _page(session)
        gc.collect()
        gc.freeze()
        measuring = asyncio.create_task(measure())
        try:
            for path in ("/", "/?state=down", "/?search=check-09", "/api/v1/checks"):
                async with session.get(path) as answer:
                    size = 0
                    async for chunk in answer.content.iter_any():  # parsing here would be a stall of our own
                        size += len(chunk)
                assert size < (3_000_000 if path.startswith("/?") or path == "/" else 20_000_000)
        finally:
            measuring.cancel()
            gc.unfreeze()
    assert longest < 0.3
