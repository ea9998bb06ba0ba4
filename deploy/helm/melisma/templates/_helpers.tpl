{{/* The YAML of one file of deploy/kubernetes; the call ends with an error where it is missing. */}}
{{- define "melisma.file" -}}
{{- required (printf "the chart lacks files/%s: package it from a checkout that has deploy/kubernetes" .path) (.root.Files.Get (printf "files/%s" .path)) -}}
{{- end -}}

{{/* A resource as it is applied: with the release's namespace, and the labels that kustomize adds, too. */}}
{{- define "melisma.resource" -}}
{{- $labels := dict "app.kubernetes.io/name" "melisma" "app.kubernetes.io/part-of" "melisma" "app.kubernetes.io/managed-by" .root.Release.Service "app.kubernetes.io/version" (include "melisma.version" .root) "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) -}}
{{- $_ := mergeOverwrite .resource (dict "metadata" (dict "namespace" .root.Release.Namespace "labels" $labels)) -}}
{{- toYaml .resource -}}
{{- end -}}

{{/* A file of deploy/kubernetes as it is applied. */}}
{{- define "melisma.as-it-is" -}}
{{- include "melisma.resource" (dict "root" .root "resource" (include "melisma.file" . | fromYaml)) -}}
{{- end -}}

{{/* Lines of NAME=value as a map. */}}
{{- define "melisma.settings" -}}
{{- $found := dict -}}
{{- range $line := splitList "\n" (include "melisma.file" .) -}}
{{- if and $line (not (hasPrefix "#" $line)) -}}
{{- $pair := splitn "=" 2 $line -}}
{{- $_ := set $found $pair._0 $pair._1 -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Merges a patch of deploy/kubernetes into a Deployment, in place, as kustomize does: containers, variables, ports and
volumes are lists by name, of mounts by path; what is new comes at the end. */}}
{{- define "melisma.patch" -}}
{{- $patch := include "melisma.file" . | fromYaml -}}
{{- $pod := .deployment.spec.template.spec -}}
{{- $patchPod := dig "spec" "template" "spec" dict $patch -}}
{{- range $container := get $patchPod "containers" | default list -}}
{{- $own := first $pod.containers -}}
{{- range $key, $name := dict "env" "name" "ports" "name" "volumeMounts" "mountPath" -}}
{{- if hasKey $container $key -}}
{{- $_ := set $own $key (include "melisma.lists" (dict "old" (get $own $key | default list) "new" (get $container $key) "by" $name) | fromYamlArray) -}}
{{- $_ := unset $container $key -}}
{{- end -}}
{{- end -}}
{{- $_ := mergeOverwrite $own $container -}}
{{- end -}}
{{- if hasKey $patchPod "volumes" -}}
{{- $_ := set $pod "volumes" (include "melisma.lists" (dict "old" $pod.volumes "new" $patchPod.volumes "by" "name") | fromYamlArray) -}}
{{- end -}}
{{- $_ := unset $patchPod "containers" -}}
{{- $_ := unset $patchPod "volumes" -}}
{{- $_ := mergeOverwrite .deployment $patch -}}
{{- end -}}

{{/* Two lists of maps that are told apart by one of their keys; the new ones replace the old. */}}
{{- define "melisma.lists" -}}
{{- $by := .by -}}
{{- $new := list -}}
{{- range .new }}{{ $new = append $new (get . $by) }}{{ end -}}
{{- $kept := list -}}
{{- range .old }}{{ if not (has (get . $by) $new) }}{{ $kept = append $kept . }}{{ end }}{{ end -}}
{{- toYaml (concat $kept .new) -}}
{{- end -}}

{{/* The version as a label, which has 63 characters at most. A digest does not tell it: the chart's own, then. */}}
{{- define "melisma.version" -}}
{{- $tag := ternary .Chart.AppVersion (.Values.image.tag | default .Chart.AppVersion) (ne .Values.image.digest "") -}}
{{- $tag | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{/* The reference of the image. */}}
{{- define "melisma.image" -}}
{{- $repository := required "image.repository is empty: name where you pushed the image, for instance --set image.repository=registry.example.com/melisma" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- $repository }}@{{ .Values.image.digest -}}
{{- else -}}
{{- $repository }}:{{ .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}
{{- end -}}

{{/* All settings of the pods. */}}
{{- define "melisma.all-settings" -}}
{{- $settings := include "melisma.settings" (dict "root" . "path" "base/settings.env") | fromYaml -}}
{{- if eq .Values.engine "ace_step" -}}
{{- $_ := mergeOverwrite $settings (include "melisma.settings" (dict "root" . "path" "ace-step/settings.env") | fromYaml) -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- if regexMatch "^MELISMA_(ENGINES|API_KEYS|HOST|PORT|HTTP_PORT|OPERATIONS_PORT|ROLE|GRACE_SECONDS|REST__ENABLED|TLS__.+|STORE__(KIND|FOLDER|DIRECTORY.*|OBJECTS.*))$" $name -}}
{{- fail (printf "settings.%s needs more than a variable here: use the chart's own value where there is one (engine, apiKeys.secret), else the kustomize folders of deploy/kubernetes" $name) -}}
{{- end -}}
{{- $_ := set $settings $name (toString $value) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* Puts the objectives of the values, where there are any, into the first group of rules, in place. */}}
{{- define "melisma.objectives" -}}
{{- range $rule := .rules -}}
{{- if and $.values.runbook (eq $rule.record "namespace:melisma_runbook:info") -}}
{{- $_ := set $rule.labels "url" $.values.runbook -}}
{{- else if and $.values.availability (eq $rule.record "engine:melisma_availability:objective") -}}
{{- $_ := set $rule "expr" (printf "0 * group by (namespace, engine) (melisma_songs_judged_total) + %v" $.values.availability) -}}
{{- else if and $.values.firstAudio (eq $rule.record "engine:melisma_first_audio:objective") -}}
{{- $_ := set $rule "expr" (printf "0 * group by (namespace, engine) (melisma_first_audio_seconds_count) + %v" $.values.firstAudio) -}}
{{- else if eq $rule.record "engine:melisma_first_audio_seconds:objective" -}}
{{- with get $.values.firstAudioSeconds $rule.labels.engine -}}
{{- $_ := set $rule "expr" (printf "vector(%v)" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
