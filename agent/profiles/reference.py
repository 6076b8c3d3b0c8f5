"""Writes the documentation page of a profile: `python -m agent.profiles.reference [PROFILE] > docs/meshery.md`."""

import re
import sys
from collections.abc import Iterable, Iterator

from agent.core.durations import duration
from agent.core.reasons import Reason
from agent.profiles.catalogue import Catalogue, Comparison, Row, catalogue

_EACH = re.compile(r"\{each\.([a-z]+)\}")


def page(profile: str) -> str:
    """The page in Markdown."""
    return "\n".join(_lines(catalogue(profile))) + "\n"


def _lines(profile: Catalogue) -> Iterator[str]:
    yield f"# What reachd watches of {profile.title}"
    yield ""
    yield "<!-- Written by `make docs` from the code. Do not edit. -->"
    yield ""
    yield profile.introduction
    yield ""
    yield (
        "Each row below is one connection, in the direction in which it is really made. An agent tests the rows of its "
        "vantages; `reachd targets` lists all of them for your configuration as a firewall table, and writes "
        "NetworkPolicies. `rows` of a deployment changes single ones. The configuration's keys are in the "
        "[configuration reference](configuration.md)."
    )
    yield ""
    yield "## Vantages"
    yield ""
    yield "| vantage | where the agent stands |\n|---|---|"
    yield from (f"| `{vantage}` | {viewpoint.title} |" for vantage, viewpoint in profile.viewpoints.items())
    yield ""
    yield "## All rows"
    yield ""
    yield "| row | from | source → destination | port | purpose | severity |\n|---|---|---|---|---|---|"
    yield from (_summary(row) for row in profile.rows)
    for component in profile.components:
        rows = [row for row in profile.rows if row.component == component]
        if rows:
            yield ""
            yield f"## Component `{component}`"
        for row in rows:
            yield ""
            yield from _row(profile, row)
    if profile.comparison:
        yield from _comparison(profile)
    yield from _not_connections(profile)


def _summary(row: Row) -> str:
    name = _shown(row.id)
    path = f"{_shown(row.source)} → {_shown(row.destination)}"
    return (
        f"| [`{name}`](#{_anchor(name)}) | {_codes(row.vantages)} | {path} | {_shown(row.port)} "
        f"| {_shown(row.purpose)} | {row.severity} |"
    )


def _row(profile: Catalogue, row: Row) -> Iterator[str]:
    yield f"### {_shown(row.id)}"
    yield ""
    yield f"{_shown(row.purpose)}: {_shown(row.source)} → {_shown(row.destination)}, {_shown(row.port)}."
    yield ""
    kind = row.probe["kind"]
    yield f"- Tested with [`{kind}`](configuration.md) from {_codes(row.vantages)}; severity {row.severity}."
    yield from (f"- {sentence}" for sentence in _schedule(row))
    if row.known:
        ports = ", ".join(f"`{name}` {facts['port']}" for name, facts in row.known.items())
        yield f"- Known names and their default ports: {ports}. Any other name takes `host:port`."
    if row.depends_on:
        yield f"- Blocked while {_codes(map(_shown, row.depends_on))} is down."
    sources = (
        f"{profile.documents[reference.document].title}, {reference.section}"
        + (f" ({reference.line})" if reference.line else "")
        for reference in row.references
    )
    yield f"- Demanded by: {'; '.join(sources)}."
    yield ""
    yield "| answer | what it means here |\n|---|---|"
    yield from (f"| {_answer(answer)} | {' '.join(words.split())} |" for answer, words in row.meaning.items())


def _schedule(row: Row) -> Iterator[str]:
    if row.every is not None:
        yield f"Runs every {duration(row.every)}" + (
            f", never more often than every {duration(row.lowest_every)}." if row.lowest_every is not None else "."
        )
    if row.timeout is not None:
        yield f"Takes {duration(row.timeout)} at most."
    if row.once_per_deployment:
        yield "One agent for the deployment is enough."
    if row.unused:
        yield "Nothing needs the port; a firewall may keep it closed."


def _comparison(profile: Catalogue) -> Iterator[str]:
    yield ""
    yield f"## Compared with `{profile.comparison_with}`"
    yield ""
    yield "| step | watched by | remark |\n|---|---|---|"
    yield from (f"| {step.step} | {_links(step)} | {step.remark} |" for step in profile.comparison)


def _not_connections(profile: Catalogue) -> Iterator[str]:
    yield ""
    yield "## What is not a connection"
    yield ""
    yield "| what | instead |\n|---|---|"
    yield from (f"| {item.what} | {item.instead} |" for item in profile.not_connections)


def _links(step: Comparison) -> str:
    names = [_shown(row) for row in step.rows]
    return ", ".join(f"[`{name}`](#{_anchor(name)})" for name in names) or "nothing"


def _answer(answer: str) -> str:
    return f"`{answer}`" if answer in set(Reason) else f"**{answer}**"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(template: str) -> str:
    """A template as people read it: `adapter-NAME` for what is repeated."""
    return _EACH.sub(lambda match: match[1].upper(), template)


def _anchor(heading: str) -> str:
    return heading.lower()


if __name__ == "__main__":
    sys.stdout.write(page(*(sys.argv[1:2] or ["meshery"])))
