{{/*
A role and its binding to an agent's service account. Takes agent, name, namespace (none makes a ClusterRole) and rules.
*/}}
{{- define "reachd.access" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) -}}
{{- $metadata := dict "name" .name "labels" (include "reachd.labels" .agent | fromYaml) -}}
{{- with .namespace }}{{ $_ := set $metadata "namespace" . }}{{ end -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- toYaml $metadata | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- toYaml $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .agent.name }}
    namespace: {{ .agent.root.Release.Namespace }}
{{- end }}
