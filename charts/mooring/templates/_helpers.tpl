{{- define "mooring.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "mooring.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "mooring.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mooring.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mooring.instance" -}}
{{- .Values.instance | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "mooring.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "mooring.fullname" .) -}}
{{- end -}}

{{- define "mooring.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mooring.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mooring.labels" -}}
{{ include "mooring.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mooring.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "mooring.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* A number that --set made of a text, as it was typed. */}}
{{- define "mooring.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* What the operator does in each namespace that it watches. */}}
{{- define "mooring.watchedRules" -}}
- apiGroups: [mooring.dev]
  resources: [volumes, snapshots, snapshotschedules, hostvolumes]
  verbs: [get, list, watch, patch]
- apiGroups: [mooring.dev]
  resources: [volumes/status, snapshots/status, snapshotschedules/status, hostvolumes/status]
  verbs: [patch]
- apiGroups: [mooring.dev]
  resources: [snapshots]
  verbs: [create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
