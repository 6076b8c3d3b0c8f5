"""The page of the checklist is made of the rules and their rows."""

from __future__ import annotations

from pathlib import Path

import yaml

import agent
from agent.probes._checklist_rule import RuleName
from agent.probes._checklist_rules import RULES
from agent.profiles.checklist_reference import page, roles

ROOT = Path(agent.__file__).parent.parent


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "checklist.md").read_text(encoding="utf-8") == page("meshery"), "run `make docs`"


def test_every_rule_has_a_paragraph_with_its_rights() -> None:
    text = page("meshery")
    for name in RuleName:
        section = text.partition(f"### checklist-{name.replace('_', '-')}\n")[2].partition("###")[0]
        assert len(section.strip().splitlines()[0]) > 60, name
        assert "\n- Why: " in section
        for resource in RULES[name].resources:
            assert f"`{resource}`" in section


def test_the_roles_of_the_page_are_what_rules_ask_for_and_no_more() -> None:
    blocks = [block.partition("```")[0] for block in page("meshery").split("```yaml\n")[1:]]
    listed = [document for block in blocks for document in yaml.safe_load_all(block) if "rules" in document]
    assert listed == list(roles())
    asked = {(each.namespaced, each.group, each.plural) for rule in RULES.values() for each in rule.resources}
    granted = [
        (role["kind"] == "Role", group, plural)
        for role in listed
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
    ]
    assert sorted(granted) == sorted(asked)
    assert {tuple(rule["verbs"]) for role in listed for rule in role["rules"]} == {("list",)}


def test_what_is_no_rule_says_why() -> None:
    rows = page("meshery").partition("## What is no rule")[2].splitlines()
    assert sum(row.startswith("| ") and row.count(" | ") == 1 for row in rows) > 8
