"""Scrapes: formats, codings, hostile text, checks that come and go meanwhile, and the time taken from the agent."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import replace
from itertools import groupby
from time import perf_counter

import pytest
from hypothesis import given, settings, strategies

from agent.core.measures import Measure
from agent.core.reasons import Reason
from agent.metrics.exposition import TooManyScrapesError, accepts_gzip, negotiate_format
from agent.metrics.text import Format
from tests.metrics.support import (
    DEPTH,
    METRICS,
    OPENMETRICS,
    TEXT,
    Scene,
    failure,
    make_check,
    success,
    unpack,
)
from tests.servers.catalogue import find

OPEN, PLAIN = Format.OPENMETRICS, Format.TEXT
CHECK = make_check()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        ("application/openmetrics-text", OPEN),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPEN),
        ("Application/OpenMetrics-Text;Version=0.0.1,text/plain;q=0.5", OPEN),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", PLAIN),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.5", PLAIN),
        ("application/openmetrics-text;q=0", PLAIN),
        ("application/openmetrics-text;q=many,*/*;q=0.1", PLAIN),
        # Prometheus 2.42 and 3
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*;q=0.1",
            OPEN,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OPEN,
        ),
        (",;,=;q", PLAIN),
    ],
)
def test_the_format_is_the_one_that_the_reader_prefers(accept: str, form: Format) -> None:
    assert negotiate_format(accept) is form


@pytest.mark.parametrize(
    ("accept_encoding", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
    ],
)
def test_gzip_only_for_those_who_take_it(accept_encoding: str, takes: bool) -> None:
    assert accepts_gzip(accept_encoding) is takes


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
async def test_headers_and_compression(accept: str) -> None:
    scene = Scene(*[make_check(f"check-{number}") for number in range(1000)])
    plain_headers, plain = scene.exposition.render(accept, "")
    packed_headers, packed = scene.exposition.render(accept, "gzip, deflate")
    content = b"".join([chunk async for chunk in plain])
    unpacked = unpack(b"".join([chunk async for chunk in packed]))
    assert "Content-Encoding" not in plain_headers
    assert packed_headers == {**plain_headers, "Content-Encoding": "gzip"}
    assert plain_headers["Vary"] == "Accept, Accept-Encoding"
    expected = {TEXT: PLAIN, OPENMETRICS: OPEN}[accept]
    assert plain_headers["Content-Type"] == expected.value
    of_checks = [[line for line in text.splitlines() if b"check-" in line] for text in (content, unpacked)]
    assert of_checks[0] == of_checks[1]
    assert len(of_checks[0]) == 9000
    assert content.endswith(b"# EOF\n") is (accept == OPENMETRICS)


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
async def test_each_family_is_in_one_piece_below_its_header(accept: str) -> None:
    checks = [make_check(f"check-{number}", depends_on=("x",)) for number in range(300)]
    scene = Scene(*checks)
    for check in checks:
        scene.run(check, success(0.1, Measure(DEPTH, 1)), failure(Reason.CONNECT_REFUSED))
    lines = (await scene.text(accept)).splitlines()
    kinds = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert [line.split()[2] for line in lines if line.startswith("# HELP")] == kinds
    assert len(set(kinds)) == len(kinds)
    names = [line.partition("{")[0] for line in lines if line.startswith("probe_") and "_seconds_" not in line]
    runs = [name for name, _ in groupby(names)]
    assert len(set(runs)) == len(runs)


text = strategies.text(max_size=20)


@settings(max_examples=60)
@given(
    target=text,
    label=text,
    purpose=strategies.text(alphabet='\\"\n\r\x00\u2028\ud800{},=# é', max_size=12),
    value=strategies.floats(),
)
async def test_no_text_and_no_number_breaks_the_exposition(target: str, label: str, purpose: str, value: float) -> None:
    check = make_check(target=target, labels=(("l", label),), path=replace(CHECK.path, purpose=purpose))
    scene = Scene(check)
    scene.run(check, success(0.1, Measure(DEPTH, value)))
    for accept in (TEXT, OPENMETRICS):
        samples = [sample for family in (await scene.families(accept)).values() for sample in family.samples]
        (info,) = [sample for sample in samples if sample.name == "probe_target_info"]
        assert info.labels["target"] == target
        assert info.labels["label_l"] == label
        assert info.labels["purpose"] == purpose.encode("utf-8", "replace").decode()
        (depth,) = [sample for sample in samples if sample.name == "probe_depth"]
        assert depth.value == value or value != value  # noqa: PLR0124 - not a number


async def test_whole_numbers_have_no_fraction_and_others_lose_nothing() -> None:
    scene = Scene(CHECK)
    for value, shown in [(200.0, "200"), (0.1 + 0.2, "0.30000000000000004"), (1e300, "1e+300"), (-0.5, "-0.5")]:
        scene.run(CHECK, success(0.1, Measure(DEPTH, value)))
        assert f" {shown}\n" in (await scene.text()).split("# TYPE probe_depth gauge\n")[1]


async def test_checks_that_come_and_go_during_a_scrape_do_not_disturb_it() -> None:
    checks = [make_check(f"check-{number}") for number in range(2000)]
    scene = Scene(*checks)
    _, body = scene.exposition.render(OPENMETRICS, "")
    chunks = [await anext(body)]
    for number, check in enumerate(checks[:1000]):
        scene.sink.removed(check)
        scene.add(make_check(f"new-{number}"))
    chunks += [chunk async for chunk in body]
    during = b"".join(chunks).decode()
    after = await scene.text()
    assert during.count('check="check-1"') == during.count('check="check-1999"') == 9
    assert "new-" not in during
    assert 'check="check-1"' not in after
    assert 'check="new-999"' in after


async def test_scrapes_are_bounded() -> None:
    scene = Scene(*[make_check(f"check-{number}") for number in range(500)])
    bodies = []
    for _ in range(8):
        _, body = scene.exposition.render(OPENMETRICS, "")
        await anext(body)
        bodies.append(body)
    with pytest.raises(TooManyScrapesError, match="8 scrapes are in progress"):
        scene.exposition.render(OPENMETRICS, "")
    for body in bodies:
        assert [chunk async for chunk in body][-1].endswith(b"# EOF\n")
    assert "# EOF" in await scene.text()


async def test_a_reader_that_gives_up_makes_room() -> None:
    scene = Scene(*[make_check(f"check-{number}") for number in range(500)])
    for _ in range(20):
        _, body = scene.exposition.render(OPENMETRICS, "")
        task = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "# EOF" in await scene.text()


async def test_scrapes_leave_the_loop_to_others_between_slices() -> None:
    scene = Scene(*[make_check(f"check-{number}") for number in range(5000)])
    for check in scene.standings:
        scene.run(check, success(0.1))
    scrapes = [asyncio.create_task(scene.text()) for _ in range(4)]
    stalls = []
    while not all(scrape.done() for scrape in scrapes):
        began = perf_counter()
        await asyncio.sleep(0)
        stalls.append(perf_counter() - began)
    assert len(stalls) > 50
    assert sorted(stalls)[-len(stalls) // 20] < 0.02
    assert "\nreachd_exposition_seconds_count 4.0\n" in await scene.text()


@pytest.mark.servers("promtool")
async def test_promtool_finds_nothing() -> None:
    scene = Scene(CHECK, make_check("blocked", depends_on=("server-live",)))
    measures = [Measure(metric, 1, tuple(["1"] * len(metric.labels))) for metric in METRICS]
    scene.run(CHECK, success(), failure(Reason.CONNECT_REFUSED), failure(Reason.CONNECT_REFUSED, None, *measures))
    scene.agent.sink_dropped("traces", 0)
    scene.agent.source_succeeded("static", 1.0)
    promtool = find("promtool")
    assert promtool is not None
    process = await asyncio.create_subprocess_exec(promtool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate((await scene.text(TEXT)).encode())
    assert (process.returncode, said) == (0, b"")
