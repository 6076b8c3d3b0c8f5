{{/* What the observer may read in a namespace that it watches. Secrets and ConfigMaps are not among it. */}}
{{- define "reachd.rules.watched" -}}
- apiGroups: [""]
  resources: [pods, services] # pods: phase, restarts, reasons; Services: discovery
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets] # replicas wanted and available; of Deployments, discovery too
  verbs: [list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses] # discovery: the address as users know it
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices] # discovery: at which ports the pods of headless Services listen
  verbs: [list, watch]
- apiGroups: [meshery.io]
  resources: [brokers, meshsyncs] # discovery: whether the Operator is to run a Broker
  verbs: [list, watch]
- apiGroups: [metrics.k8s.io]
  resources: [pods] # CPU and memory in use; this API knows no watch
  verbs: [list]
{{- end }}

{{- define "reachd.rules.nodes" -}}
- apiGroups: [""]
  resources: [nodes] # Ready and pressure, cordoned, taints, age
  verbs: [list, watch]
- apiGroups: [metrics.k8s.io]
  resources: [nodes] # CPU and memory in use; this API knows no watch
  verbs: [list]
{{- end }}

{{/* In the namespace kube-node-lease. */}}
{{- define "reachd.rules.nodeLeases" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases] # how long ago each kubelet gave a sign of life
  verbs: [list, watch]
{{- end }}

{{/* What the checklist lists in a watched namespace beside that. */}}
{{- define "reachd.rules.checklist" -}}
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers] # whether load scales the Server
  verbs: [list]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies] # whether there is a default-deny
  verbs: [list]
{{- end }}

{{- define "reachd.rules.checklistNodes" -}}
- apiGroups: [""]
  resources: [nodes] # zones of the Server's replicas, control plane
  verbs: [list]
{{- end }}

{{/* In the agent's own namespace; takes the name of the Lease. */}}
{{- define "reachd.rules.election" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ . }}]
  verbs:
    - get # who leads
    - update # lead, and go on leading
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs:
    - create # the first time; Kubernetes cannot limit this to a name
{{- end }}

{{/* In the agents' own namespace. */}}
{{- define "reachd.rules.sharing" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases] # each member has one, so how many there are and what they are called is not known before
  verbs:
    - list # who else there is
    - create # join the group
    - update # stay in it, and leave it
{{- end }}
