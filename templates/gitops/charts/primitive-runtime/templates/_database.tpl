{{- /* Settings that are the address of a database and are not set become keys of the throw-away one's Secret. Takes the root. */ -}}
{{- define "database.secrets" -}}
{{- if .Values.database.image -}}
{{- range $variable, $setting := .Values.settings -}}
{{- if and $setting.postgres (not (hasKey $.Values.env $variable)) (not (hasKey $.Values.secrets $variable)) (not (hasKey $.Values.files $variable)) (not $.Values.envFrom) -}}
{{- $_ := set $.Values.secrets $variable (dict "name" (include "database.name" $) "key" "url") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "database.name" -}}
{{- include "process.name" (dict "root" . "name" "database") -}}
{{- end -}}

{{- /* Whether a variable is read from the throw-away database. Takes the root. */ -}}
{{- define "database.wanted" -}}
{{- $name := include "database.name" . -}}
{{- range .Values.secrets -}}{{- if and $.Values.database.image (eq .name $name) -}}true{{- end -}}{{- end -}}
{{- end -}}
