package k8sgate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// Gatekeeper's external data (open-policy-agent/frameworks, constraint/pkg/externaldata).
const (
	externalVersion = "externaldata.gatekeeper.sh/v1beta1"
	maxKeys         = 500
)

type externalAnswer struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Response   externalResponse `json:"response"`
}

type externalResponse struct {
	Idempotent  bool           `json:"idempotent"`
	Items       []externalItem `json:"items,omitempty"`
	SystemError string         `json:"systemError,omitempty"`
}

type externalItem struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

// external answers a ProviderRequest: each key is the name of an image, its value the name with the digest, and its error why not.
func (g *Gate) external(w http.ResponseWriter, r *http.Request) {
	answer := externalAnswer{APIVersion: externalVersion, Kind: "ProviderResponse", Response: externalResponse{Idempotent: true}}
	keys, err := g.keys(r)
	if err != nil {
		answer.Response.SystemError = "lading: " + oneline.Error(err)
		writeJSON(w, http.StatusOK, &answer)
		return
	}
	items := make([]externalItem, len(keys))
	each(len(keys), func(i int) {
		items[i].Key = keys[i]
		q := &gate.Question{Name: keys[i], Request: &policy.Request{Gate: g.name(), Cluster: g.Cluster}}
		if r.URL.Path == PathExternalPin {
			items[i].Value, items[i].Error = g.resolved(r.Context(), q)
			return
		}
		if a := g.Checker.Check(r.Context(), q); a.Allowed {
			items[i].Value = withDigest(keys[i], a.Reference)
		} else {
			items[i].Error = "lading: " + a.Reason
		}
	})
	answer.Response.Items = items
	writeJSON(w, http.StatusOK, &answer)
}

func (g *Gate) resolved(ctx context.Context, q *gate.Question) (value, why string) {
	ref, err := g.Checker.Resolve(ctx, q)
	if err != nil {
		return "", "lading: " + oneline.Error(err)
	}
	return withDigest(q.Name, ref), ""
}

// withDigest adds a digest to a name as it was written.
func withDigest(name string, ref gate.Reference) string {
	written, err := gate.ParseReference(name, false)
	if err != nil || written.Digest != "" || ref.Digest == "" {
		return name
	}
	return name + "@" + string(ref.Digest)
}

func (g *Gate) keys(r *http.Request) (keys []string, err error) {
	if err := g.authorized(r); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var version, kind string
	j := strictjson.NewReader(body, strictjson.Limits{})
	for name := range j.Object("apiVersion", "kind", "request") {
		switch string(name) {
		case "apiVersion":
			version = j.String()
		case "kind":
			kind = j.String()
		case "request":
			for member := range j.Object("keys") {
				if string(member) == "keys" {
					keys = texts(j)
				}
			}
		}
	}
	if err := j.End(); err != nil {
		return nil, err
	}
	if kind != "ProviderRequest" || version != externalVersion && version != "externaldata.gatekeeper.sh/v1alpha1" {
		return nil, fmt.Errorf("it is a %.80q of %.80q, and a ProviderRequest of %s is read", kind, version, externalVersion)
	}
	return keys, nil
}

// texts reads at most maxKeys strings.
func texts(j *strictjson.Reader) (list []string) {
	for i := range j.Array() {
		if i == maxKeys {
			j.Fail(fmt.Errorf("more than %d names", maxKeys))
			return nil
		}
		list = append(list, j.String())
	}
	return list
}

// each calls f for 0 to n-1, some at the same time. What panics leaves its result as it was.
func each(n int, f func(i int)) {
	turns := make(chan struct{}, 16)
	var wait sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			defer func() { _ = recover() }()
			f(i)
		})
	}
	wait.Wait()
}

// A DecideRequest is what POST /decide takes.
type DecideRequest struct {
	Images  []string        `json:"images"`
	Request *policy.Request `json:"request,omitempty"` // who asks for what, as far as whoever calls says
}

// A DecideAnswer is what POST /decide returns, also for what is refused: HTTP 400, 403 or 413 says that the question itself was.
type DecideAnswer struct {
	Policy  digest.Digest  `json:"policy,omitempty"` // that was decided by
	Mode    policy.Effect  `json:"mode"`
	Answers []DecidedImage `json:"answers"`
}

// A DecidedImage is the answer about one of the images, in their order.
type DecidedImage struct {
	Image             string           `json:"image"`
	Judged            string           `json:"judged,omitempty"` // REPOSITORY@DIGEST
	Allowed           bool             `json:"allowed"`
	Reason            string           `json:"reason"`
	Cached            bool             `json:"cached,omitempty"`
	RetryAfterSeconds int              `json:"retryAfterSeconds,omitempty"`
	Decision          *policy.Decision `json:"decision"`
}

func (g *Gate) decide(w http.ResponseWriter, r *http.Request) {
	if err := g.authorized(r); err != nil {
		writeJSON(w, http.StatusForbidden, map[string]string{"error": oneline.Error(err)})
		return
	}
	body, err := readBody(r)
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"error": oneline.Error(err)})
		return
	}
	q, err := parseDecide(body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": oneline.Error(err)})
		return
	}
	rules := g.Checker.Rules()
	answer := &DecideAnswer{Policy: rules.PolicyDigest, Mode: rules.Mode, Answers: make([]DecidedImage, len(q.Images))}
	each(len(q.Images), func(i int) {
		a := g.Checker.Check(r.Context(),
			&gate.Question{Name: q.Images[i], Request: q.Request, DryRun: q.Request != nil && q.Request.DryRun})
		answer.Answers[i] = DecidedImage{
			Image: q.Images[i], Judged: a.Reference.Pinned(), Allowed: a.Allowed, Reason: a.Reason, Cached: a.Cached,
			RetryAfterSeconds: int(a.RetryAfter / time.Second), Decision: a.Decision,
		}
	})
	writeJSON(w, http.StatusOK, answer)
}

func parseDecide(body []byte) (*DecideRequest, error) {
	if err := strictjson.Check(body, strictjson.Limits{}); err != nil {
		return nil, err
	}
	q := new(DecideRequest)
	j := strictjson.NewReader(body, strictjson.Limits{})
	for f := j.Fields("images", "request"); f.Next(); {
		switch f.Name {
		case "images":
			q.Images = texts(j)
		case "request":
			q.Request = new(policy.Request)
			if err := json.Unmarshal(j.Raw(), q.Request); err != nil {
				j.Fail(err)
			}
		}
	}
	if err := j.End(); err != nil {
		return nil, err
	}
	if len(q.Images) == 0 {
		return nil, errors.New(`name images: {"images": ["registry.example.com/app@sha256:..."]}`)
	}
	return q, nil
}

func (g *Gate) authorized(r *http.Request) error {
	if g.Authorize == nil {
		return nil
	}
	return g.Authorize(r)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, oneline.Error(err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
