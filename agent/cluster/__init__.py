"""Kubernetes nodes, workloads, Broker resources and leases."""
