{{/*
An agent is a dictionary: root, name, component, values (its part of the values), kubernetes (what its configuration says
of the Kubernetes API; none for an agent that has no rights there).
*/}}

{{- define "reachd.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "reachd.labels" . | nindent 4 }}
{{- end }}

{{/* What every agent has beside its workload. */}}
{{- define "reachd.base" -}}
apiVersion: v1
kind: ServiceAccount
{{ include "reachd.metadata" . }}
automountServiceAccountToken: false # only the pods that speak with the Kubernetes API ask for a token
---
apiVersion: v1
kind: ConfigMap
{{ include "reachd.metadata" . }}
data:
  {{- include "reachd.files" . | nindent 2 }}
---
apiVersion: v1
kind: Service
{{ include "reachd.metadata" . }}
spec:
  clusterIP: None # its name leads to every agent, since each has metrics of its own
  publishNotReadyAddresses: true
  ports:
    - name: http
      port: 9886
      targetPort: http
  selector:
    {{- include "reachd.selector" . | nindent 4 }}
{{- end }}

{{- define "reachd.files" -}}
agent.yaml: |
  # What the chart decides. The agent reads reachd.yaml too.
  state_file: /var/lib/reachd/state.json
  {{- with .kubernetes }}
  {{- dict "kubernetes" . | toYaml | nindent 2 }}
  {{- end }}
reachd.yaml: |
  {{- toYaml .values.config | nindent 2 }}
{{- end }}

{{- define "reachd.pod" -}}
metadata:
  labels:
    {{- include "reachd.selector" . | nindent 4 }}
    app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  annotations: # with the checksum, a new configuration restarts the agent: some keys take effect only then
    checksum/config: {{ include "reachd.files" . | sha256sum }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ .name }}
  automountServiceAccountToken: {{ not (empty .kubernetes) }} # CKV_K8S_38: only what speaks with the Kubernetes API
  enableServiceLinks: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: reachd
      image: {{ include "reachd.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [run, --config, /etc/reachd]
      ports:
        - name: http
          containerPort: 9886
      livenessProbe:
        {{- include "reachd.probe" (dict "path" "/healthz/live" "config" .values.config) | nindent 8 }}
        failureThreshold: 3
      readinessProbe:
        {{- include "reachd.probe" (dict "path" "/healthz/ready" "config" .values.config) | nindent 8 }}
      resources: # without a limit for the CPU (CKV_K8S_11): a throttled agent takes its own delay for that of its targets
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- if or .kubernetes .values.env }}
      env:
        {{- if .kubernetes }}
        - name: POD_NAME # who it is in a Lease
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- end }}
        {{- with .values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      volumeMounts:
        - name: config
          mountPath: /etc/reachd
          readOnly: true
        - name: state
          mountPath: /var/lib/reachd
        {{- with .values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ .name }}
    - name: state # since when each check is in its state; outlives the container, not the pod
      emptyDir:
        sizeLimit: 16Mi
    {{- with .values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if gt (int .values.replicas) 1 }}
  topologySpreadConstraints:
    - topologyKey: kubernetes.io/hostname
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "reachd.selector" . | nindent 10 }}
  {{- end }}
{{- end }}

{{- define "reachd.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if dig "web" "tls" "" .config }}
  scheme: HTTPS
  {{- end }}
periodSeconds: 10
timeoutSeconds: 5
{{- end }}

{{- define "reachd.deployment" -}}
apiVersion: apps/v1
kind: Deployment
{{ include "reachd.metadata" . }}
spec:
  replicas: {{ .values.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "reachd.selector" . | nindent 6 }}
  template:
    {{- include "reachd.pod" . | nindent 4 }}
{{- if gt (int .values.replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "reachd.metadata" . }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow # agents that crash must not hold up the drain of a node
  selector:
    matchLabels:
      {{- include "reachd.selector" . | nindent 6 }}
{{- end }}
{{- end }}
