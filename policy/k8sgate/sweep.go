package k8sgate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// A Running is one container or image volume of a cluster, and what the policy says about the image that it runs.
type Running struct {
	Namespace, Pod string
	Container      string // with what it is, such as `init container "setup"` or `image volume "model"`
	Node           string
	Static         bool   // the kubelet started it from a file: it never asked
	Image          string // as the pod has it
	ImageID        string // as the node reports it: REPOSITORY@DIGEST where the runtime says so
	Judged         string // REPOSITORY@DIGEST that was judged; empty if it could not be told
	// Answer is what a Checker says about it now; nil if there is no digest to ask about.
	Answer *gate.Answer
	// Problem is why it should not run, or why that cannot be told; empty if it is allowed.
	Problem string
}

// podList is what of a list of pods (core/v1) a sweep reads.
type podList struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []podItem `json:"items"`
}

type podItem struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		NodeName            string `json:"nodeName"`
		Containers          []named
		InitContainers      []named
		EphemeralContainers []named
		Volumes             []struct {
			Name  string
			Image *struct{ Reference string }
		}
	} `json:"spec"`
	Status struct {
		ContainerStatuses          []containerStatus
		InitContainerStatuses      []containerStatus
		EphemeralContainerStatuses []containerStatus
	} `json:"status"`
}

// running returns the pod's containers, as they are declared and as the node reports them.
func (p *podItem) running() iter.Seq[*Running] {
	return func(yield func(*Running) bool) {
		_, static := p.Metadata.Annotations["kubernetes.io/config.mirror"]
		for _, group := range []struct {
			what     string
			declared []named
			statuses []containerStatus
		}{
			{"init container", p.Spec.InitContainers, p.Status.InitContainerStatuses},
			{"container", p.Spec.Containers, p.Status.ContainerStatuses},
			{"ephemeral container", p.Spec.EphemeralContainers, p.Status.EphemeralContainerStatuses},
		} {
			for _, declared := range group.declared {
				r := &Running{
					Namespace: p.Metadata.Namespace, Pod: p.Metadata.Name, Node: p.Spec.NodeName, Static: static,
					Container: group.what + " " + gate.Quote(declared.Name), Image: declared.Image,
				}
				for _, s := range group.statuses {
					if s.Name == declared.Name {
						r.ImageID = s.ImageID
					}
				}
				if !yield(r) {
					return
				}
			}
		}
		for r := range p.volumes {
			r.Static = static
			if !yield(r) {
				return
			}
		}
	}
}

// volumes returns the pod's image volumes. Which digest one has is in the status of the containers that mount it (KEP 5365), if the
// kubelet says so.
func (p *podItem) volumes(yield func(*Running) bool) {
	for _, v := range p.Spec.Volumes {
		if v.Image == nil || v.Image.Reference == "" {
			continue
		}
		r := &Running{
			Namespace: p.Metadata.Namespace, Pod: p.Metadata.Name, Node: p.Spec.NodeName,
			Container: "image volume " + gate.Quote(v.Name), Image: v.Image.Reference,
		}
		for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses) {
			for _, m := range s.VolumeMounts {
				if m.Name == v.Name && m.VolumeStatus.Image.ImageRef != "" {
					r.ImageID = m.VolumeStatus.Image.ImageRef
				}
			}
		}
		if !yield(r) {
			return
		}
	}
}

type named struct{ Name, Image string }

type containerStatus struct {
	Name, Image, ImageID string
	VolumeMounts         []struct {
		Name         string
		VolumeStatus struct{ Image struct{ ImageRef string } }
	}
}

// Sweep looks at every pod of a cluster and yields each container and image volume that runs, or is to run, with what the policy says
// about its image now. The digest is the one that the node reports (status.imageID), in the repository that the pod names: what came
// in before the gate did, or past it, shows here. An image of an index is judged by the index where the Checker has seen that.
// An error ends it: not all came. The gate's account needs list on pods.
func Sweep(ctx context.Context, api API, c *gate.Checker) iter.Seq2[*Running, error] {
	return func(yield func(*Running, error) bool) {
		next := ""
		for {
			var list podList
			path := "/api/v1/pods?limit=500"
			if next != "" {
				path += "&continue=" + url.QueryEscape(next)
			}
			if err := call(ctx, api, http.MethodGet, path, "", nil, &list); err != nil {
				yield(nil, err)
				return
			}
			if list.Kind != "PodList" { // whatever answers, "no pods" is not what it says
				yield(nil, fmt.Errorf("k8sgate: %s: the answer is a %.80q and no PodList: is this the API server?", path, list.Kind))
				return
			}
			for i := range list.Items {
				for running := range list.Items[i].running() {
					running.judge(ctx, c)
					if !yield(running, nil) {
						return
					}
				}
			}
			if next = list.Metadata.Continue; next == "" {
				return
			}
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}

// judge asks about the digest that the node reports, in the repository that the pod names.
func (r *Running) judge(ctx context.Context, c *gate.Checker) {
	declared, err := gate.ParseReference(r.Image, false)
	if err != nil {
		r.Problem = err.Error()
		return
	}
	running := declared
	if _, sum, ok := strings.Cut(r.ImageID, "@"); ok {
		if seen, err := gate.ParseReference(declared.Repository+"@"+sum, false); err == nil {
			running.Digest = seen.Digest
		} else {
			r.Problem = fmt.Sprintf("the node reports image %s: %v", gate.Quote(r.ImageID), err)
			return
		}
	}
	if running.Digest == "" {
		r.Problem = "which digest it runs is not known: the node reports none, and the pod names a tag"
		return
	}
	running.Tag = ""
	r.Judged = running.Pinned()
	request := &policy.Request{Gate: "sweep", Operation: "SWEEP", Namespace: r.Namespace, Kind: "Pod", Workload: r.Pod}
	r.Answer = c.Check(ctx, &gate.Question{Name: r.Judged, Request: request})
	switch err := r.Answer.Decision.Err(); {
	case errors.Is(err, policy.ErrDenied):
		r.Problem = "it is not allowed: " + r.Answer.Reason
	case err != nil:
		r.Problem = "it could not be judged: " + r.Answer.Reason
	case declared.Digest == "":
		r.Problem = "it is allowed now, and named by a tag: it came in past the gate, or before it"
	}
}
