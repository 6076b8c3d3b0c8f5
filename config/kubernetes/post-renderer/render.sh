#!/bin/sh
# A post-renderer for Meshery's Helm chart: reads what Helm has rendered and writes it with the sidecar in it. Needs kubectl.
# An argument names another directory than ../sidecar, such as a component of yours that adds to it.
set -eu

here=$(cd -P "$(dirname "$0")" && pwd)
component=$(cd -P "${1:-$here/../sidecar}" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
folder=$(cd -P "$folder" && pwd)

cat >"$folder/rendered.yaml"
to_root=$(printf %s "$folder" | sed 's:/[^/]*:../:g') # kustomize takes relative paths only
cat >"$folder/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [rendered.yaml]
components: ["$to_root$component"]
END
kubectl kustomize "$folder" >"$folder/with-sidecar.yaml"

if ! grep -q 'mountPath: /etc/reachd' "$folder/with-sidecar.yaml"; then
    echo "reachd-sidecar: there is no Deployment with the label app.kubernetes.io/name=meshery" >&2
    exit 1
fi
cat "$folder/with-sidecar.yaml"
