// Package k8sgate keeps images that a policy does not allow out of Kubernetes: it answers the API server's admission webhooks.
//
//	checker, err := gate.New(&gate.Rules{Gate: g}, nil) // package policy/gate
//	door := &k8sgate.Gate{Checker: checker}
//	http.ListenAndServeTLS(":8443", "tls.crt", "tls.key", door)
//
// examples/k8s-gate is a whole program, with what to apply to a cluster. It needs no Kubernetes module: what is read of an
// AdmissionReview, v1 or v1beta1, has types of its own, and the API server is an [API] of one method.
//
// # Two webhooks
//
// [PathPin] is for a MutatingWebhookConfiguration: it makes REPOSITORY:TAG@DIGEST of REPOSITORY:TAG, and judges nothing. [PathValidate]
// is for a ValidatingWebhookConfiguration: it demands a digest in every place and judges that, whatever the first one did and
// whatever came between, for only what is stored will run. The first alone protects nothing; without it, people write digests.
//
// # Where images get in
//
// Containers, init containers, ephemeral containers (pods/ephemeralcontainers must be listed in the rules) and image volumes, of
// pods, and of what makes pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, ReplicationController, PodTemplate.
// [Gate.Places] names those of custom resources. Of an update only what changed is judged, told apart by name and image: a
// scale-down, a label, a status are not held up by an image that nobody can judge any more. Nothing in the object, such as a label,
// an annotation or a status, is believed.
//
// # What it answers
//
//	every image is allowed                    allowed, with warnings where the policy warns
//	some image is denied, or has no digest    403 Forbidden, the reason in the first line
//	some image could not be judged            429 Too Many Requests with retryAfterSeconds: clients wait and ask again by themselves
//	nothing brings an image in                allowed, nothing is asked
//	the review cannot be read                 400 Bad Request
//
// All of that in an AdmissionReview with HTTP status 200, for the API server shows the reason of nothing else. One denied image
// denies, even if others could not be judged. It answers before the time is over that the API server says it waits.
// A dry run is judged, and leaves no trace.
//
// # Others who ask
//
// [PathExternalValidate] and [PathExternalPin] are a provider of Gatekeeper's external data, and [PathDecide] takes names of images
// from anybody, as JSON. They ask the same Checker.
//
// # What it is not for
//
// Whoever may change webhook configurations can take it away, unless it is a static manifest (Kubernetes 1.37). What runs already,
// and what a node starts by itself (static pods), passes no admission: [Sweep] finds it.
package k8sgate
