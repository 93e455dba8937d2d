// Package k8s holds policy/k8sgate and examples/k8s-gate against Kubernetes' own code: the types of its API, kustomize, and, where
// LADING_KUBERNETES names a folder with etcd and kube-apiserver, a real API server. build.sh builds both, in half an hour.
package k8s
