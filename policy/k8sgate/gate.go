package k8sgate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ladingdev/lading/policy/gate"
)

// MaxBody is how much of a request is read. An update of a pod at etcd's limit has 2.8 MB.
const MaxBody = 8 << 20

// Paths that a [Gate] answers.
const (
	PathValidate         = "/validate"          // AdmissionReview: judges, and demands a digest in every place
	PathPin              = "/pin"               // AdmissionReview: makes REPOSITORY:TAG@DIGEST of REPOSITORY:TAG
	PathExternalValidate = "/external/validate" // Gatekeeper's ProviderRequest: judges
	PathExternalPin      = "/external/pin"      // Gatekeeper's ProviderRequest: looks up digests
	PathDecide           = "/decide"            // names of images: judges, see [DecideRequest]
	PathHealth           = "/healthz"           // it lives
	PathReady            = "/readyz"            // it can judge
)

// Pull says whose credentials the kubelet will pull with: hints, which an object names for itself.
type Pull struct {
	Namespace      string
	ServiceAccount string
	Secrets        []string // names of imagePullSecrets
	Node           string   // if it is known already
}

// A Gate answers the API server's admission webhooks, Gatekeeper and whoever asks about an image. It is an http.Handler, and safe
// for concurrent use; its fields are set before first use.
type Gate struct {
	// Checker judges. It must be set.
	Checker *gate.Checker
	// Places are where objects of other kinds name images, such as those of custom resources. Those of Kubernetes' own are known.
	Places []Place
	// Name is the door's in the requests that policies see (policy.Request.Gate), as their documents call it; empty means "admission".
	Name string
	// Cluster names the cluster in the requests that policies see.
	Cluster string
	// Credentials returns the context that the gate's Open is called with, and a name of the credentials in it, for what a pod
	// says about its pull secrets; nil asks nobody. Decisions are for all.
	Credentials func(ctx context.Context, p Pull) (context.Context, string)
	// Authorize says who may ask /decide and /external; nil lets everybody who reaches the port.
	Authorize func(r *http.Request) error
	// Ready says why the gate cannot judge yet; nil means that it can.
	Ready func() error
	// Log gets what goes wrong; nil means silence. What is decided goes to the Checker's Log.
	Log *slog.Logger

	ended atomic.Bool
}

// Validate returns an error if the Gate cannot judge. Programs call it when they start.
func (g *Gate) Validate() error {
	if g.Checker == nil {
		return errors.New("k8sgate: the gate has no checker")
	}
	for i, p := range g.Places {
		if slices.ContainsFunc(g.Places[:i], func(o Place) bool { return o.Group == p.Group && o.Kind == p.Kind }) {
			return fmt.Errorf("k8sgate: two places of group %q, kind %q: put their paths into one", p.Group, p.Kind)
		}
		if p.Kind == "" || len(p.PodSpecs)+len(p.Images) == 0 {
			return fmt.Errorf("k8sgate: a place of group %q, kind %q without kind or without paths", p.Group, p.Kind)
		}
		for _, b := range builtin {
			if b.Group == p.Group && b.Kind == p.Kind {
				return fmt.Errorf("k8sgate: a place of kind %s of group %q, whose images are known", p.Kind, p.Group)
			}
		}
		for _, path := range append(append([]string(nil), p.PodSpecs...), p.Images...) {
			for _, step := range steps(path) {
				if step == "" || strings.ContainsAny(step, "[]*") && step != "[*]" && step != "*" {
					return fmt.Errorf("k8sgate: path %q of kind %s: names with a dot between, [*] for each element of a list, "+
						"* for each member of an object", path, p.Kind)
				}
			}
			if first := steps(path)[0]; first == "[*]" || first == "*" {
				return fmt.Errorf("k8sgate: path %q of kind %s begins with %s: begin with a member, such as spec", path, p.Kind, first)
			}
		}
	}
	return nil
}

// End makes the gate say that it is not ready, so that no new requests are sent to it. Those that come are answered.
func (g *Gate) End() { g.ended.Store(true) }

// ServeHTTP answers reviews, questions and probes, by their paths: see PathValidate.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case PathHealth:
		_, _ = io.WriteString(w, "ok\n")
		return
	case PathReady:
		g.ready(w)
		return
	}
	answer := map[string]func(http.ResponseWriter, *http.Request){
		PathValidate: g.validate, PathPin: g.pin, PathExternalValidate: g.external, PathExternalPin: g.external, PathDecide: g.decide,
	}[r.URL.Path]
	switch {
	case answer == nil:
		http.NotFound(w, r)
	case g.Checker == nil: // a webhook that does not answer is refused by failurePolicy Fail, and this says why
		http.Error(w, "the gate has no checker", http.StatusInternalServerError)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
	default:
		ctx, cancel := withTimeout(r)
		defer cancel()
		answer(w, r.WithContext(ctx))
	}
}

func (g *Gate) ready(w http.ResponseWriter) {
	err := g.Validate()
	switch {
	case g.ended.Load():
		err = errors.New("it is ending")
	case err == nil && g.Ready != nil:
		err = g.Ready()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// defaultTimeout is the API server's for webhooks.
const defaultTimeout = 10 * time.Second

// withTimeout takes the time that the API server says it waits (?timeout=10s).
func withTimeout(r *http.Request) (context.Context, context.CancelFunc) {
	limit := defaultTimeout
	if d, err := time.ParseDuration(r.URL.Query().Get("timeout")); err == nil && d > 0 && d < time.Minute {
		limit = d
	}
	return context.WithTimeout(r.Context(), limit)
}

// readBody reads a request whole.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, fmt.Errorf("the request has %d bytes, at most %d are read", r.ContentLength, MaxBody)
	}
	const first = 64 << 10 // a length that is only claimed reserves no more
	body := make([]byte, 0, min(max(r.ContentLength, 0), first)+1)
	limited := io.LimitReader(r.Body, MaxBody+1)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := limited.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > MaxBody:
			return nil, fmt.Errorf("the request has more than %d bytes", MaxBody)
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("the request could not be read: %w", err)
		}
	}
}

func (g *Gate) name() string { return cmp.Or(g.Name, "admission") }

func (g *Gate) warn(ctx context.Context, message string, args ...any) {
	if g.Log != nil {
		g.Log.WarnContext(ctx, message, args...)
	}
}
