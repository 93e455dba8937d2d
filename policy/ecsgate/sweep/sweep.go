package sweep

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// A Sweep says where to look, and by what to judge. It is not changed while it runs.
type Sweep struct {
	// Config is that of the SDK's clients: credentials, retries, HTTP client. Its Region is the one that is looked at if Regions is empty.
	Config aws.Config
	// Regions are looked at one after the other.
	Regions []string
	// Services are some of [Services]; empty means all.
	Services []string
	// Checker judges images. Its log, if it has one, is told each decision. It must be set.
	Checker *gate.Checker
	// Families are patterns, as package path has them, of the task definition families that the registrar alone makes; it leaves
	// ecsgate.LabelProposed on each container. Empty means that there is no registrar, and no finding NotGated or Unmarked.
	Families []string
	// Hooks are patterns of the ARNs of the gate's functions, without a version or alias. Empty means that any function will do.
	Hooks []string
	// State is the name of a file in which a sweep that was ended goes on; empty means that it begins anew each time. With one, the Rules
	// of the Checker have a PolicyDigest and a TrustDigest.
	State string
	// Timeout is how long a service may take to answer one request, of which the SDK's retries make several; zero means 30 seconds.
	Timeout time.Duration
	// Progress is told of every page; nil means nobody.
	Progress func(Progress)
	// Now tells when the sweep began; nil means time.Now.
	Now func() time.Time
}

// Progress is how far a sweep is.
type Progress struct {
	Service, Region string
	What            string // what is being listed, such as "tasks of production"
	Seen            int64  // how many containers, functions and the like were looked at so far
	Running         int64  // how many tasks ECS says there are, in the clusters that are known so far
	Requests        int64  // to AWS, retries too, since this process began
	Done, Units     int    // how many lists are done, of those that there are, as far as is known
}

// services are looked at in this order. Of lists there are as many as Progress tells, in a region; ECS has more with each cluster.
var services = []struct {
	name  string
	lists int
}{{"ecs", 1}, {"lambda", 1}, {"batch", 1}, {"apprunner", 1}, {"sagemaker", 4}, {"codebuild", 2}, {"eks", 1}}

// look looks at the service that it is the turn of.
func (r *run) look(ctx context.Context) error {
	return map[string]func(context.Context) error{
		"ecs": r.ecs, "lambda": r.lambda, "batch": r.batch, "apprunner": r.apprunner, "sagemaker": r.sagemaker, "codebuild": r.codebuild,
		"eks": r.inspector,
	}[r.service](ctx)
}

// Services returns the names of the services that can be looked at, in the order in which they are.
func Services() (names []string) {
	for _, s := range services {
		names = append(names, s.name)
	}
	return names
}

func (s *Sweep) regions() []string {
	if len(s.Regions) > 0 {
		return s.Regions
	}
	return []string{s.Config.Region}
}

// Validate returns an error if the Sweep cannot look or judge. Run asks it first.
func (s *Sweep) Validate() error {
	if s.Checker == nil {
		return errors.New("sweep: no Checker: make one with gate.New")
	}
	seen := map[string]bool{}
	for _, region := range s.regions() {
		switch {
		case region == "":
			return errors.New("sweep: no region: set Regions, or the Region of Config")
		case seen[region]:
			return fmt.Errorf("sweep: region %.80q is there twice", region)
		}
		seen[region] = true
	}
	if rules := s.Checker.Rules(); s.State != "" && (rules.PolicyDigest == "" || rules.TrustDigest == "") {
		return errors.New("sweep: a State needs Rules with a PolicyDigest and a TrustDigest: " +
			"else nobody knows whether what it has judged still holds")
	}
	for _, name := range s.Services {
		if !slices.Contains(Services(), name) {
			return fmt.Errorf("sweep: service %.80q is none of %s", name, strings.Join(Services(), ", "))
		}
	}
	if s.Timeout < 0 {
		return errors.New("sweep: a negative Timeout")
	}
	for _, pattern := range slices.Concat(s.Families, s.Hooks) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("sweep: pattern %.80q: %w", pattern, err)
		}
	}
	return nil
}

// options is a digest of what a report depends on.
func (s *Sweep) options() string {
	rules := s.Checker.Rules()
	text := fmt.Sprintf("%q %q %q %q %q %q", s.regions(), s.Services, s.Families, s.Hooks, rules.PolicyDigest, rules.TrustDigest)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// run is one Run of a Sweep.
type run struct {
	*Sweep
	*journal
	service   string
	region    string
	config    aws.Config // of the region
	ignores   bool       // the policy never looks at a request
	requests  atomic.Int64
	page      []record
	questions []question // of the page
	more      int64      // of the page's clusters
}

// Run looks at everything. What could not be looked at is in the Report; an error is one of the Sweep itself, of its State, or of ctx,
// and then there is no Report.
func (s *Sweep) Run(ctx context.Context) (*Report, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	j, err := openJournal(s.State, s.options(), now().UTC().Truncate(time.Second))
	if err != nil {
		return nil, err
	}
	defer j.close()
	r := &run{Sweep: s, journal: j, ignores: policy.IgnoresRequest(s.Checker.Rules().Gate.Policy)}
	for _, r.region = range s.regions() {
		r.config = r.count(s.Config)
		r.config.Region = r.region
		for _, service := range services {
			if len(s.Services) > 0 && !slices.Contains(s.Services, service.name) {
				continue
			}
			r.service = service.name
			if err := r.look(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := j.end(); err != nil {
		return nil, fmt.Errorf("sweep: the state: %w", err)
	}
	return newReport(s, j.state), nil
}

// count returns a Config whose clients count their requests.
func (r *run) count(c aws.Config) aws.Config {
	client := c.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	c.HTTPClient = counted{client, &r.requests, cmp.Or(r.Timeout, 30*time.Second)}
	return c
}

type counted struct {
	aws.HTTPClient
	n       *atomic.Int64
	timeout time.Duration
}

// Do ends what is not answered in time; the SDK by itself waits for ever. The time for the body counts.
func (c counted) Do(req *http.Request) (*http.Response, error) {
	c.n.Add(1)
	ctx, cancel := context.WithTimeoutCause(req.Context(), c.timeout, fmt.Errorf("no answer within %s", c.timeout))
	resp, err := c.HTTPClient.Do(req.WithContext(ctx))
	if err != nil {
		if req.Context().Err() == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel()
		return nil, err
	}
	resp.Body = closing{resp.Body, cancel}
	return resp, nil
}

type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// pages asks for one page of a list after the other, from where an ended sweep left off. The function adds to the page and returns where
// the next one begins, or "". If it cannot list, that is a finding and the list ends. An error is one of the context or the State.
func (r *run) pages(ctx context.Context, what string, list func(ctx context.Context, token *string) (next *string, err error)) error {
	unit := r.service + " " + r.region + " " + what
	at := r.units[unit]
	resumed := at.next != ""
	over := false
	for !at.done {
		r.page, r.questions, r.more = nil, nil, 0
		token := aws.String(at.next)
		if at.next == "" {
			token = nil
		}
		after, err := list(ctx, token)
		next := aws.ToString(after)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && resumed && !awserror.Denied(err) && !awserror.Throttled(err): // tokens end, and so the list begins anew
			at, resumed, over = progressOf{}, false, true
			continue
		case err != nil:
			r.page, r.questions = nil, nil
			r.failed("list", what, err)
			next = ""
		case next != "" && next == at.next:
			r.failed("list", what, errors.New("the service gives the same page again and again"))
			next = ""
		}
		resumed = false
		if r.decide(ctx); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, rec := range r.page {
			if rec.Row != nil {
				rec.Row.settle()
			}
		}
		r.page = append(r.page, record{Unit: unit, Next: next, Done: next == "", More: r.more, Over: over})
		over = false
		if err := r.commit(r.page); err != nil {
			return err
		}
		at = r.units[unit]
		r.tell(what)
	}
	return nil
}

// tell says how far the sweep is.
func (r *run) tell(what string) {
	if r.Progress == nil {
		return
	}
	p := Progress{
		Service: r.service, Region: r.region, What: what, Seen: r.seen, Running: r.running, Requests: r.requests.Load(), Units: r.lists(),
	}
	for _, u := range r.units {
		if u.done {
			p.Done++
		}
	}
	r.Progress(p)
}

// lists is how many there are to be looked at, as far as is known.
func (r *run) lists() (n int) {
	for _, region := range r.regions() {
		for _, s := range services {
			if len(r.Services) > 0 && !slices.Contains(r.Services, s.name) {
				continue
			}
			n += s.lists
			if s.name != "ecs" {
				continue
			}
			const ofCluster, ofFamilies = 3, 2
			n += ofCluster * len(r.names["ecs "+region+" clusters"])
			if len(r.Families) > 0 {
				n += ofFamilies
			}
		}
	}
	return n
}

// row adds a Row to the page. What strangers named is one line of bounded length from here on.
func (r *run) row(row *Row) {
	row.Service, row.Region = r.service, r.region
	for _, text := range []*string{&row.Kind, &row.Cluster, &row.Resource, &row.Definition, &row.Container, &row.Image} {
		*text = line(*text)
	}
	for i, arn := range row.Examples {
		row.Examples[i] = line(arn)
	}
	if row.Count == 0 {
		row.Count = 1
	}
	r.page = append(r.page, record{Row: row})
}

// name keeps what a later list is about.
func (r *run) name(n string) { r.page = append(r.page, record{Name: n}) }

// failed adds that something could not be looked at.
func (r *run) failed(kind, what string, err error) {
	row := &Row{Kind: kind, Resource: what}
	row.find(Unreadable, "%s", why(err))
	r.row(row)
}

// why is an error in one line that says what to do. It has no identifier of a request, so that one cause has one text.
func why(err error) string {
	text, cause := "", err
	if call, ok := errors.AsType[*smithy.OperationError](err); ok {
		cause = call.Err
		if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
			cause = sent
		}
		text = call.Service() + " " + call.Operation() + ": "
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text += api.ErrorCode() + ": " + api.ErrorMessage()
	} else {
		text += cause.Error()
	}
	switch {
	case awserror.Denied(err):
		text = "no permission: " + text
	case awserror.Throttled(err):
		text = "the service wants fewer requests, sweep again later or with the SDK's adaptive retries: " + text
	}
	return line(text)
}

// line is text of strangers in one line of bounded length.
func line(s string) string {
	const most = 1000
	s = oneline.Of(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\n", "; "))
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return s
}

// matches tells whether text is one of some patterns.
func matches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, text); return ok })
}
