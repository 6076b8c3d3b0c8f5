"""Targets that are slow, answer with errors, or show a certificate that is about to end."""

from dataclasses import replace

from tests.alerts.case import Batch, Case, Firing, Shape, told
from tests.alerts.series import labelled
from tests.alerts.watched import Watched

_SLOW, _ERRORS, _CERTIFICATE = "ReachdSlow/warning", "ReachdHttpErrors/warning", "ReachdCertificateExpiry/warning"


def _one(runs: str, severity: str = "page", every: int = 20) -> Watched:
    """A check whose objective is too low for a budget to burn."""
    return Watched(runs, every=every, slo=0.5, severity=severity)


_ALWAYS_SLOW, _SELDOM = _one("slow"), _one("slow", every=300)
_SLOW_CASES = [
    Case(
        "slow: most runs take longer than the objective",
        [_ALWAYS_SLOW],
        firing=[told("ReachdSlow", "warning", _ALWAYS_SLOW, "11m")],
        of=_SLOW,
        shape=Shape.FIRES,
    ),
    Case(
        "slow: a check that runs every five minutes",
        [_SELDOM],
        firing=[told("ReachdSlow", "warning", _SELDOM, "25m")],
    ),
    Case("slow: half of the runs", [_one("up/slow")], of=_SLOW, shape=Shape.SPARED),
    Case("slow: for less than ten minutes", [_one("up 10m, slow 8m, up")]),
    Case("slow: a check of severity info", [_one("slow", "info")]),
    Case("slow: no check", [_one("gone")], of=_SLOW, shape=Shape.NO_DATA),
    Case("slow: gone after two minutes", [_one("slow 2m, gone")], of=_SLOW, shape=Shape.STALE),
]

_BLIPS = _one("up 20s, blip:500 20s, up 12m, blip:500")
_MIXED = _one("up 2m, blip:501/blip:502/blip:503")


def _errors(watched: Watched, since: str, until: str = "", code: str = "500") -> Firing:
    return told("ReachdHttpErrors", "warning", watched, since, until, code=code)


def _flapping(watched: Watched, since: str) -> Firing:
    return told("ReachdFlapping", "warning", watched, since)


_ERROR_CASES = [
    Case(
        "errors: 500 again and again",
        [_BLIPS],
        firing=[_errors(_BLIPS, "18m20s"), _flapping(_BLIPS, "18m40s")],
        of=_ERRORS,
        shape=Shape.FIRES,
    ),
    Case(
        "errors: 501, 502 and 503 are told apart",
        [_MIXED],
        firing=[
            _errors(_MIXED, "10m", code="501"),
            _errors(_MIXED, "10m20s", code="502"),
            _errors(_MIXED, "10m40s", code="503"),
            _flapping(_MIXED, "7m40s"),
        ],
    ),
    Case("errors: three of four hundred answers", [_one("up 2m, up*25/blip:500/up*100", every=4)]),
    Case("errors: two answers", [_one("up 2m, blip:500 40s, up")], of=_ERRORS, shape=Shape.SPARED),
    Case("errors: no check", [_one("gone")], of=_ERRORS, shape=Shape.NO_DATA),
    Case("errors: gone while pending", [_one("up 2m, blip:500 3m, gone")], of=_ERRORS, shape=Shape.STALE),
]

_FORTNIGHT = 14 * 86400
_TLS = Watched("", check="ui-tls", component="ui", kind="tls")
_OLD = Watched("", check="old-demo", component="server", kind="http", severity="info")
_BROKER = Watched("", check="broker-monitor", component="broker", kind="nats_monitor")


def _certificate(watched: Watched, metric: str, timeline: str) -> dict[str, str]:
    return {labelled(metric, **watched.identity, vantage="client", instance="agent-0"): timeline}


_SHOWN, _ANNOUNCED = "probe_ssl_earliest_cert_expiry", "nats_server_certificate_expiry_timestamp_seconds"
_CERTIFICATE_CASES = [
    Case(
        "certificate: less than a fortnight left",
        series=_certificate(_TLS, _SHOWN, str(_FORTNIGHT + 120)),
        firing=[told("ReachdCertificateExpiry", "warning", _TLS, "63m")],
        of=_CERTIFICATE,
        shape=Shape.FIRES,
    ),
    Case(
        "certificate: expired",
        series=_certificate(_TLS, _SHOWN, "-86400"),
        firing=[told("ReachdCertificateExpiry", "warning", _TLS, "60m")],
    ),
    Case(
        "certificate: the Broker's own, by what it announces",
        series=_certificate(_BROKER, _ANNOUNCED, "86400"),
        firing=[told("ReachdCertificateExpiry", "warning", _BROKER, "60m")],
    ),
    Case(
        "certificate: of two that one check knows, the first to end",
        series={
            **_certificate(_BROKER, _ANNOUNCED, "86400"),
            **_certificate(_BROKER, _SHOWN, str(10 * _FORTNIGHT)),
        },
        firing=[told("ReachdCertificateExpiry", "warning", _BROKER, "60m")],
    ),
    Case(
        "certificate: renewed within the hour",
        series=_certificate(_TLS, _SHOWN, f"86400 1h, {6 * _FORTNIGHT}"),
        of=_CERTIFICATE,
        shape=Shape.SPARED,
    ),
    Case(
        "certificate: another check, of information, sees another one that has expired",
        [replace(_OLD, runs="down:tls_expired")],
        series={**_certificate(_TLS, _SHOWN, "86400"), **_certificate(_OLD, _SHOWN, "-86400")},
        firing=[
            told("ReachdCheckDown", "info", _OLD, "3m"),
            told("ReachdCertificateExpiry", "warning", _TLS, "60m"),
        ],
    ),
    Case(
        "certificate: another check is down, for it sees the same one that has expired",
        [replace(_TLS, runs="down:tls_expired")],
        series={**_certificate(_TLS, _SHOWN, "-86400"), **_certificate(_OLD, _SHOWN, "-86400")},
        firing=[told("ReachdCheckDown", "critical", _TLS, "3m")],
    ),
    Case("certificate: a fortnight left", series=_certificate(_TLS, _SHOWN, str(_FORTNIGHT + 4000))),
    Case("certificate: none was shown", [replace(_TLS, runs="up")], of=_CERTIFICATE, shape=Shape.NO_DATA),
    Case(
        "certificate: seen now and then, as the target is down in between",
        series=_certificate(_TLS, _SHOWN, "86400 1m, gone 30m, 86400 1m, gone 20m, 86400 1m, gone"),
        firing=[told("ReachdCertificateExpiry", "warning", _TLS, "60m")],
        of=_CERTIFICATE,
        shape=Shape.STALE,
    ),
]

BATCHES = [
    Batch("slow-and-errors", ["reachd-checks"], "26m", [*_SLOW_CASES, *_ERROR_CASES], step=20, slow=True),
    Batch("certificates", ["reachd-checks"], "65m", _CERTIFICATE_CASES, step=60, slow=True),
]
