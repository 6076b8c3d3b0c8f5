"""Each rule of the checklist as a table: healthy, each way to be wrong, what cannot be known, and hostile objects."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure
from agent.probes._checklist_rule import Objects, RuleName, Wanted
from agent.probes._checklist_rules import RULES
from agent.probes._kube_objects import bytes_of
from tests.probes.meshery_objects import (
    CONTROL_PLANE,
    DELETED,
    NGINX,
    SERVER,
    ZONE,
    Json,
    changed,
    healthy,
    listed,
    probe_of,
)

UP, WRONG, UNKNOWABLE = "up", "wrong", "unknowable"
TODAY = datetime.now(UTC).date()
EXTERNAL = "https://meshery.example.com"

SERVER_SPEC = "deployments.apps/0/spec"
CONTAINER = f"{SERVER_SPEC}/template/spec/containers/0"
ENVIRONMENT = f"{CONTAINER}/env"
OPERATOR_STATUS = "deployments.apps/1/status"
SERVICE = "services/0/spec"
INGRESS = "ingresses.networking.k8s.io/0"
ANNOTATIONS = f"{INGRESS}/metadata/annotations"
POLICIES = "networkpolicies.networking.k8s.io"
SCALER = "horizontalpodautoscalers.autoscaling/0"
BROKER_LIMITS = "statefulsets.apps/0/spec/template/spec/containers/0/resources"
READ_TIMEOUT, SEND_TIMEOUT = f"{ANNOTATIONS}/{NGINX}~proxy-read-timeout", f"{ANNOTATIONS}/{NGINX}~proxy-send-timeout"
AFFINITY = f"{ANNOTATIONS}/{NGINX}~affinity"
FROM_SECRET = {"secretKeyRef": {"name": "meshery", "key": "value"}}
NO_SERVER: dict[str, Any] = {"deployments.apps": []}


def judged(rule: RuleName, objects: Objects, wanted: dict[str, Any]) -> tuple[str, str]:
    """What a rule finds, and all that it says; whatever it says can be shown."""
    try:
        found = UP, RULES[rule].judge(objects, Wanted.model_validate(wanted))
    except ProbeFailure as failure:
        found = WRONG if failure.reason is Reason.DEGRADED else failure.reason, failure.detail
    except Inconclusive as inconclusive:
        found = UNKNOWABLE, f"{inconclusive.detail}: {inconclusive.advice}"
    assert found[1].isprintable()
    assert 0 < len(found[1]) < 1500
    return found


def condition(**said: str) -> Json:
    return {"type": "Ready", "status": "False", **said}


def variable(name: str, value: str | None) -> dict[str, Any]:
    """A change of one variable of the Server's environment."""
    position = ("PROVIDER", "MESHERY_SERVER_CALLBACK_URL", "OTEL_CONFIG").index(name)
    return {f"{ENVIRONMENT}/{position}": DELETED if value is None else {"name": name, "value": value}}


Row = tuple[RuleName, dict[str, Any], dict[str, Any], str, str]
"""A rule, what is changed in the healthy objects, what is wanted, what is found, and a part of what is said."""

R = RuleName
ROWS: list[Row] = [
    # Probes
    (R.SERVER_PROBES, {}, {}, UP, "liveness is probed from 60 s on, every 12 s, and fails after 48 s"),
    (
        R.SERVER_PROBES,
        {f"{CONTAINER}/startupProbe": DELETED, f"{CONTAINER}/livenessProbe": probe_of("/healthz/live", 80, 12, 4, 1)},
        {},
        UP,
        "from 80 s on",
    ),
    (R.SERVER_PROBES, {f"{CONTAINER}/livenessProbe": DELETED}, {}, WRONG, "there is no livenessProbe"),
    (R.SERVER_PROBES, {f"{CONTAINER}/readinessProbe": DELETED}, {}, WRONG, "there is no readinessProbe"),
    (
        R.SERVER_PROBES,
        {f"{CONTAINER}/livenessProbe/httpGet/path": "/", f"{CONTAINER}/readinessProbe/httpGet/path": "/"},
        {},
        WRONG,
        'the livenessProbe asks "/" instead of /healthz/live and the readinessProbe asks "/" instead of /healthz/ready',
    ),
    (R.SERVER_PROBES, {f"{CONTAINER}/livenessProbe/httpGet/path": "/healthz/live?verbose=1"}, {}, UP, "liveness"),
    (
        R.SERVER_PROBES,
        {f"{CONTAINER}/livenessProbe": {"tcpSocket": {"port": 8080}}},
        {},
        WRONG,
        "the livenessProbe asks nothing over HTTP instead of /healthz/live",
    ),
    (
        R.SERVER_PROBES,
        {f"{CONTAINER}/startupProbe": DELETED, f"{CONTAINER}/livenessProbe": {"httpGet": {"path": "/healthz/live"}}},
        {},
        WRONG,
        "the livenessProbe kills a Server that takes longer than 30 s to start",
    ),
    (
        R.SERVER_PROBES,
        {f"{CONTAINER}/readinessProbe": probe_of("/healthz/ready", 10, 30, 3, 1)},
        {},
        WRONG,
        "leaves an unready Server in its Service for 90 s",
    ),
    (
        R.SERVER_PROBES,
        {
            f"{CONTAINER}/startupProbe": DELETED,
            f"{CONTAINER}/livenessProbe": probe_of("/healthz/live", 50, 10, 3, 1),
            f"{CONTAINER}/readinessProbe": probe_of("/healthz/ready", 10, 20, 3, 1),
        },
        {},
        UP,
        "fails after 30 s",
    ),
    (R.SERVER_PROBES, NO_SERVER, {}, UNKNOWABLE, "there is no Deployment of Meshery Server in this namespace"),
    (R.SERVER_PROBES, {f"{SERVER_SPEC}/template/spec/containers": []}, {}, UNKNOWABLE, "no container"),
    (R.UPGRADE_VALUES, {}, {}, UP, "the startup probe has patience for 180 s"),
    (
        R.UPGRADE_VALUES,
        {f"{CONTAINER}/startupProbe": DELETED},
        {},
        WRONG,
        "there is no startupProbe; upgrade with --values values-upgrade.yaml",
    ),
    (
        R.UPGRADE_VALUES,
        {f"{CONTAINER}/startupProbe/failureThreshold": 3},
        {},
        WRONG,
        "the startupProbe gives up after 30 s with a timeout of 5 s, not after 180 s and 5 s",
    ),
    (R.UPGRADE_VALUES, {f"{CONTAINER}/livenessProbe/timeoutSeconds": 1}, {}, WRONG, "with a timeout of 1 s"),
    (R.UPGRADE_VALUES, {f"{CONTAINER}/readinessProbe": DELETED}, {}, WRONG, "there is no readinessProbe"),
    (R.UPGRADE_VALUES, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    # Replicas
    (R.SERVER_REPLICAS, {}, {}, UP, "3 of 3 replicas of the Server are available; Meshery's documents disagree"),
    (R.SERVER_REPLICAS, {}, {"replicas": 3}, UP, "3 of 3 replicas of the Server are available"),
    (R.SERVER_REPLICAS, {}, {"replicas": 1}, UP, "3 of 3"),
    (R.SERVER_REPLICAS, {}, {"replicas": 5}, WRONG, "the Server has 3 of 5 wanted replicas; raise replicaCount"),
    (
        R.SERVER_REPLICAS,
        {"deployments.apps/0/status/availableReplicas": 2},
        {"replicas": 3},
        WRONG,
        "2 of 3 replicas of the Server are available",
    ),
    (R.SERVER_REPLICAS, {"deployments.apps/0/status": {}}, {}, WRONG, "0 of 3 replicas"),
    (R.SERVER_REPLICAS, {f"{SERVER_SPEC}/replicas": 0}, {}, WRONG, "the Server is scaled to zero"),
    (R.SERVER_REPLICAS, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (
        R.SERVER_REPLICAS,
        {"deployments.apps/0/metadata/name": "prod-meshery", "deployments.apps/1/metadata/labels": SERVER},
        {},
        UP,
        "3 of 3",
    ),
    (R.AUTOSCALING, {}, {}, UP, 'the autoscaler "meshery" has 3 replicas, between 3 and 6'),
    (R.AUTOSCALING, {f"{SCALER}/spec/scaleTargetRef/name": "other"}, {}, WRONG, "no HorizontalPodAutoscaler scales"),
    (R.AUTOSCALING, {f"{SCALER}/spec/scaleTargetRef/kind": "StatefulSet"}, {}, WRONG, "no HorizontalPodAutoscaler"),
    (
        R.AUTOSCALING,
        {f"{SCALER}/status/conditions/1": {"type": "ScalingActive", "status": "False", "reason": "FailedGetMetric"}},
        {},
        WRONG,
        'the autoscaler "meshery" does not scale: "FailedGetMetric"',
    ),
    (R.AUTOSCALING, {f"{SCALER}/spec/maxReplicas": 3}, {}, WRONG, "has no room: from 3 to 3"),
    (R.AUTOSCALING, {f"{SCALER}/status/currentReplicas": 6}, {}, WRONG, "is at its maximum of 6 replicas"),
    (R.AUTOSCALING, {f"{SCALER}/status": DELETED}, {}, UP, "has 0 replicas"),
    (R.AUTOSCALING, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    # Memory
    (R.SERVER_MEMORY, {}, {}, UP, '"meshery-7d9f-ccccc" uses 700 MiB of 2048 MiB, 34%'),
    (
        R.SERVER_MEMORY,
        {"pods.metrics.k8s.io/1/containers/1/usage/memory": "1900Mi"},
        {},
        WRONG,
        '"meshery-7d9f-bbbbb" uses 1900 MiB of 2048 MiB, 93%; raise its memory limit: 20% of it should stay free',
    ),
    (R.SERVER_MEMORY, {}, {"memory_headroom": 0.7}, WRONG, "70% of it should stay free"),
    (
        R.SERVER_MEMORY,
        {f"{CONTAINER}/resources": DELETED},
        {},
        WRONG,
        'container "meshery" of the Server has no memory',
    ),
    (
        R.SERVER_MEMORY,
        {f"{CONTAINER}/resources": DELETED, "pods.metrics.k8s.io": DELETED},
        {},
        WRONG,
        "has no memory limit",
    ),
    (
        R.SERVER_MEMORY,
        {
            f"{CONTAINER}/resources": {"limits": {"memory": "a lot"}},
            f"{SERVER_SPEC}/template/spec/resources": {"limits": {"memory": "1G"}},
        },
        {},
        UP,
        "of 954 MiB",
    ),
    (R.SERVER_MEMORY, {"pods.metrics.k8s.io": DELETED}, {}, UNKNOWABLE, "not serve pods.metrics.k8s.io: Install metr"),
    (R.SERVER_MEMORY, {"pods.metrics.k8s.io": []}, {}, UNKNOWABLE, "the metrics API says nothing of its pods"),
    (R.SERVER_MEMORY, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.BROKER_MEMORY, {}, {}, UP, '"meshery-nats-0" uses 29 MiB of 256 MiB, 11%'),
    (
        R.BROKER_MEMORY,
        {
            "statefulsets.apps/0/metadata/name": "meshery-broker",
            "statefulsets.apps/0/spec/template/spec/containers/0/name": "broker",
            "pods.metrics.k8s.io/3/containers/1/name": "broker",
        },
        {},
        UP,
        "29 MiB",
    ),
    (R.BROKER_MEMORY, {"pods.metrics.k8s.io/3/containers/1/usage/memory": "2e8"}, {}, UP, "191 MiB of 256 MiB, 75%"),
    (R.BROKER_MEMORY, {"pods.metrics.k8s.io/3/containers/1/usage/memory": "220Mi"}, {}, WRONG, "220 MiB of 256 MiB"),
    (R.BROKER_MEMORY, {BROKER_LIMITS: {"limits": {"cpu": "1"}}}, {}, WRONG, "of the Broker has no memory limit"),
    (R.BROKER_MEMORY, {"statefulsets.apps": []}, {}, UNKNOWABLE, "there is no StatefulSet of Meshery Broker"),
    (R.BROKER_MEMORY, {"pods.metrics.k8s.io": DELETED}, {}, UNKNOWABLE, "does not serve pods.metrics.k8s.io"),
    # Environment
    (R.REMOTE_PROVIDER, {}, {}, UP, 'the Remote Provider "Meshery" is preselected'),
    (R.REMOTE_PROVIDER, variable("PROVIDER", None), {}, WRONG, "PROVIDER is not set"),
    (R.REMOTE_PROVIDER, variable("PROVIDER", " "), {}, WRONG, "PROVIDER is not set"),
    (R.REMOTE_PROVIDER, variable("PROVIDER", "None"), {}, WRONG, 'PROVIDER is "None", the Local Provider'),
    (R.REMOTE_PROVIDER, variable("PROVIDER", "Local"), {}, WRONG, 'PROVIDER is "Local", the Local Provider'),
    (
        R.REMOTE_PROVIDER,
        {f"{ENVIRONMENT}/3": {"name": "PROVIDER", "value": "Local"}},
        {},
        WRONG,
        'PROVIDER is "Local"',
    ),
    (
        R.REMOTE_PROVIDER,
        {f"{ENVIRONMENT}/0": {"name": "PROVIDER", "valueFrom": FROM_SECRET}},
        {},
        UNKNOWABLE,
        "the value of PROVIDER comes from elsewhere",
    ),
    (
        R.REMOTE_PROVIDER,
        {f"{ENVIRONMENT}": [], f"{CONTAINER}/envFrom": [{"secretRef": {"name": "meshery"}}]},
        {},
        UNKNOWABLE,
        "PROVIDER may be in a ConfigMap or Secret",
    ),
    (R.REMOTE_PROVIDER, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.CALLBACK_URL, {}, {}, UP, 'sent back to "https://meshery.example.com"'),
    (R.CALLBACK_URL, {}, {"external_url": EXTERNAL}, UP, "sent back to"),
    (
        R.CALLBACK_URL,
        variable("MESHERY_SERVER_CALLBACK_URL", "https://MESHERY.example.com:443/api/user/token"),
        {"external_url": EXTERNAL},
        UP,
        "/api/user/token",
    ),
    (
        R.CALLBACK_URL,
        variable("MESHERY_SERVER_CALLBACK_URL", None),
        {"external_url": EXTERNAL},
        WRONG,
        f"with http://; set env.MESHERY_SERVER_CALLBACK_URL in the chart's values to {EXTERNAL}/api/user/token",
    ),
    (R.CALLBACK_URL, variable("MESHERY_SERVER_CALLBACK_URL", "http://meshery.example.com"), {}, WRONG, "is not https"),
    (R.CALLBACK_URL, variable("MESHERY_SERVER_CALLBACK_URL", "meshery"), {}, WRONG, 'is no URL: "meshery"'),
    (
        R.CALLBACK_URL,
        {},
        {"external_url": "https://other.example.com"},
        WRONG,
        'leads to "https://meshery.example.com", not to https://other.example.com',
    ),
    (R.CALLBACK_URL, {}, {"external_url": f"{EXTERNAL}:8443"}, WRONG, "not to https://meshery.example.com:8443"),
    (
        R.CALLBACK_URL,
        {f"{ENVIRONMENT}/1": {"name": "MESHERY_SERVER_CALLBACK_URL", "valueFrom": FROM_SECRET}},
        {},
        UNKNOWABLE,
        "comes from elsewhere",
    ),
    (R.CALLBACK_URL, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.TRACING, {}, {}, UP, "OTEL_CONFIG is set, and names an endpoint"),
    (R.TRACING, variable("OTEL_CONFIG", '{"service_name": "meshery", "endpoint": "otel:4317"}'), {}, UP, "endpoint"),
    (R.TRACING, variable("OTEL_CONFIG", None), {}, WRONG, "OTEL_CONFIG is not set"),
    (R.TRACING, variable("OTEL_CONFIG", "service_name: meshery"), {}, WRONG, "OTEL_CONFIG names no endpoint"),
    (R.TRACING, variable("OTEL_CONFIG", "endpoint:"), {}, WRONG, "OTEL_CONFIG names no endpoint"),
    (R.TRACING, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    # Exposure
    (R.LOAD_BALANCER, {}, {}, UP, '"meshery": no LoadBalancer'),
    (R.LOAD_BALANCER, {f"{SERVICE}/type": "NodePort"}, {}, UP, "no LoadBalancer"),
    (R.LOAD_BALANCER, {f"{SERVICE}/type": "LoadBalancer"}, {}, WRONG, 'the Service "meshery" is a LoadBalancer'),
    (
        R.LOAD_BALANCER,
        {
            "services/1": {
                "metadata": {"name": "by-hand"},
                "spec": {"type": "LoadBalancer", "selector": {"app.kubernetes.io/name": "meshery"}},
            }
        },
        {},
        WRONG,
        'the Service "by-hand" is a LoadBalancer',
    ),
    (
        R.LOAD_BALANCER,
        {"services/1": {"metadata": {"name": "x"}, "spec": {"type": "LoadBalancer", "selector": {"app": "other"}}}},
        {},
        UP,
        "no LoadBalancer",
    ),
    (R.LOAD_BALANCER, {f"{SERVICE}/selector": {}}, {}, UNKNOWABLE, "no Service leads to Meshery Server"),
    (R.LOAD_BALANCER, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.INGRESS, {}, {"external_url": EXTERNAL}, UP, '"meshery": class "nginx", with TLS for all its hosts'),
    (
        R.INGRESS,
        {f"{INGRESS}/spec/ingressClassName": DELETED, f"{ANNOTATIONS}/kubernetes.io~ingress.class": "nginx"},
        {},
        UP,
        'class "nginx"',
    ),
    (R.INGRESS, {f"{INGRESS}/spec/ingressClassName": DELETED}, {}, WRONG, 'the Ingress "meshery" has no class'),
    (R.INGRESS, {f"{INGRESS}/spec/tls": DELETED}, {}, WRONG, 'the Ingress "meshery" has no TLS; set'),
    (
        R.INGRESS,
        {f"{INGRESS}/spec/tls/0/hosts": ["other.example.com"]},
        {},
        WRONG,
        'has no TLS for "meshery.example.com"',
    ),
    (R.INGRESS, {f"{INGRESS}/spec/tls/0/hosts": ["*.example.com"]}, {"external_url": EXTERNAL}, UP, "with TLS"),
    (R.INGRESS, {f"{INGRESS}/spec/tls/0/hosts": ["*.com"]}, {}, WRONG, 'has no TLS for "meshery.example.com"'),
    (R.INGRESS, {f"{INGRESS}/spec/tls/0/hosts": DELETED}, {}, UP, "with TLS"),
    (R.INGRESS, {f"{INGRESS}/spec/rules/0/host": DELETED}, {}, WRONG, 'has no TLS for "any host"'),
    (
        R.INGRESS,
        {},
        {"external_url": "https://other.example.com"},
        WRONG,
        'no Ingress has the host other.example.com of external_url, but "meshery.example.com"',
    ),
    (
        R.INGRESS,
        {f"{INGRESS}/spec": {"defaultBackend": {"service": {"name": "meshery"}}, "tls": [{}], "ingressClassName": "x"}},
        {"external_url": EXTERNAL},
        UP,
        'class "x"',
    ),
    (
        R.INGRESS,
        {f"{INGRESS}/spec/rules/0/http/paths/0/backend/service/name": "other"},
        {},
        UNKNOWABLE,
        "no Ingress leads to Meshery Server, of 1 in this namespace",
    ),
    (R.INGRESS, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    # Proxies
    (R.PROXY_TIMEOUTS, {}, {}, UP, '"meshery": a silent WebSocket stays open for 1h or longer'),
    (R.PROXY_TIMEOUTS, {}, {"proxy_timeout": "2h"}, WRONG, "after 3600 s; set nginx.ingress.kubernetes.io/proxy-read"),
    (R.PROXY_TIMEOUTS, {READ_TIMEOUT: DELETED}, {}, WRONG, "after 60 s, unless its ConfigMap says otherwise"),
    (R.PROXY_TIMEOUTS, {READ_TIMEOUT: DELETED}, {"proxy_timeout": "1m"}, UP, "stays open"),
    (R.PROXY_TIMEOUTS, {SEND_TIMEOUT: "120"}, {}, WRONG, "after 120 s; set nginx.ingress.kubernetes.io/proxy-send-tim"),
    (R.PROXY_TIMEOUTS, {SEND_TIMEOUT: "1h"}, {}, WRONG, "after 60 s"),
    (
        R.PROXY_TIMEOUTS,
        {ANNOTATIONS: {"nginx.org/proxy-read-timeout": "1h", "nginx.org/proxy-send-timeout": "3600s"}},
        {},
        UP,
        "stays open",
    ),
    (
        R.PROXY_TIMEOUTS,
        {ANNOTATIONS: {"nginx.org/proxy-read-timeout": "90s"}},
        {},
        WRONG,
        'after 90 s; set nginx.org/proxy-read-timeout to "3600s" or more',
    ),
    (
        R.PROXY_TIMEOUTS,
        {ANNOTATIONS: {}, f"{INGRESS}/spec/ingressClassName": "traefik"},
        {},
        UNKNOWABLE,
        'the timeouts of the class "traefik" are no annotations of its Ingresses: The row websocket-idle',
    ),
    (R.PROXY_TIMEOUTS, {"ingresses.networking.k8s.io": []}, {}, UNKNOWABLE, "no Ingress leads to Meshery Server"),
    (R.PROXY_TIMEOUTS, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.SESSION_AFFINITY, {}, {}, UP, '"meshery" has nginx.ingress.kubernetes.io/affinity'),
    (R.SESSION_AFFINITY, {f"{SERVER_SPEC}/replicas": 1, AFFINITY: DELETED}, {}, UP, "a single replica needs no"),
    (
        R.SESSION_AFFINITY,
        {AFFINITY: DELETED},
        {},
        WRONG,
        '3 replicas without session affinity at the Ingress "meshery"',
    ),
    (R.SESSION_AFFINITY, {AFFINITY: DELETED, f"{SERVER_SPEC}/replicas": 2}, {}, WRONG, "2 replicas without"),
    (
        R.SESSION_AFFINITY,
        {AFFINITY: DELETED, f"{SERVICE}/sessionAffinity": "ClientIP"},
        {},
        WRONG,
        "the Service's own affinity does nothing behind nginx",
    ),
    (
        R.SESSION_AFFINITY,
        {ANNOTATIONS: {"alb.ingress.kubernetes.io/target-group-attributes": "a=b,stickiness.enabled=true"}},
        {},
        UP,
        "has alb.ingress.kubernetes.io/target-group-attributes",
    ),
    (
        R.SESSION_AFFINITY,
        {
            ANNOTATIONS: {},
            f"{INGRESS}/spec/ingressClassName": "traefik",
            "services/0/metadata/annotations": {"traefik.ingress.kubernetes.io/service.sticky.cookie": "true"},
        },
        {},
        UP,
        "has traefik.ingress.kubernetes.io/service.sticky.cookie",
    ),
    (
        R.SESSION_AFFINITY,
        {ANNOTATIONS: {}, f"{INGRESS}/spec/ingressClassName": "traefik"},
        {},
        UNKNOWABLE,
        'its class "traefik" may have it elsewhere',
    ),
    (
        R.SESSION_AFFINITY,
        {"ingresses.networking.k8s.io": [], f"{SERVICE}/sessionAffinity": "ClientIP"},
        {},
        UP,
        '"meshery": session affinity by the client\'s address',
    ),
    (
        R.SESSION_AFFINITY,
        {"ingresses.networking.k8s.io": [], f"{SERVICE}/type": "NodePort"},
        {},
        WRONG,
        '3 replicas without session affinity at "meshery"',
    ),
    (R.SESSION_AFFINITY, {"ingresses.networking.k8s.io": []}, {}, UNKNOWABLE, "no Ingress leads to the 3 replicas"),
    (R.SESSION_AFFINITY, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    # NetworkPolicies
    (R.NETWORK_POLICY, {}, {}, UP, "denied by default, beside 1 other NetworkPolicies"),
    (
        R.NETWORK_POLICY,
        {POLICIES: []},
        {},
        WRONG,
        "no NetworkPolicy denies ingress by default and no NetworkPolicy den",
    ),
    (R.NETWORK_POLICY, {f"{POLICIES}/0/spec/policyTypes": ["Ingress"]}, {}, WRONG, "no NetworkPolicy denies egress by"),
    (
        R.NETWORK_POLICY,
        {f"{POLICIES}/0/spec/policyTypes": DELETED},
        {},
        WRONG,
        "no NetworkPolicy denies egress by defau",
    ),
    (R.NETWORK_POLICY, {f"{POLICIES}/0/spec/podSelector": {"matchLabels": SERVER}}, {}, WRONG, "denies ingress"),
    (R.NETWORK_POLICY, {f"{POLICIES}/0/spec/ingress": [{}]}, {}, WRONG, "a NetworkPolicy allows all pods all ingress"),
    (R.NETWORK_POLICY, {f"{POLICIES}/0/spec/egress": [{"ports": [{"port": 53}]}]}, {}, UP, "denied by default"),
    (R.NETWORK_POLICY, {f"{POLICIES}/0/spec/ingress": [{"from": [{"podSelector": {}}]}]}, {}, UP, "denied by default"),
    (R.NETWORK_POLICY, {}, {"namespace": "default"}, WRONG, "the namespace default is not Meshery's own"),
    (R.NETWORK_POLICY, {}, {"namespace": "kube-system"}, WRONG, "the namespace kube-system is not Meshery's own"),
    # Operator
    (R.OPERATOR, {}, {}, UP, "1 of 1 replicas of the Operator are available"),
    (R.OPERATOR, {"deployments.apps/1/metadata/name": "controller"}, {}, UP, "1 of 1 replicas of the Operator"),
    (R.OPERATOR, {f"{OPERATOR_STATUS}/availableReplicas": 0}, {}, WRONG, "0 of 1 replicas of the Operator"),
    (R.OPERATOR, {}, {"replicas": 3}, WRONG, "the Operator has 1 of 3 wanted replicas"),
    (R.OPERATOR, {"deployments.apps/1": DELETED}, {}, UNKNOWABLE, "embedded MeshSync needs no Operator"),
    (R.BROKER_READY, {}, {}, UP, 'the Broker resource "meshery-broker" is Ready'),
    (
        R.BROKER_READY,
        {"brokers.meshery.io/0/metadata/name": "second-broker"},
        {},
        UP,
        'the Broker resource "second-broker" is Ready',
    ),
    (
        R.BROKER_READY,
        {
            "brokers.meshery.io/0/status/conditions": [
                condition(reason="HealthCheckFailed", message="no \x1b[31m answer")
            ]
        },
        {},
        WRONG,
        'is not Ready: "HealthCheckFailed: no \\x1b[31m answer"; look at the log of Meshery Operator',
    ),
    (
        R.BROKER_READY,
        {
            "brokers.meshery.io/0/status/conditions": [
                condition(type="not healthy", status="True", reason="EndpointFailed")
            ]
        },
        {},
        WRONG,
        'is not healthy: "EndpointFailed"',
    ),
    (R.BROKER_READY, {"brokers.meshery.io/0/status/conditions/0/type": "healthy"}, {}, UP, "is Ready"),
    (
        R.BROKER_READY,
        {
            "brokers.meshery.io/0/status/conditions": [
                condition(type="not healthy", status="False"),
                condition(type="healthy", status="True"),
            ]
        },
        {},
        UP,
        "is Ready",
    ),
    (R.BROKER_READY, {"brokers.meshery.io/0/status": {}}, {}, UNKNOWABLE, "has no condition Ready"),
    (R.BROKER_READY, {"brokers.meshery.io/0/status/conditions/0/type": "Processing"}, {}, UNKNOWABLE, "no condition R"),
    (R.BROKER_READY, {"brokers.meshery.io": []}, {}, UNKNOWABLE, "there is no resource among brokers.meshery.io"),
    (R.BROKER_READY, {"brokers.meshery.io": DELETED}, {}, UNKNOWABLE, "the cluster does not serve brokers.meshery.io"),
    (R.MESHSYNC_READY, {}, {}, UP, 'the MeshSync resource "meshery-meshsync" is Ready'),
    (
        R.MESHSYNC_READY,
        {"meshsyncs.meshery.io/0/status/conditions": [condition(reason="X")]},
        {},
        WRONG,
        "is not Ready",
    ),
    (R.MESHSYNC_READY, {"meshsyncs.meshery.io": DELETED}, {}, UNKNOWABLE, "does not serve meshsyncs.meshery.io"),
    # Nodes
    (R.SERVER_SPREAD, {}, {}, UP, "3 replicas on 3 of 3 nodes, in 3 of 3 zones"),
    (R.SERVER_SPREAD, {"pods/2": DELETED, "pods/1": DELETED}, {}, UP, 'a single replica on the node "worker-a"'),
    (
        R.SERVER_SPREAD,
        {"pods/1/spec/nodeName": "worker-a"},
        {},
        WRONG,
        '3 replicas on 2 of 3 nodes: 2 of them share "worker-a"; set podAntiAffinity or topologySpreadConstraints',
    ),
    (
        R.SERVER_SPREAD,
        {"pods/2/spec/nodeName": "worker-a", "nodes/2": DELETED},
        {},
        UP,
        "3 replicas on 2 of 2 nodes, in 2 of 2 zones",
    ),
    (
        R.SERVER_SPREAD,
        {
            "pods/1/spec/nodeName": "worker-a",
            "pods/2/spec/nodeName": "worker-a",
            "nodes/2": DELETED,
            "nodes/1": DELETED,
        },
        {},
        WRONG,
        "3 replicas on 1 of 1 nodes: 3 of them share",
    ),
    (
        R.SERVER_SPREAD,
        {f"nodes/1/metadata/labels/{ZONE.replace('/', '~')}": "zone-a"},
        {},
        UP,
        "in 2 of 2 zones",
    ),
    (
        R.SERVER_SPREAD,
        {
            f"nodes/1/metadata/labels/{ZONE.replace('/', '~')}": "zone-a",
            f"nodes/2/metadata/labels/{ZONE.replace('/', '~')}": "zone-a",
            "nodes/6": {"metadata": {"name": "worker-d", "labels": {ZONE: "zone-d"}}},
        },
        {},
        WRONG,
        '3 of 3 replicas share the zone "zone-a", of 2 zones',
    ),
    (
        R.SERVER_SPREAD,
        {
            f"nodes/1/metadata/labels/{ZONE.replace('/', '~')}": "zone-a",
            "nodes/6": {"metadata": {"name": "worker-d", "labels": {ZONE: "zone-d"}}},
        },
        {},
        WRONG,
        '2 of 3 replicas share the zone "zone-a", of 3 zones',
    ),
    (R.SERVER_SPREAD, {"nodes": []}, {}, UP, "do not say that there are several zones"),
    (R.SERVER_SPREAD, {"pods/1/spec/nodeName": "control-1"}, {}, UP, "3 replicas on 3 of 4 nodes, in 3 of 4 zones"),
    (
        R.SERVER_SPREAD,
        {"pods/1/metadata/deletionTimestamp": "2026-01-01T00:00:00Z", "pods/2/status/phase": "Pending"},
        {},
        UP,
        "a single replica",
    ),
    (R.SERVER_SPREAD, {"pods": []}, {}, UNKNOWABLE, "no pod of Meshery Server runs on a node"),
    (R.SERVER_SPREAD, {f"{SERVER_SPEC}/selector": {}}, {}, UNKNOWABLE, "no pod of Meshery Server"),
    (R.SERVER_SPREAD, NO_SERVER, {}, UNKNOWABLE, "no Deployment"),
    (R.CONTROL_PLANE, {}, {}, UP, "3 of 3 control-plane nodes are Ready"),
    (R.CONTROL_PLANE, {"nodes/5": DELETED}, {}, WRONG, "2 of 2 control-plane nodes are Ready, and 3 are wanted"),
    (R.CONTROL_PLANE, {"nodes/5": DELETED}, {"control_plane_nodes": 2}, UP, "2 of 2 control-plane nodes are Ready"),
    (
        R.CONTROL_PLANE,
        {"nodes/4/status/conditions/0/status": "Unknown"},
        {"control_plane_nodes": 1},
        WRONG,
        '2 of 3 control-plane nodes are Ready: "control-2" is not',
    ),
    (R.CONTROL_PLANE, {"nodes": []}, {}, UNKNOWABLE, f"no node has the label {CONTROL_PLANE}"),
    # Attested
    (R.RECOVERY_DRILL, {}, {"recovery_drill": TODAY}, UP, f"the last recovery drill was on {TODAY}, 0 days ago"),
    (R.RECOVERY_DRILL, {}, {"recovery_drill": TODAY - timedelta(89)}, UP, "89 days ago"),
    (R.RECOVERY_DRILL, {}, {"recovery_drill": TODAY - timedelta(92)}, WRONG, "92 days ago"),
    (R.RECOVERY_DRILL, {}, {"recovery_drill": TODAY - timedelta(92), "max_age_days": 180}, UP, "92 days ago"),
    (R.RECOVERY_DRILL, {}, {"recovery_drill": TODAY + timedelta(9)}, WRONG, "lies in the future"),
    (R.RECOVERY_DRILL, {}, {}, UNKNOWABLE, "no recovery drill is attested"),
    (R.CONFIG_REPOSITORY, {}, {"config_repository": "git@git.example.com:mesh/config"}, UP, "git.example.com:mesh"),
    (R.CONFIG_REPOSITORY, {}, {}, UNKNOWABLE, "no repository of the configuration is attested"),
]


@pytest.mark.parametrize(("rule", "changes", "wanted", "verdict", "words"), ROWS)
def test_a_rule(rule: RuleName, changes: dict[str, Any], wanted: dict[str, Any], verdict: str, words: str) -> None:
    found, said = judged(rule, listed(changed(healthy(), changes)), wanted)
    assert (found, words in said) == (verdict, True), (found, said)


def test_every_rule_has_each_verdict_that_it_can_have() -> None:
    seen: dict[RuleName, set[str]] = {rule: set() for rule in RULES}
    for rule, _, _, verdict, _ in ROWS:
        seen[rule].add(verdict)
    assert set(RULES) == set(RuleName)
    assert {rule for rule, verdicts in seen.items() if UP not in verdicts} == set()
    assert {rule for rule, verdicts in seen.items() if WRONG not in verdicts} == {R.CONFIG_REPOSITORY}
    assert {rule for rule, verdicts in seen.items() if UNKNOWABLE not in verdicts} == {R.NETWORK_POLICY}


ABSURD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    float("inf"),
    10**400,
    "",
    "x" * 3000,
    "\x1b[31m\u202e\n\"';",
    "\ud800",
    "99999999999Ei",
    [],
    {},
    [None, 7, "x", [], {}],
    {"a": None, "name": 7, "matchLabels": {"a": []}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values inside `value`."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inside:
        yield (*path, step)
        yield from places(below, (*path, step))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_takes_whatever_an_api_server_may_say(rule: RuleName) -> None:
    """Each value of each object that the rule looks at is replaced by each absurd one; `judged` looks at the words."""
    objects = {resource: things for resource, things in listed(healthy()).items() if resource in RULES[rule].resources}
    tried = 0
    for resource, things in objects.items():
        for *parents, last in places(list(things)):
            broken = deepcopy(list(things))
            inside: Any = broken
            for step in parents:
                inside = inside[step]
            for absurd in ABSURD:
                inside[last] = absurd
                believable = [thing for thing in broken if isinstance(thing, dict)]  # as the probe sorts them out
                found, _ = judged(rule, {**objects, resource: believable}, {"external_url": EXTERNAL})
                assert found in (UP, WRONG, UNKNOWABLE)
                tried += 1
    assert tried > 100 or not objects


def test_names_are_shown_a_few_only() -> None:
    many = {f"services/{number}": {**_EXPOSED, "metadata": {"name": f"s{number}"}} for number in range(1, 40)}
    found, said = judged(R.LOAD_BALANCER, listed(changed(healthy(), many)), {})
    assert found == WRONG
    assert '"s1", "s2", "s3", "s4", "s5" and 34 more' in said


_EXPOSED = {"spec": {"type": "LoadBalancer", "selector": SERVER}}


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("512Mi", 512 * 1024**2),
        ("1G", 1e9),
        ("128974848", 128974848),
        ("129e6", 129e6),
        ("1.5Gi", 1.5 * 1024**3),
        ("128974848000m", 128974848),
        ("2E", 2e18),
        (".5Ki", 512),
        ("0", None),
        ("-1Gi", None),
        ("1Zi", None),
        ("1e999", None),
        ("1 Gi", None),
        ("", None),
        ("Gi", None),
        ("9" * 4000, None),
        (1024, None),
        (None, None),
    ],
)
def test_quantities(quantity: object, amount: float | None) -> None:
    assert bytes_of(quantity) == pytest.approx(amount)
