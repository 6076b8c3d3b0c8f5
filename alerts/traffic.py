"""Real traffic, as ingress-nginx and Istio count it, of the namespaces that reachd watches: rate, latency, errors.

Where neither is scraped, these rules have nothing to say. The objectives are those of the checks on Server and UI.
"""

from collections.abc import Iterator

from alerts.budget import FAST, SUMMARY
from alerts.identity import GAP
from alerts.rule import Alert, Dashboard, Group, Recording, Severity
from alerts.thresholds import SERVER_ERROR_SHARE
from alerts.timing import Timing

DASHBOARD = Dashboard("reachd-kubernetes", ("cluster", "namespace"))
_SERVICE = "cluster, namespace, service"
_COMPONENT = {"component": "traffic"}
_SUBJECT = "Service {{ $labels.namespace }}/{{ $labels.service }}"
_USERS = 'component=~"server|ui"'
_REQUESTS = "service:traffic_requests:rate"
_PACE = FAST[0]
"""At which the budget of real traffic burns: the fastest of those of checks."""
_ENOUGH = 0.05
"""Requests a second; one error in less than three a minute is chance."""


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    alerts = (_errors, _burn, _slow, _stopped)
    yield Group("reachd-traffic", "30s", [*_recordings(timing), *(alert(timing) for alert in alerts)])


def _renamed(series: str, **labels: str) -> str:
    """`series` with the values of foreign labels in ours. Prometheus adds `exported_` unless labels are honoured."""
    for label, foreign in labels.items():
        series = f'label_replace({series}, "{label}", "$1", "{foreign}", "(.+)")'
    return series


def _nginx(series: str) -> str:
    return _renamed(_renamed(series, namespace="exported_namespace", service="exported_service"), code="status")


def _istio(series: str) -> str:
    names = {"namespace": "destination_service_namespace", "service": "destination_service_name"}
    return _renamed(series, **names, code="response_code")


def _watched(timing: Timing) -> str:
    return f"and on (cluster, namespace) last_over_time(reachd_pod_workload_info[{timing('1h')}])"


def _recordings(timing: Timing) -> Iterator[Recording]:
    for window in ("5m", "1h"):
        nginx = _nginx(f"rate(nginx_ingress_controller_requests[{timing(window)}])")
        istio = _istio(f'rate(istio_requests_total{{reporter="destination"}}[{timing(window)}])')
        counted = " or ".join(f"sum by ({_SERVICE}, code) ({requests})" for requests in (nginx, istio))
        yield Recording(f"{_REQUESTS}{window}", f"({counted})\n{_watched(timing)}")
    nginx = _nginx(f"rate(nginx_ingress_controller_request_duration_seconds_bucket[{timing('5m')}])")
    istio = _istio(f'rate(istio_request_duration_milliseconds_bucket{{reporter="destination"}}[{timing("5m")}])')
    quantiles = (
        f"histogram_quantile(0.95, sum by ({_SERVICE}, le) ({nginx}))",
        f"histogram_quantile(0.95, sum by ({_SERVICE}, le) ({istio})) / 1000",
    )
    yield Recording("service:traffic_latency_seconds:p95", f"({' or '.join(quantiles)})\n{_watched(timing)}")


def _objective(timing: Timing, metric: str) -> str:
    return f"max by (cluster) (last_over_time({metric}{{{_USERS}}}[{timing(GAP)}]))"


def _errors(timing: Timing) -> Alert:
    return Alert(
        "ReachdTrafficErrors",
        Severity.WARNING,
        f"""\
{_REQUESTS}5m{{code=~"5.."}} / on ({_SERVICE}) group_left () sum by ({_SERVICE}) ({_REQUESTS}5m) > {SERVER_ERROR_SHARE}
and on ({_SERVICE}) sum by ({_SERVICE}) ({_REQUESTS}5m) > {_ENOUGH}""",
        hold="5m",
        summary="Some of the requests of users are answered with server errors.",
        description=f"{_SUBJECT} answers {{{{ $labels.code }}}} to {{{{ $value | humanizePercentage }}}} of requests.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _burn(timing: Timing) -> Alert:
    objective = _objective(timing, "probe_slo_ratio")

    def share(window: str) -> str:
        errors, requests = (
            f"sum by ({_SERVICE}) ({_REQUESTS}{window}{selector})" for selector in ('{code=~"5.."}', "")
        )
        return f"({errors} / ({requests} > {_ENOUGH}))"

    limit = f"on (cluster) group_left () ({_PACE.factor:g} * (1 - {objective}))"
    return Alert(
        "ReachdErrorBudgetBurn",
        Severity.CRITICAL,
        f"{share(_PACE.long)} > {limit}\nand {share(_PACE.short)} > {limit}",
        hold=_PACE.hold,
        summary=SUMMARY,
        description=f"{_SUBJECT} failed {{{{ $value | humanizePercentage }}}} of the requests of the last hour.",
        dashboard=DASHBOARD,
        labels={"long": _PACE.long, "short": _PACE.short, **_COMPONENT},
    )


def _slow(timing: Timing) -> Alert:
    objective = _objective(timing, "probe_latency_objective_seconds")
    return Alert(
        "ReachdTrafficSlow",
        Severity.WARNING,
        f"""\
service:traffic_latency_seconds:p95 > on (cluster) group_left () {objective}
and on ({_SERVICE}) sum by ({_SERVICE}) ({_REQUESTS}5m) > {_ENOUGH}""",
        hold="10m",
        summary="One request of users in twenty takes longer than the latency objective.",
        description=f"{_SUBJECT} takes {{{{ $value | humanizeDuration }}}} for one request in twenty.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _stopped(timing: Timing) -> Alert:
    return Alert(
        "ReachdTrafficStopped",
        Severity.WARNING,
        f"""\
sum by ({_SERVICE}) ({_REQUESTS}5m) == 0
and sum by ({_SERVICE}) (avg_over_time({_REQUESTS}5m[{timing("1h")}] offset {timing("10m")})) > {_ENOUGH}""",
        hold="5m",
        summary="No request of users arrives any more.",
        description=f"{_SUBJECT} has had no request for ten minutes.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )
