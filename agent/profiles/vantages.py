"""What a configured host means from another vantage than the one of the agent that reads the configuration."""

from ipaddress import ip_address

from agent.core.check import Plan

LOOPBACK_ELSEWHERE = "is true in the pod of this agent only; name the Service"
"""What to say of a loopback host, after its name, to other vantages."""


def own_vantages(plan: Plan, deployment: str) -> frozenset[str]:
    """From where this agent tests a deployment."""
    return frozenset(check.vantage for check in plan.checks if check.deployment == deployment)


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is the one that asks."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.removesuffix(".") == "localhost"
