{{- define "reachd.fullname" -}}
{{- $name := .Release.Name }}
{{- if not (contains "reachd" $name) }}{{ $name = printf "%s-reachd" $name }}{{ end }}
{{- $name | trunc 38 | trimSuffix "-" }}
{{- end }}

{{/* By these, Services, monitors and the NetworkPolicies of `reachd targets` find the pods of an agent. */}}
{{- define "reachd.selector" -}}
app.kubernetes.io/name: reachd
app.kubernetes.io/instance: {{ .name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "reachd.labels" -}}
{{ include "reachd.selector" . }}
{{ include "reachd.release" .root }}
{{- end }}

{{- define "reachd.release" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "reachd.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* What belongs to all agents together. */}}
{{- define "reachd.common.metadata" -}}
metadata:
  name: {{ include "reachd.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    app.kubernetes.io/name: reachd
    {{- include "reachd.release" . | nindent 4 }}
{{- end }}

{{/* The pod of `helm test` is no agent: neither Services nor monitors may take it for one. */}}
{{- define "reachd.test.selector" -}}
app.kubernetes.io/name: reachd-test
app.kubernetes.io/instance: {{ include "reachd.fullname" . }}
{{- end }}
