package policy

import (
	"context"
	"sync"
	"time"

	"github.com/ladingdev/lading/verify"
)

// Input is all that a Policy may look at. Policies do not change it.
type Input struct {
	Name     string              // as the caller gave it to the Gate
	Children []verify.Descriptor // the images of the platforms, if Report.Subject is an index; its attestation manifests are none of them
	Report   *verify.Report      // what was proven about Report.Subject, what was refused, and what could not be read
	Request  *Request            // who asks for what; nil if nobody asked in a request, as in a pipeline
	Now      time.Time           // compare with Before, so that the decision says until when it holds

	asked *horizon // what the policy that is being asked compared with Now
	facts *facts   // what was read of the attestations so far
}

// A Request says who asks for what, and where. A door fills it with what it knows, and it is believed as far as the door proves
// it: a cluster's API server names its users, a label of the object to be admitted is anybody's word. Empty means unknown.
type Request struct {
	Gate       string            `json:"gate,omitempty"`      // the door that asks, by the name that its policy document has for it
	Operation  string            `json:"operation,omitempty"` // in the words of the platform, such as "CREATE" or "PRE_SCALE_UP"
	User       string            `json:"user,omitempty"`
	Groups     []string          `json:"groups,omitempty"`
	Cluster    string            `json:"cluster,omitempty"`
	Namespace  string            `json:"namespace,omitempty"`
	Kind       string            `json:"kind,omitempty"`     // of the workload, such as "Deployment" or "service"
	Workload   string            `json:"workload,omitempty"` // its name
	Account    string            `json:"account,omitempty"`
	Region     string            `json:"region,omitempty"`
	DryRun     bool              `json:"dryRun,omitempty"` // nothing will run: what is decided is not kept
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Before reports whether Now is before t. If it is, the decision that is being made holds no longer than until t.
func (in *Input) Before(t time.Time) bool {
	before := in.Now.Before(t)
	if before {
		in.asked.note(t)
	}
	return before
}

// Decide asks a policy that may be anybody's and makes sure that there is an answer: what panics, and what returns nothing, is
// Indeterminate. It is what doors and policies that ask others call, so that what is read of the evidence is read once for all
// of them (see [Fact]). [Gate.Check] does.
func Decide(ctx context.Context, p Policy, in *Input) *Decision { return decide(ctx, p, in) }

// horizon is the earliest of the moments that were asked about, and of the ends of the decisions that were made on the way.
type horizon struct {
	mu    sync.Mutex
	until time.Time
	asked bool
}

// note takes a moment; zero is that of asking.
func (h *horizon) note(t time.Time) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.asked || t.Before(h.until) {
		h.asked, h.until = true, t
	}
}

// get returns the earliest moment, and whether there was one.
func (h *horizon) get() (until time.Time, asked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until, h.asked
}

// watched returns a copy of the input that notes what is asked about the time, and where. Copies share what was read.
func (in *Input) watched() (*Input, *horizon) {
	if in == nil {
		return nil, new(horizon)
	}
	c := *in
	c.asked = new(horizon)
	if c.facts == nil {
		c.facts = &facts{report: c.Report}
	}
	return &c, c.asked
}

// sharing returns the input with room for what is read, so that all parts of a policy read it once.
func (in *Input) sharing() *Input {
	if in == nil || in.facts != nil {
		return in
	}
	c := *in
	c.facts = &facts{report: c.Report}
	return &c
}
