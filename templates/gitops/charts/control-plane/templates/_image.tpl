{{- /*
An image of split fields, each the first that is not empty, as repository[:tag][@digest].
A field cannot be unset by an empty one: who overrides the repository has to override the digest, too.
Takes a dict: `images`, the most specific first; `path`, its name in messages; `policy`, the values of imagePolicy.
*/ -}}
{{- define "image.split" -}}
{{- $repository := "" -}}{{- $tag := "" -}}{{- $digest := "" -}}
{{- range .images -}}
{{- $repository = $repository | default .repository -}}
{{- $tag = $tag | default .tag -}}
{{- $digest = $digest | default .digest -}}
{{- end -}}
{{- if not $repository -}}{{- fail (printf "%s.repository is empty, but the component is enabled" .path) -}}{{- end -}}
{{- if not (or $tag $digest) -}}{{- fail (printf "%s has neither tag nor digest" .path) -}}{{- end -}}
{{- if and .policy.requireDigest (not $digest) -}}
{{- fail (printf "%s.digest is empty, but imagePolicy.requireDigest is true here" .path) -}}
{{- end -}}
{{- include "image.allowed" (dict "ref" $repository "path" (printf "%s.repository" .path) "policy" .policy) -}}
{{- $repository -}}{{- with $tag -}}:{{- . -}}{{- end -}}{{- with $digest -}}@{{- . -}}{{- end -}}
{{- end -}}
