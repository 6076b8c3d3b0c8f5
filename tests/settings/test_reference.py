"""docs/configuration.md is what the models say."""

from pathlib import Path

from agent.probes import probe_kinds
from agent.probes._settings import Model
from agent.settings.model import Configuration
from agent.settings.reference import reference
from agent.settings.shape import fields_at, models_in

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_the_page_has_every_probe_and_every_top_level_key() -> None:
    page = reference()
    assert all(f"### Kind `{kind}`\n" in page for kind in probe_kinds())
    assert all(f"| `{key}` |" in page for key in fields_at((), {}))


def test_every_key_of_the_agent_says_what_it_means() -> None:
    def undescribed(model: type[Model]) -> list[str]:
        missing = [name for name, field in model.model_fields.items() if not field.description]
        below = [inner for field in model.model_fields.values() for inner in models_in(field.annotation)]
        return missing + [
            name for inner in below if inner.__module__ == model.__module__ for name in undescribed(inner)
        ]

    assert undescribed(Configuration) == []
