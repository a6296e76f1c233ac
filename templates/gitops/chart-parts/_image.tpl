{{- /*
An image reference, exactly as it was given. Fails where it is empty, or has no digest though one is demanded.
Takes a dict: `ref`; `path`, its name in messages; `requireDigest`.
*/ -}}
{{- define "image.ref" -}}
{{- if not .ref -}}
{{- fail (printf "%s is empty, but the component is enabled" .path) -}}
{{- end -}}
{{- if and .requireDigest (not (regexMatch "@sha256:[0-9a-f]{64}$" .ref)) -}}
{{- fail (printf "%s has no digest, but imagePolicy.requireDigest is true here: %s" .path .ref) -}}
{{- end -}}
{{- .ref -}}
{{- end -}}
