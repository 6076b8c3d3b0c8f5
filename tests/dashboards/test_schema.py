"""Grafana's own types, as it publishes them for those who write dashboards, accept ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from tests.dashboards.documents import DASHBOARDS, Json, panels
from tests.servers.catalogue import NPM, find
from tests.servers.commands import run

PROGRAM = "ts-json-schema-generator"
TYPE = Path(__file__).parent / "dashboard.ts"
COMPILER = {"strict": True, "module": "esnext", "moduleResolution": "bundler", "skipLibCheck": True, "noEmit": True}

pytestmark = [pytest.mark.slow, pytest.mark.servers(PROGRAM)]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Draft7Validator:
    """The JSON schema of the type `Dashboard` in dashboard.ts; no key may be there that it does not know."""
    folder = tmp_path_factory.mktemp("schema")
    (folder / "node_modules").symlink_to(NPM / PROGRAM / "node_modules")
    source = folder / TYPE.name
    source.write_text(TYPE.read_text())
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "include": [TYPE.name]}))
    generator = find(PROGRAM)
    assert generator is not None
    flags: list[str | Path] = [
        "--type",
        "Dashboard",
        "--expose",
        "none",
        "--path",
        source,
        "--tsconfig",
        folder / "tsconfig.json",
    ]
    document = json.loads(run([generator, *flags], 60, cwd=folder))
    Draft7Validator.check_schema(document)
    return Draft7Validator(document)


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_grafana_knows_every_key_and_value(dashboard: Json, schema: Draft7Validator) -> None:
    assert [error.message[:500] for error in schema.iter_errors(dashboard)] == []


def first(dashboard: Json, kind: str) -> Json:
    """The first panel of a kind."""
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


MISTAKES: dict[str, Callable[[Json], object]] = {
    "a key of the dashboard": lambda it: it.update(colour="red"),
    "a kind of panel": lambda it: first(it, "stat").update(type="graph"),
    "an option of another kind of panel": lambda it: first(it, "stat")["options"].update(showHeader=True),
    "a field of another kind of panel": lambda it: first(it, "table")["fieldConfig"]["defaults"]["custom"].update(
        lineWidth=1
    ),
    "the value of an option": lambda it: first(it, "stat")["options"].update(colorMode="loud"),
    "a threshold without a colour": lambda it: first(it, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"][
        0
    ].pop("color"),
    "a place without a width": lambda it: first(it, "table")["gridPos"].pop("w"),
    "a refresh of a variable": lambda it: it["templating"]["list"][2].update(refresh=7),
    "an annotation without a colour": lambda it: it["annotations"]["list"][0].pop("iconColor"),
    "a link of an unknown type": lambda it: it["links"][0].update(type="page"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(mistake: Callable[[Json], object], schema: Draft7Validator) -> None:
    dashboard = copy.deepcopy(DASHBOARDS["reachd-overview"])
    mistake(dashboard)
    assert list(schema.iter_errors(dashboard))
