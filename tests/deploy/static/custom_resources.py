"""The allowed fields of custom resources in deploy/: those that the manifests use, each verified in the documentation
of its project.

No package has these definitions in the needed versions. A misspelt or new field is not in the table; look it up before
you add it.
"""

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]

_SPECS = {
    # Gateway API 1.6.1, standard channel
    ("gateway.networking.k8s.io/v1", "Gateway"): """
        gatewayClassName listeners[].name listeners[].protocol listeners[].port listeners[].hostname
        listeners[].tls.mode listeners[].tls.certificateRefs[].kind listeners[].tls.certificateRefs[].name
        listeners[].allowedRoutes.namespaces.from""",
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): """
        parentRefs[].name parentRefs[].sectionName hostnames[] rules[].matches[].method.service
        rules[].backendRefs[].name rules[].backendRefs[].port""",
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): """
        parentRefs[].name parentRefs[].sectionName hostnames[] rules[].matches[].path.type rules[].matches[].path.value
        rules[].timeouts.request rules[].timeouts.backendRequest rules[].backendRefs[].name
        rules[].backendRefs[].port""",
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"): """
        targetRefs[].group targetRefs[].kind targetRefs[].name validation.hostname
        validation.caCertificateRefs[].group validation.caCertificateRefs[].kind validation.caCertificateRefs[].name""",
    # Envoy Gateway 1.8.1 and 1.9.0
    ("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy"): """
        targetRefs[].group targetRefs[].kind targetRefs[].name timeout.tcp.connectTimeout timeout.http.requestTimeout
        timeout.http.maxStreamDuration timeout.http.streamIdleTimeout loadBalancer.type circuitBreaker.maxConnections
        circuitBreaker.maxParallelRequests circuitBreaker.maxPendingRequests retry.numRetries retry.retryOn.triggers[]
        retry.perRetry.backOff.baseInterval retry.perRetry.backOff.maxInterval healthCheck.active.type
        healthCheck.active.timeout healthCheck.active.interval healthCheck.active.unhealthyThreshold
        healthCheck.active.healthyThreshold healthCheck.active.grpc.service healthCheck.panicThreshold""",
    ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy"): """
        targetRefs[].group targetRefs[].kind targetRefs[].name timeout.http.requestReceivedTimeout
        timeout.http.streamIdleTimeout timeout.http.idleTimeout connection.connectionLimit.value
        connection.connectionLimit.closeDelay http2.maxConcurrentStreams http2.connectionKeepalive.interval
        http2.connectionKeepalive.timeout tls.minVersion tls.alpnProtocols[]""",
    # KEDA 2.20.1; what stands under metadata is read by its scalers for Prometheus and Redis (the latter as of 2.17.3).
    # The behavior is to be that of the HorizontalPodAutoscaler, which is one of Kubernetes' own kinds.
    ("keda.sh/v1alpha1", "ScaledObject"): """
        scaleTargetRef.apiVersion scaleTargetRef.kind scaleTargetRef.name minReplicaCount maxReplicaCount
        pollingInterval cooldownPeriod fallback.behavior fallback.failureThreshold fallback.replicas triggers[].type
        triggers[].metricType triggers[].metadata.serverAddress triggers[].metadata.query
        triggers[].metadata.threshold triggers[].metadata.activationThreshold triggers[].metadata.ignoreNullValues
        triggers[].metadata.address triggers[].metadata.username triggers[].metadata.databaseIndex
        triggers[].metadata.enableTLS triggers[].metadata.listName triggers[].metadata.listLength
        triggers[].metadata.activationListLength triggers[].authenticationRef.name
        advanced.horizontalPodAutoscalerConfig.behavior.*""",
    ("keda.sh/v1alpha1", "TriggerAuthentication"): """
        secretTargetRef[].parameter secretTargetRef[].name secretTargetRef[].key""",
    # Prometheus operator 0.93
    ("monitoring.coreos.com/v1", "ServiceMonitor"): """
        selector.matchLabels.app.kubernetes.io/name jobLabel endpoints[].port endpoints[].path endpoints[].interval
        endpoints[].scrapeTimeout endpoints[].metricRelabelings[].sourceLabels[] endpoints[].metricRelabelings[].regex
        endpoints[].metricRelabelings[].action serviceDiscoveryRole""",
    ("monitoring.coreos.com/v1", "PrometheusRule"): """
        groups[].name groups[].interval groups[].rules[].record groups[].rules[].alert groups[].rules[].expr
        groups[].rules[].for groups[].rules[].keep_firing_for groups[].rules[].labels.* groups[].rules[].annotations.*
        """,
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"): """
        inhibitRules[].sourceMatch[].name inhibitRules[].sourceMatch[].value inhibitRules[].sourceMatch[].matchType
        inhibitRules[].targetMatch[].name inhibitRules[].targetMatch[].value inhibitRules[].targetMatch[].matchType
        inhibitRules[].equal[]""",
    # KubeRay 1.7.1; the templates are pods, one of Kubernetes' own kinds
    ("ray.io/v1", "RayCluster"): """
        rayVersion authOptions.mode authOptions.secretName gcsFaultToleranceOptions.redisAddress
        gcsFaultToleranceOptions.redisPassword.valueFrom.secretKeyRef.name
        gcsFaultToleranceOptions.redisPassword.valueFrom.secretKeyRef.key headGroupSpec.rayStartParams.num-cpus
        headGroupSpec.rayStartParams.num-gpus headGroupSpec.rayStartParams.include-dashboard headGroupSpec.template.*
        workerGroupSpecs[].groupName workerGroupSpecs[].replicas workerGroupSpecs[].minReplicas
        workerGroupSpecs[].maxReplicas workerGroupSpecs[].rayStartParams.num-gpus workerGroupSpecs[].template.*""",
    # cert-manager 1.21
    ("cert-manager.io/v1", "Certificate"): """
        secretName duration renewBefore privateKey.algorithm privateKey.size privateKey.rotationPolicy usages[]
        dnsNames[] issuerRef.group issuerRef.kind issuerRef.name""",
}
FIELDS = {kind: frozenset(fields.split()) for kind, fields in _SPECS.items()}
"""The allowed fields in the spec of each custom resource, by apiVersion and kind."""


def unknown_fields(resource: Resource) -> set[str]:
    """Return the fields of a custom resource's spec that are not in the table; the kind itself if the table does not
    have it.
    """
    known = FIELDS.get((resource["apiVersion"], resource["kind"]))
    if known is None:
        return {f"{resource['apiVersion']} {resource['kind']}"}
    maps = tuple(field.removesuffix("*") for field in known if field.endswith("*"))
    return {
        field for field in _leaves(resource["spec"]) if field not in known and not field.startswith(maps or ("\0",))
    }


def _leaves(node: object, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, f"{path}[]")
    else:
        yield path
