"""Who may reach whom, and who may do what: rules for every manifest, each lists what breaks it."""

from collections.abc import Iterator

from tests.helpers.infra import Object, Pod, named, of_kind, pods

OUTSIDE = ({"kubernetes.io/metadata.name": "kube-system"}, {"mtlser.io/steps": "true"},
           {"kubernetes.io/metadata.name": "ingress-nginx"})  # fmt: skip
"""Labels of namespaces that are another's; docs/cluster.md says which command sets the second."""
API_PORTS = {443, 6443}
"""Of Kubernetes' API, which is behind no pods."""


def chosen(selector: dict[str, str], namespace: str, result: list[Pod]) -> list[Pod]:
    """The pods of a namespace that carry the labels."""
    return [
        pod
        for pod in result
        if pod.namespace == namespace and selector.items() <= pod.labels.items()
    ]


def listens(pod: Pod, port: int | str) -> bool:
    """Whether a container has the port, by number or name."""
    ports = [each for container in pod.containers() for each in container.get("ports", [])]
    return any(port in {each["containerPort"], each.get("name")} for each in ports)


def services(items: list[Object]) -> Iterator[str]:
    """Every service and disruption budget has pods; a service's port is one of theirs."""
    result = pods(items)
    for item in of_kind(items, "Service"):
        behind = chosen(item["spec"]["selector"], item["metadata"]["namespace"], result)
        if not behind:
            yield f"{named(item)}: selects no pod"
        for port in item["spec"]["ports"]:
            if not all(listens(pod, port.get("targetPort", port["port"])) for pod in behind):
                yield f"{named(item)}: nothing listens on {port}"
    for item in of_kind(items, "PodDisruptionBudget"):
        spec = item["spec"]
        behind = chosen(spec["selector"]["matchLabels"], item["metadata"]["namespace"], result)
        if not behind or spec["minAvailable"] >= sum(pod.replicas for pod in behind):
            yield f"{named(item)}: selects no pod, or lets none go"


def ingresses(items: list[Object]) -> Iterator[str]:
    """Every host has a certificate, and leads to a service that there is."""
    for item in of_kind(items, "Ingress"):
        namespace = item["metadata"]["namespace"]
        certified = {host for each in item["spec"].get("tls", []) for host in each["hosts"]}
        for rule in item["spec"]["rules"]:
            if rule.get("host") not in certified:
                yield f"{named(item)}: {rule.get('host')} has no certificate"
            for path in rule["http"]["paths"]:
                wanted = path["backend"]["service"]
                known = {
                    (each["metadata"]["name"], port.get("name"))
                    for each in of_kind(items, "Service")
                    for port in each["spec"]["ports"]
                    if each["metadata"]["namespace"] == namespace
                }
                if (wanted["name"], wanted["port"].get("name")) not in known:
                    yield f"{named(item)}: no service {wanted}"


def network(items: list[Object]) -> Iterator[str]:
    """Each namespace denies first; each policy is about pods, peers and ports that exist."""
    result, policies = pods(items), of_kind(items, "NetworkPolicy")
    for namespace in {each["metadata"]["name"] for each in of_kind(items, "Namespace")}:
        denies = [
            each
            for each in policies
            if each["metadata"]["namespace"] == namespace
            and each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        ]
        if not denies:
            yield f"namespace {namespace}: does not deny by default"
    for item in policies:
        namespace, spec = item["metadata"]["namespace"], item["spec"]
        subjects = chosen(spec["podSelector"].get("matchLabels", {}), namespace, result)
        if not subjects:
            yield f"{named(item)}: is about no pod"
        for rule in spec.get("ingress", []):
            for peer in rule.get("from", [{}]):
                yield from _peer(item, peer, result)
            for port in rule.get("ports", [{}]):
                if not all(listens(pod, port.get("port", 0)) for pod in subjects):
                    yield f"{named(item)}: nothing listens on {port}"
        for rule in spec.get("egress", []):
            asks = all(_has_rights(pod, items) for pod in subjects)
            if asks and "to" not in rule and _ports(rule) <= API_PORTS:
                continue
            for peer in rule.get("to", [{}]):
                yield from _peer(item, peer, result)


def _ports(rule: Object) -> set[int]:
    return {port.get("port", 0) for port in rule.get("ports", [{}])}


def _has_rights(pod: Pod, items: list[Object]) -> bool:
    """Whether an account of its own may do anything at Kubernetes' API."""
    bound = {
        (each["metadata"]["namespace"], subject["name"])
        for each in of_kind(items, "RoleBinding")
        for subject in each["subjects"]
    }
    return (pod.namespace, pod.spec.get("serviceAccountName")) in bound


def _peer(item: Object, peer: Object, result: list[Pod]) -> Iterator[str]:
    if peer == {"namespaceSelector": {}}:
        return
    outside = peer.get("namespaceSelector", {}).get("matchLabels")
    labels = peer.get("podSelector", {}).get("matchLabels")
    if outside is not None and labels is None and outside in OUTSIDE:
        return
    if outside is not None or labels is None:
        yield f"{named(item)}: lets in or out {peer or 'everybody'}"
    elif not chosen(labels, item["metadata"]["namespace"], result):
        yield f"{named(item)}: no pod is {labels}"


def rights(items: list[Object]) -> Iterator[str]:
    """Accounts may do few things, each named, in their namespace."""
    accounts = {each["metadata"]["name"] for each in of_kind(items, "ServiceAccount")}
    roles = of_kind(items, "Role")
    for item in of_kind(items, "ClusterRole", "ClusterRoleBinding"):
        yield f"{named(item)}: reaches beyond its namespace"
    for item in roles:
        for rule in item["rules"]:
            if any("*" in rule.get(part, []) for part in ("apiGroups", "resources", "verbs")):
                yield f"{named(item)}: {rule} allows everything"
            if "secrets" in rule["resources"] and not rule.get("resourceNames"):
                yield f"{named(item)}: reads every secret"
            if {"pods", "pods/exec"} & set(rule["resources"]) and "create" in rule["verbs"]:
                yield f"{named(item)}: starts pods, or enters them"
    for item in of_kind(items, "RoleBinding"):
        if item["roleRef"]["name"] not in {each["metadata"]["name"] for each in roles}:
            yield f"{named(item)}: no role {item['roleRef']['name']}"
        for subject in item["subjects"]:
            if subject["name"] not in accounts:
                yield f"{named(item)}: no account {subject['name']}"
    for pod in pods(items):
        held = pod.spec.get("automountServiceAccountToken") is not False
        if pod.kind != "TrainJob" and held and not _has_rights(pod, items):
            yield f"{pod.kind}/{pod.name}: holds a token that it does not need"
