"""The catalogue is what is exported, nothing in it clashes, and the documentation is generated from it."""

from pathlib import Path

from agent.core.reasons import Reason
from agent.metrics.catalogue import catalogue
from agent.metrics.reference import reference
from agent.metrics.text import SeriesType, family_name
from tests.metrics.support import OPENMETRICS, Scene, failure, make_check, success

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_names_are_declared_once_and_clash_in_no_format() -> None:
    names = [family_name(entry.family) for entry in catalogue().entries()]
    assert sorted(names) == sorted(set(names))


def test_names_end_as_their_types_demand() -> None:
    for family, labels, _ in catalogue().entries():
        assert family.name.endswith("_total") is (family.type is SeriesType.COUNTER), family.name
        assert family.name.endswith("_info") is (family.type is SeriesType.INFO or "build" in family.name), family.name
        assert len(set(labels)) == len(labels), family.name
        assert family.help.endswith("."), family.name


async def test_all_that_is_exported_is_in_the_catalogue() -> None:
    check = make_check(depends_on=("x",))
    scene = Scene(check)
    scene.run(check, success(), failure(Reason.CONNECT_REFUSED), failure(Reason.CONNECT_REFUSED))
    scene.agent.sink_dropped("log")
    scene.agent.source_succeeded("static", 1.0)
    known = {family_name(entry.family): entry for entry in catalogue().entries()}
    for name, family in (await scene.families(OPENMETRICS)).items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(known[name].labels), sample.name


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run `make docs`"
