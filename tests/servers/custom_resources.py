"""Definitions of custom resources, for tests that need a kind to exist and say nothing of what is in it."""

from __future__ import annotations

from tests.servers.kubernetes_api import Json


def custom_resource(kind: str, group: str, version: str, plural: str = "") -> Json:
    """The definition of a namespaced kind. `plural`: default is the kind in lower case with an s."""
    plural = plural or f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    # Without the annotation no group of Kubernetes' own may be defined, such as that of the metrics API.
    annotations = {"api-approved.kubernetes.io": "unapproved, a test"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": annotations},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [served]},
    }
