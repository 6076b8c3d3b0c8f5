"""Series of many objects: what they have in common is kept once, and what is gone is not kept."""

import tracemalloc

from agent.metrics.objects import ObjectFamilies, ObjectSeries, Row
from agent.metrics.text import Description, SeriesType

CREATED = Description("kube_pod_created", SeriesType.GAUGE, "Unix time of creation.", ("pod",))


def test_objects_share_the_text_that_they_have_in_common() -> None:
    families = ObjectFamilies([CREATED])
    one, other = (families.text(ObjectSeries(name, (("pod", name),), [Row(CREATED, (), 1)])) for name in ("a", "b"))
    assert one.labels != other.labels
    assert one.lines[0] is other.lines[0]


def test_of_objects_that_come_and_go_nothing_stays() -> None:
    families = ObjectFamilies([CREATED])
    tracemalloc.start()
    try:
        for number in range(50_000):
            families.text(ObjectSeries("a", (("pod", "a"),), [Row(CREATED, (), number)]))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000
