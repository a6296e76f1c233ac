{{- /*
An image reference, exactly as it was given. Fails where it is empty, or is not what the policy of the lane demands.
Takes a dict: `ref`; `path`, its name in messages; `policy`, the values of imagePolicy.
*/ -}}
{{- define "image.ref" -}}
{{- if not .ref -}}
{{- fail (printf "%s is empty, but the component is enabled" .path) -}}
{{- end -}}
{{- if and .policy.requireDigest (not (regexMatch "@sha256:[0-9a-f]{64}$" .ref)) -}}
{{- fail (printf "%s has no digest, but imagePolicy.requireDigest is true here: %s" .path .ref) -}}
{{- end -}}
{{- include "image.allowed" . -}}
{{- .ref -}}
{{- end -}}

{{- /*
Fails for an image of none of the allowed repositories: an entry that ends with / is a folder of them. None listed allows
all. Takes what `image.ref` takes.
*/ -}}
{{- define "image.allowed" -}}
{{- if .policy.allowed -}}
{{- $repository := regexReplaceAll "(:[^/:@]*)?(@.*)?$" .ref "" -}}
{{- $known := false -}}
{{- range .policy.allowed -}}
{{- if or (eq . $repository) (and (hasSuffix "/" .) (hasPrefix . $repository)) -}}{{- $known = true -}}{{- end -}}
{{- end -}}
{{- if not $known -}}
{{- fail (printf "%s is none of the images of this lane (%s; `registry`, `sources` and `images` of kit.yaml): %s" .path (join ", " .policy.allowed) .ref) -}}
{{- end -}}
{{- end -}}
{{- end -}}
