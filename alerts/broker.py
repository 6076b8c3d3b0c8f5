"""The Broker, by what its monitoring endpoint says of it. That it cannot be reached is told with the other checks."""

from collections.abc import Iterator

from alerts.identity import BROKER_DASHBOARD, GAP, ID
from alerts.rule import Alert, Group, Recording, Severity
from alerts.thresholds import BROKER_GROWTH, BROKER_GROWTH_BYTES, BROKER_RESTARTS, NEAR_LIMIT
from alerts.timing import Timing

STARTED = "check:nats_server_start_timestamp_seconds:max1h"
"""When the Broker started last, where that was within the last hour; else 0."""
_BROKER = "The Broker of deployment {{ $labels.deployment }}"


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    rules = (_client_missing, _slow_consumers, _restarted, _near_limit, _shutting_down)
    yield Group("reachd-broker", "30s", [_started(timing), *(rule(timing) for rule in rules)])


def _started(timing: Timing) -> Recording:
    # Behind one address there may be several servers, which answer by turns: only the latest start says anything.
    hour, latest = timing("1h"), f"max by ({ID}) (max_over_time(nats_server_start_timestamp_seconds"
    return Recording(STARTED, f"{latest}[{hour}])) > time() - {timing.seconds('1h')}\nor 0 * {latest}[{hour}]))")


def _client_missing(timing: Timing) -> Alert:
    return Alert(
        "ReachdBrokerClientMissing",
        Severity.WARNING,
        f"max by ({ID}, name) (last_over_time(nats_server_client_connected[{timing(GAP)}])) == 0",
        hold="3m",
        keep="1m",  # less than the alert that the Broker's monitoring endpoint is down, which suppresses it
        summary="Meshery Server or MeshSync is not connected to the Broker, so the live view stands still.",
        description=f"{_BROKER} has no client called {{{{ $labels.name }}}}.",
        dashboard=BROKER_DASHBOARD,
    )


def _slow_consumers(timing: Timing) -> Alert:
    count, quarter, hour = "nats_server_slow_consumers_total", timing("15m"), timing("1h")
    # A start before the one that was seen last is another server's. The counts of several make no counter, and what is
    # known of them is whether the highest has risen.
    by_turns = f"on ({ID}) max by ({ID}) (resets(nats_server_start_timestamp_seconds[{hour}])) > 0"
    return Alert(
        "ReachdBrokerSlowConsumers",
        Severity.WARNING,
        f"""\
max by ({ID}) (increase({count}[{quarter}])) > 0
unless {by_turns}
or max by ({ID}) (max_over_time({count}[{quarter}]))
  - max by ({ID}) (max_over_time({count}[{hour}] offset {quarter})) > 0
and {by_turns}""",
        hold="1m",
        summary="The Broker has cut off clients that read too slowly, and what they had not read is lost.",
        description=f'{_BROKER} has cut off {{{{ $value | printf "%.0f" }}}} clients in the last quarter of an hour.',
        dashboard=BROKER_DASHBOARD,
    )


def _restarted(timing: Timing) -> Alert:
    hour = timing("1h")
    return Alert(
        "ReachdBrokerRestarted",
        Severity.WARNING,
        f"changes({STARTED}[{hour}]) - resets({STARTED}[{hour}]) >= {BROKER_RESTARTS}",
        hold="",
        summary="The Broker keeps restarting, and messages in memory are lost each time.",
        description=f"{_BROKER} has started {{{{ $value }}}} times in the last hour.",
        dashboard=BROKER_DASHBOARD,
    )


def _near_limit(timing: Timing) -> Alert:
    gap, day = timing(GAP), timing("1d")

    def used(resource: str, use: str, limit: str) -> str:
        share = f"max by ({ID}) (last_over_time({use}[{gap}]) / (last_over_time({limit}[{gap}]) > 0))"
        return f'label_replace({share} > {NEAR_LIMIT}, "resource", "{resource}", "", "")'

    now = f"max by ({ID}) (last_over_time(nats_server_memory_bytes[{gap}]))"
    before = f"max by ({ID}) (avg_over_time(nats_server_memory_bytes[{day}] offset {timing('1h')}))"
    grown = f"{now} > {BROKER_GROWTH:g} * {before}\n  and {now} - {before} > {BROKER_GROWTH_BYTES}"
    arms = (
        used("JetStream memory", "nats_server_jetstream_memory_bytes", "nats_server_jetstream_memory_limit_bytes"),
        used("JetStream storage", "nats_server_jetstream_storage_bytes", "nats_server_jetstream_storage_limit_bytes"),
        used("connections", "nats_server_connections", "nats_server_max_connections"),
        f'label_replace({grown}, "resource", "memory", "", "")',
    )
    return Alert(
        "ReachdBrokerNearLimit",
        Severity.WARNING,
        "\nor ".join(arms),
        hold="15m",
        summary="The Broker is close to a limit, or uses far more memory than the day before.",
        description=f"{_BROKER} is short of {{{{ $labels.resource }}}}.",
        dashboard=BROKER_DASHBOARD,
    )


def _shutting_down(timing: Timing) -> Alert:
    failing = f'probe_failing{{component="broker",reason="shutting_down"}}[{timing(GAP)}]'
    return Alert(
        "ReachdBrokerShuttingDown",
        Severity.WARNING,
        f"max by ({ID}) (last_over_time({failing}))",
        hold="",
        keep="1m",
        summary="The Broker is about to stop: it is in lame duck mode and sends its clients away.",
        description=f"{_BROKER} is shutting down.",
        dashboard=BROKER_DASHBOARD,
    )
