"""What cAdvisor measures of containers, where the kubelet is scraped: panels of the dashboard of Kubernetes."""

from dashboards import drawings
from dashboards.description import About
from dashboards.panel import Facts, Panel
from dashboards.query import Query
from dashboards.workloads import SCOPE

_CONTAINERS = f'{SCOPE},container!=""'
"""Series without a container are the sums of a pod or of the whole node."""

_ABSENT = "the container metrics of the kubelet are not scraped"
_LEGEND = "{{pod}} {{container}}"
_BY = "cluster, namespace, pod, container"
_ALERTS = ("ReachdAbnormalUsage",)


def system_cpu() -> Panel:
    """CPU in the kernel."""
    return drawings.lines(
        Facts(
            "System CPU of containers",
            About(
                "Cores that containers use inside of the kernel.",
                "a small part of what they use in all",
                "much of it: many connections or small packets, or memory that is reclaimed all the time",
                _ALERTS,
            ),
            [
                Query(
                    f"sum by ({_BY}) (rate(container_cpu_system_seconds_total{{{_CONTAINERS}}}[$__rate_interval]))",
                    _LEGEND,
                )
            ],
            _ABSENT,
            unit="none",
        )
    )


def resident() -> Panel:
    """Memory that cannot be given back."""
    return drawings.lines(
        Facts(
            "Resident memory of containers",
            About(
                "Memory that the programs themselves hold, without the cache of files.",
                "flat",
                "rising without end: a leak; it ends with OOMKilled",
                (*_ALERTS, "ReachdNearLimit"),
            ),
            [Query(f"max by ({_BY}) (container_memory_rss{{{_CONTAINERS}}})", _LEGEND)],
            _ABSENT,
            unit="bytes",
        )
    )


def cache() -> Panel:
    """Memory that can be given back."""
    return drawings.lines(
        Facts(
            "Cache of files of containers",
            About(
                "Memory that the kernel keeps of files for them, and gives back when it is needed.",
                "whatever it is",
                "high together with memory near the limit is no fault: look at the resident memory",
                _ALERTS,
            ),
            [Query(f"max by ({_BY}) (container_memory_cache{{{_CONTAINERS}}})", _LEGEND)],
            _ABSENT,
            unit="bytes",
        )
    )
