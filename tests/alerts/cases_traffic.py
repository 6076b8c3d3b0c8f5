"""Real traffic of users, as ingress-nginx and Istio count it."""

from tests.alerts.case import Batch, Case, Firing, Shape
from tests.alerts.series import labelled

_ERRORS, _BURN = "ReachdTrafficErrors/warning/traffic", "ReachdErrorBudgetBurn/critical/1h/traffic"
_SLOW, _STOPPED = "ReachdTrafficSlow/warning/traffic", "ReachdTrafficStopped/warning/traffic"
_SERVER = {"deployment": "prod", "component": "server", "check": "server-live"}
_WATCHED = {
    labelled("reachd_pod_workload_info", namespace="meshery", pod="meshery-0", workload="meshery"): "1",
    labelled("probe_slo_ratio", **_SERVER): "0.99",
    labelled("probe_latency_objective_seconds", **_SERVER): "0.5",
}


def _nginx(**codes: str) -> dict[str, str]:
    """Requests as ingress-nginx counts them: a timeline for each status code. It says which, and in whose words."""
    names = {"namespace": "ingress", "exported_namespace": "meshery", "exported_service": "meshery"}
    return _WATCHED | {
        labelled("nginx_ingress_controller_requests", status=code.strip("_"), **names): timeline
        for code, timeline in codes.items()
    }


def _istio(**codes: str) -> dict[str, str]:
    names = {"destination_service_namespace": "meshery", "destination_service_name": "meshery"}
    return _WATCHED | {
        labelled("istio_requests_total", reporter="destination", response_code=code.strip("_"), **names): timeline
        for code, timeline in codes.items()
    }


def _durations(bucket: str, timeline: str, below: str = "+0") -> dict[str, str]:
    """Durations of which `bucket` seconds are exceeded by none, and 0.5 s by all but `below`."""
    names = {"exported_namespace": "meshery", "exported_service": "meshery"}
    metric = "nginx_ingress_controller_request_duration_seconds_bucket"
    return {
        labelled(metric, le=le, **names): line
        for le, line in (("0.1", below), ("0.5", below), (bucket, timeline), ("+Inf", timeline))
    }


def _fires(name: str, since: str, until: str = "", severity: str = "warning", **labels: str) -> Firing:
    common = {"alertname": name, "severity": severity, "component": "traffic", "namespace": "meshery"}
    return Firing({**common, "service": "meshery", **labels}, since, until)


def _burns(since: str, until: str = "") -> Firing:
    return _fires("ReachdErrorBudgetBurn", since, until, severity="critical", long="1h", short="5m")


_CASES = [
    Case(
        "traffic: 6 % of requests are answered 502",
        series=_nginx(_200="+94", _502="+6"),
        firing=[_fires("ReachdTrafficErrors", "5m30s", code="502")],
        of=_ERRORS,
        shape=Shape.FIRES,
    ),
    Case(
        "traffic: codes are told apart, and those of Istio count",
        series=_istio(_200="+88", _500="+6", _503="+6"),
        firing=[
            _fires("ReachdTrafficErrors", "5m30s", code="500"),
            _fires("ReachdTrafficErrors", "5m30s", code="503"),
        ],
    ),
    Case(
        "traffic: 5 % of requests are answered 502",
        series=_nginx(_200="+95", _502="+5"),
        of=_ERRORS,
        shape=Shape.SPARED,
    ),
    Case("traffic: nothing but errors, and hardly any request", series=_nginx(_502="+1")),
    Case(
        "traffic: slow, and hardly any request",
        series={**_nginx(_200="+1"), **_durations("1", "+1", "+0")},
    ),
    Case(
        "traffic: burns until the errors are over",
        series=_nginx(_200="gone 30s, +100", _500="gone 30s, +900 1m, +0"),
        firing=[_burns("3m", "5m30s")],
    ),
    Case(
        "traffic: slow, in a namespace that reachd does not watch",
        series={
            **{name: line for name, line in _nginx(_200="+100").items() if "nginx" in name},
            **_durations("1", "+100", "+0"),
        },
    ),
    Case(
        "traffic: errors of a namespace that reachd does not watch",
        series={key: value for key, value in _nginx(_502="+9").items() if "nginx" in key},
    ),
    Case("traffic: nobody counts requests", series=_WATCHED, of=_ERRORS, shape=Shape.NO_DATA),
    Case(
        "traffic: errors, and the ingress is gone",
        series=_nginx(_200="+94 1m, gone", _502="+6 1m, gone"),
        of=_ERRORS,
        shape=Shape.STALE,
    ),
    Case(
        "traffic: burns the budget, 15 % of requests fail",
        series=_nginx(_200="+850", _502="+40", _503="+40", _504="+40", _500="+40"),
        firing=[_burns("2m30s")],
        of=_BURN,
        shape=Shape.FIRES,
    ),
    Case(
        "traffic: burns the budget, and the agent with the objective once does not answer",
        series={
            **_nginx(_200="+850", _502="+40", _503="+40", _504="+40", _500="+40"),
            labelled("probe_slo_ratio", **_SERVER): "0.99 2m, gone 30s, 0.99",
        },
        firing=[_burns("2m30s")],
    ),
    Case(
        "traffic: 14 % is not over 14.4 times 1 %",
        series=_nginx(_200="+86", _500="+3", _502="+3", _503="+4", _504="+4"),
        of=_BURN,
        shape=Shape.SPARED,
    ),
    Case("traffic: nobody counts requests, so none fail", series=_WATCHED, of=_BURN, shape=Shape.NO_DATA),
    Case(
        "traffic: burns, and the agents are gone",
        series={
            **_nginx(_200="+850", _502="+40", _503="+40", _504="+40", _500="+40"),
            labelled("probe_slo_ratio", **_SERVER): "0.99 1m, gone",
        },
        of=_BURN,
        shape=Shape.STALE,
    ),
    Case(
        "traffic: slow, and the agent with the objective once does not answer",
        series={
            **_nginx(_200="+100"),
            **_durations("1", "+100", "+90"),
            labelled("probe_latency_objective_seconds", **_SERVER): "0.5 5m, gone 30s, 0.5",
        },
        firing=[_fires("ReachdTrafficSlow", "10m30s")],
    ),
    Case(
        "traffic: one request in ten is slower than the objective",
        series={**_nginx(_200="+100"), **_durations("1", "+100", "+90")},
        firing=[_fires("ReachdTrafficSlow", "10m30s")],
        of=_SLOW,
        shape=Shape.FIRES,
    ),
    Case(
        "traffic: one request in twenty-five is slower",
        series={**_nginx(_200="+100"), **_durations("1", "+100", "+96")},
        of=_SLOW,
        shape=Shape.SPARED,
    ),
    Case("traffic: nobody measures durations", series=_nginx(_200="+100"), of=_SLOW, shape=Shape.NO_DATA),
    Case(
        "traffic: slow, and the ingress is gone",
        series={**_nginx(_200="+100 2m, gone"), **_durations("1", "+100 2m, gone", "+0 2m, gone")},
        of=_SLOW,
        shape=Shape.STALE,
    ),
]
_STOP = [
    Case(
        "traffic: stops",
        series=_nginx(_200="+100 20m, +0"),
        firing=[_fires("ReachdTrafficStopped", "29m")],
        of=_STOPPED,
        shape=Shape.FIRES,
    ),
    Case(
        "traffic: a pause of nine minutes", series=_nginx(_200="+100 20m, +0 9m, +100"), of=_STOPPED, shape=Shape.SPARED
    ),
    Case("traffic: there never was any", series=_nginx(_200="+0"), of=_STOPPED, shape=Shape.NO_DATA),
    Case(
        "traffic: stops, and the ingress is gone",
        series=_nginx(_200="+100 20m, +0 5m, gone"),
        of=_STOPPED,
        shape=Shape.STALE,
    ),
]

BATCHES = [
    Batch("traffic", ["reachd-traffic"], "12m", _CASES),
    Batch("traffic-that-stops", ["reachd-traffic"], "32m", _STOP),
]
