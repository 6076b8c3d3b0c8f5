"""Kubernetes: the nodes and the workloads that a deployment stands on."""

from dashboards import containers, marks, nodes, traffic, variables, workloads
from dashboards.document import Document, Line, Section

DASHBOARD = Document(
    "reachd-kubernetes",
    "reachd / Kubernetes",
    "The nodes and the workloads that a deployment stands on.",
    [
        *variables.datasources(),
        variables.cluster("kube_pod_info"),
        variables.several("namespace", "Namespace", 'kube_pod_info{cluster=~"$cluster"}'),
        variables.several("node", "Node", 'kube_node_info{cluster=~"$cluster"}'),
    ],
    [marks.alerts('cluster=~"$cluster",component=~"node|workload|traffic"'), marks.rollouts(workloads.SCOPE)],
    [
        Section(
            "Now", [Line(4, [nodes.not_ready(), nodes.under_pressure(), workloads.not_running(), workloads.lacking()])]
        ),
        Section(
            "Nodes",
            [
                Line(8, [nodes.states(), nodes.pressure()]),
                Line(
                    8,
                    [
                        nodes.use("cpu", "reachd_node_cpu_usage_cores"),
                        nodes.use("memory", "reachd_node_memory_working_set_bytes"),
                    ],
                ),
                Line(7, [nodes.facts()]),
            ],
        ),
        Section("Workloads", [Line(8, [workloads.table(), workloads.phases()], (2, 1))]),
        Section(
            "Containers",
            [
                Line(8, [workloads.waiting(), workloads.ended()]),
                Line(
                    8,
                    [
                        workloads.restarts(),
                        workloads.use("cpu", "reachd_pod_container_cpu_usage_cores"),
                        workloads.use("memory", "reachd_pod_container_memory_working_set_bytes"),
                    ],
                ),
            ],
        ),
        Section(
            "Containers as cAdvisor measures them, where the kubelet is scraped",
            [Line(8, [containers.system_cpu(), containers.resident(), containers.cache()])],
            closed=True,
        ),
        Section(
            "Traffic of users, where ingress-nginx or Istio is scraped",
            [Line(8, [traffic.requests(), traffic.errors(), traffic.duration()])],
            closed=True,
        ),
    ],
)
