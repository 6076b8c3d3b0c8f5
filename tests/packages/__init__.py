"""Tests of what installs the agent: the kustomizations in config/kubernetes and the chart in charts/reachd."""
