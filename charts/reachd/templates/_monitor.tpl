{{- define "reachd.endpoint" -}}
- port: http
  path: /metrics
  interval: {{ .interval }}
  honorLabels: true # the labels of a series are those of what it is about, not those of the agent that saw it
  relabelings:
    - targetLabel: job
      replacement: reachd
    - sourceLabels: [__meta_kubernetes_pod_node_name]
      targetLabel: node
    {{- with .endpoint.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with omit .endpoint "relabelings" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
