"""Names that depend on other names."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def circle_in(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Names that depend on each other in a circle, the first one again at the end; empty where there is no circle.

    graph: the names that each name depends on.
    """
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        return circle
    return []
