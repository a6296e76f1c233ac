{{- /* A process with what all processes have by default, as YAML. Takes a dict: `root`, `name`. */ -}}
{{- define "process" -}}
{{- $process := get .root.Values.processes .name -}}
{{- $defaults := dict "enabled" true "once" false "replicas" .root.Values.replicas "resources" .root.Values.resources "drainSeconds" 10 "timeoutSeconds" 1800 "live" "/livez" "ready" "/readyz" "args" (list) "env" (dict) -}}
{{- if eq .name "serve" -}}{{- $_ := set $defaults "ports" (dict "http" 8080) -}}{{- end -}}
{{- range $key, $value := $process -}}{{- $_ := set $defaults $key $value -}}{{- end -}}
{{- toYaml $defaults -}}
{{- end -}}

{{- /* What a process is called: `serve` like the component. Takes a dict: `root`, `name`. */ -}}
{{- define "process.name" -}}
{{- $name := .root.Release.Name -}}
{{- if ne .name "serve" -}}{{- $name = printf "%s-%s" $name .name -}}{{- end -}}
{{- if gt (len $name) 63 -}}{{- $name = printf "%s-%s" ($name | trunc 54 | trimSuffix "-") (sha256sum $name | trunc 8) -}}{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "labels" -}}
app.kubernetes.io/name: {{ include "process.name" . }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .root.Values.kind }}
{{- end -}}

{{- /* Whether a process is given a variable: where the kind says which ones read it, those alone. Takes a dict: `root`, `name`, `variable`. */ -}}
{{- define "reads" -}}
{{- $of := dig .variable "of" list .root.Values.settings -}}
{{- if or (not $of) (has .name $of) -}}true{{- end -}}
{{- end -}}

{{- /* Fails for what the kind has to have and is not set, for a secret that is written down, and for a value that the kind refuses. Takes the root. */ -}}
{{- define "settings.check" -}}
{{- $all := dict -}}
{{- range list .Values.env .Values.secrets .Values.files .Values.tokens -}}
{{- range $variable, $_ := . -}}
{{- if hasKey $all $variable -}}{{- fail (printf "%s is set twice: it can be one of env, secrets, files and tokens" $variable) -}}{{- end -}}
{{- $_ := set $all $variable true -}}
{{- end -}}
{{- end -}}
{{- range $variable, $setting := .Values.settings -}}
{{- if and $setting.secret (hasKey $.Values.env $variable) -}}
{{- fail (printf "env.%s is a secret: name a key of a Secret by secrets.%s" $variable $variable) -}}
{{- end -}}
{{- if $setting.pattern -}}
{{- $written := list (dict "path" "env" "env" $.Values.env) (dict "path" "global.env" "env" (ternary dict (dig "env" dict ($.Values.global | default dict)) (hasKey $.Values.env $variable))) -}}
{{- range $name, $process := $.Values.processes -}}{{- $written = append $written (dict "path" (printf "processes.%s.env" $name) "env" $process.env) -}}{{- end -}}
{{- range $written -}}
{{- if and .env (hasKey .env $variable) (not (mustRegexMatch (printf "^(?:%s)$" $setting.pattern) (get .env $variable))) -}}
{{- fail (printf "%s.%s is %q, and has to be: %s" .path $variable (get .env $variable) $setting.help) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $readers := list -}}
{{- range $name, $process := $.Values.processes -}}
{{- $known := hasKey ($process.env | default dict) $variable -}}
{{- if and (ne (toString $process.enabled) "false") (not $known) (include "reads" (dict "root" $ "name" $name "variable" $variable)) -}}{{- $readers = append $readers $name -}}{{- end -}}
{{- end -}}
{{- if and $setting.required $readers (not (hasKey $all $variable)) (not $.Values.envFrom) -}}
{{- $by := ternary (printf "secrets.%s, as { name, key } of a Secret" $variable) (printf "env.%s" $variable) (default false $setting.secret) -}}
{{- if $setting.file -}}{{- $by = printf "%s, or files.%s" $by $variable -}}{{- end -}}
{{- fail (printf "%s has to be set for %s of the kind %s: %s (%s)" $variable (join ", " $readers) $.Values.kind $by $setting.help) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The variables of a process, as a list. Takes a dict: `root`, `name`, `process`. */ -}}
{{- define "env" -}}
{{- $root := .root -}}
{{- $env := list -}}
{{- $plain := dict -}}
{{- $common := dig "env" dict (.root.Values.global | default dict) -}}
{{- range list $common .root.Values.env .process.env -}}{{- range $variable, $value := . -}}{{- $_ := set $plain $variable $value -}}{{- end -}}{{- end -}}
{{- range $variable, $value := $plain -}}
{{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) -}}
{{- $env = append $env (dict "name" $variable "value" $value) -}}
{{- end -}}
{{- end -}}
{{- range $variable, $secret := .root.Values.secrets -}}
{{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) -}}
{{- $env = append $env (dict "name" $variable "valueFrom" (dict "secretKeyRef" (dict "name" $secret.name "key" $secret.key))) -}}
{{- end -}}
{{- end -}}
{{- range $variable, $file := .root.Values.files -}}
{{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) -}}
{{- $env = append $env (dict "name" $variable "value" (printf "/run/files/%s/%s" ($variable | lower | replace "_" "-") $file.key)) -}}
{{- end -}}
{{- end -}}
{{- range $variable, $token := .root.Values.tokens -}}
{{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) -}}
{{- $env = append $env (dict "name" $variable "value" (printf "/run/tokens/%s/token" ($variable | lower | replace "_" "-"))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{- /* The pod of a process. Takes a dict: `root`, `name`, `process`. */ -}}
{{- define "pod" -}}
{{- $root := .root -}}
{{- $process := .process -}}
serviceAccountName: {{ .root.Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- if not $process.once }}
# Serving on until no requests come any more, draining, and some more.
terminationGracePeriodSeconds: {{ add $process.drainSeconds 10 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        app.kubernetes.io/name: {{ include "process.name" . }}
{{- end }}
containers:
  - name: {{ .name }}
    image: {{ include "image.ref" (dict "ref" .root.Values.image.ref "path" "image.ref" "policy" .root.Values.imagePolicy) | quote }}
    imagePullPolicy: IfNotPresent
    {{- with $process.args }}
    args: {{ toJson . }}
    {{- end }}
    {{- with $process.ports }}
    ports:
      {{- range $port, $number := . }}
      - name: {{ $port }}
        containerPort: {{ $number }}
      {{- end }}
    {{- end }}
    {{- with include "env" . | fromYamlArray }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.envFrom }}
    envFrom:
      {{- range . }}
      - secretRef:
          name: {{ . }}
      {{- end }}
    {{- end }}
    {{- if and (not $process.once) (hasKey ($process.ports | default dict) "http") }}
    # Three minutes to start, as on a busy node: until then the liveness probe ends nothing.
    startupProbe:
      httpGet:
        path: {{ $process.live | quote }}
        port: http
      periodSeconds: 2
      failureThreshold: 90
    livenessProbe:
      httpGet:
        path: {{ $process.live | quote }}
        port: http
    readinessProbe:
      httpGet:
        path: {{ $process.ready | quote }}
        port: http
    {{- end }}
    resources: {{ toJson ($process.resources | default dict) }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- range $variable, $file := .root.Values.files }}
      {{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) }}
      - name: file-{{ $variable | lower | replace "_" "-" }}
        mountPath: /run/files/{{ $variable | lower | replace "_" "-" }}
        readOnly: true
      {{- end }}
      {{- end }}
      {{- range $variable, $token := .root.Values.tokens }}
      {{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) }}
      - name: token-{{ $variable | lower | replace "_" "-" }}
        mountPath: /run/tokens/{{ $variable | lower | replace "_" "-" }}
        readOnly: true
      {{- end }}
      {{- end }}
volumes:
  - name: tmp
    emptyDir: {}
  {{- range $variable, $file := .root.Values.files }}
  {{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) }}
  - name: file-{{ $variable | lower | replace "_" "-" }}
    {{- if $file.secret }}
    secret:
      secretName: {{ $file.secret }}
    {{- else }}
    configMap:
      name: {{ $file.configMap }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- range $variable, $token := .root.Values.tokens }}
  {{- if include "reads" (dict "root" $root "name" $.name "variable" $variable) }}
  - name: token-{{ $variable | lower | replace "_" "-" }}
    projected:
      sources:
        - serviceAccountToken:
            path: token
            audience: {{ $token.audience }}
            expirationSeconds: {{ $token.seconds | default 3600 }}
  {{- end }}
  {{- end }}
{{- end -}}
