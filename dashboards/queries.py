"""The queries about checks that several dashboards share.

A scope is the matchers of a selector, without braces. Each asks for a `check`, since blackbox_exporter has metrics of
the same names without that label, and compares with a cluster, which is absent where Prometheus sees only one.
"""

CLUSTER = 'cluster=~"$cluster"'
EVERY_CHECK = f'check!="",{CLUSTER}'
OF_DEPLOYMENT = f'{EVERY_CHECK},deployment=~"$deployment"'
OF_PARTS = f'{OF_DEPLOYMENT},component=~"$component",vantage=~"$vantage"'
OF_CHECK = f'{CLUSTER},deployment=~"$deployment",check=~"$check",vantage=~"$vantage"'
RULES_OF_DEPLOYMENT = f'{OF_DEPLOYMENT},component=~"$component"'
RULES_OF_CHECK = f'{CLUSTER},deployment=~"$deployment",check=~"$check"'
"""Recording rules about checks know no vantage: they are about all of them."""

CHECK = "cluster, deployment, check"
ID = "cluster, deployment, system, component, check, kind"
SEEN = f"{ID}, vantage, job, instance"
"""What tells a check of one agent from that of another."""

WHERE = "component, check, kind, vantage"


def state_number(scope: str) -> str:
    """0 up, 1 blocked, 2 unknown, 3 down, for each check and agent; see `colours.STATES`."""
    return (
        f'(3 * probe_state{{{scope},state="down"}} or 2 * probe_state{{{scope},state="unknown"}}'
        f' or probe_state{{{scope},state="blocked"}} or 0 * probe_state{{{scope},state="up"}})'
    )


def wavering(series: str, scope: str) -> str:
    """Those of the series of checks whose check was at some time of the range anything but up."""
    other = f'probe_state{{{scope},state!="up"}}'
    return f"{series} and on (cluster, deployment, check, vantage) present_over_time({other}[$__range] @ end())"


def count_of(state: str, scope: str, by: str = "") -> str:
    """Checks in a state, each vantage counted; 0 where there are none."""
    if not by:
        return f'count(probe_state{{{scope},state="{state}"}}) or vector(0)'
    return f'count by ({by}) (probe_state{{{scope},state="{state}"}}) or 0 * count by ({by}) (probe_state{{{scope}}})'


def with_target(series: str, scope: str) -> str:
    """The series of checks, with the labels that say what is probed and why."""
    return f"{series} * on ({SEEN}) group_left (target, purpose, severity) probe_target_info{{{scope}}}"


def failing_since(scope: str) -> str:
    """Checks that are down, with the reason and the target; the value is since when, in milliseconds since 1970."""
    since = (
        f"probe_failing{{{scope}}} * on ({SEEN}) group_left () (1000 * probe_state_since_timestamp_seconds{{{scope}}})"
    )
    return with_target(since, scope)


def blocked_by(scope: str) -> str:
    """Checks that are blocked, with the label `on` for each that they depend on; the value is since when, in ms."""
    blocked = f'probe_state{{{scope},state="blocked"}}'
    since = f"1000 * probe_state_since_timestamp_seconds{{{scope}}} and on ({SEEN}) {blocked}"
    return f"probe_depends_on_info{{{scope}}} * on ({SEEN}) group_left () ({since})"


def with_port(series: str) -> str:
    """The series of targets, with the label `port`: the one that is written, or else the scheme's."""
    for scheme, port in (("(http|ws)", "80"), ("(https|wss)", "443")):
        series = f'label_replace({series}, "port", "{port}", "target", "{scheme}://.*")'
    return f'label_replace({series}, "port", "$1", "target", "(?:[a-z]+://)?[^/]*:([0-9]+)(?:/.*)?")'


def rate(metric: str, scope: str) -> str:
    """The increase of a counter per second."""
    return f"rate({metric}{{{scope}}}[$__rate_interval])"


def share(part: str, whole: str, scope: str, by: str) -> str:
    """The share of one counter in another."""
    return f"sum by ({by}) ({rate(part, scope)}) / sum by ({by}) ({rate(whole, scope)})"


def slow_share(scope: str, by: str) -> str:
    """The share of slow runs in those that succeeded."""
    slow, runs, failed, inconclusive = (
        f"sum by ({by}) ({rate(f'probe_{what}_total', scope)})" for what in ("slow", "runs", "failures", "inconclusive")
    )
    return f"{slow} / ({runs} - {failed} - {inconclusive})"


def quantile(of: str, metric: str, scope: str, by: str = "") -> str:
    """A quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({of}, sum by ({labels}) ({rate(f'{metric}_bucket', scope)}))"


def budget_left(scope: str) -> str:
    """The share of each check's error budget of 30 days that is left."""
    return f"check:probe_error_budget:ratio30d{{{scope}}}"


def burn(window: str, scope: str) -> str:
    """How many times faster than it lasts 30 days the budget is spent, by the failures of a window such as 1h."""
    budget = f"(1 - check:probe_slo_ratio:min{{{scope}}})"
    return f"check:probe_failures:ratio_rate{window}{{{scope}}} / on ({ID}) {budget}"
