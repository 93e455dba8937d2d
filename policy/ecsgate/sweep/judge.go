package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// A question is a Row whose image is judged when its page is there whole.
type question struct {
	row      *Row
	reported string
	running  bool
}

// judge has the image of a Row judged. Running says that it runs by a digest, which is reported, empty if it is not known; what is only
// set to run is judged by what its tag stands for now.
func (r *run) judge(row *Row, reported string, running bool) {
	if _, sum, ok := strings.Cut(reported, "@"); ok { // as a name with a digest
		reported = sum
	}
	r.questions = append(r.questions, question{row, reported, running})
}

// asking is how many images are judged at the same time. The Checker has a limit for each registry too.
const asking = 8

// decide judges the images of a page: what has to be asked first of all is asked side by side.
func (r *run) decide(ctx context.Context) {
	first := map[string]*asked{}
	var order []*asked
	for _, q := range r.questions {
		declared, err := gate.ParseReference(q.row.Image, false)
		if err != nil {
			continue
		}
		name := q.name(declared)
		if name == "" {
			continue
		}
		a := r.asks(q.row, name)
		if r.judgements[a.key] == nil && first[a.key] == nil {
			first[a.key] = a
			order = append(order, a)
		}
	}
	var all sync.WaitGroup
	free := make(chan struct{}, asking)
	for _, a := range order {
		free <- struct{}{}
		all.Go(func() {
			a.judgement = r.check(ctx, a)
			<-free
		})
	}
	all.Wait()
	for _, a := range order {
		r.keep(ctx, a)
	}
	for _, q := range r.questions {
		r.answer(ctx, q)
	}
	r.questions = nil
}

// name is the image that a question is about at first; empty if nobody knows.
func (q question) name(declared gate.Reference) string {
	switch {
	case declared.Digest != "":
		return declared.Pinned()
	case q.reported != "":
		return declared.Repository + "@" + q.reported
	case q.running:
		return ""
	}
	return declared.String()
}

// answer sets what the policy says about the image of a Row.
func (r *run) answer(ctx context.Context, q question) {
	row, reported := q.row, q.reported
	declared, err := gate.ParseReference(row.Image, false)
	if err != nil {
		row.find(Undecided, "%s", err.Error())
		return
	}
	name := q.name(declared)
	switch {
	case declared.Digest != "":
		j := r.ask(ctx, row, name)
		if reported == "" || reported == string(declared.Digest) || slices.Contains(j.Children, reported) {
			row.take(j)
			return
		}
		row.find(DigestDiffers, "the definition names %s, what runs is reported as %s", declared.Digest, reported)
		row.take(r.ask(ctx, row, declared.Repository+"@"+reported))
	case reported != "":
		row.take(r.ask(ctx, row, name))
		row.find(ByTag, "it came in past the gate, or before it: gates ask for a digest")
	case q.running:
		row.find(UnknownDigest, "the definition names a tag, and no digest is reported yet")
	default:
		row.take(r.ask(ctx, row, name))
		row.find(ByTag, "judged by what the tag stands for now")
	}
}

// asked is an image, and of the request what the policy sees: all Rows that it cannot tell apart have one judgement.
type asked struct {
	key, name string
	request   *policy.Request
	judgement *judgement
}

func (r *run) asks(row *Row, name string) *asked {
	request := &policy.Request{
		Gate: "sweep", Operation: "SWEEP", Region: r.region, Cluster: row.Cluster, Kind: row.Kind, Workload: row.Resource,
		Account: account(row),
	}
	key := name
	if !r.ignores {
		seen := *request
		if see := r.Checker.Rules().See; see != nil {
			seen = *see(&seen)
		}
		text, _ := json.Marshal(seen)
		key += " " + string(text)
	}
	return &asked{key: key, name: name, request: request}
}

// ask returns what is decided on an image, which is asked about once.
func (r *run) ask(ctx context.Context, row *Row, name string) *judgement {
	a := r.asks(row, name)
	if j := r.judgements[a.key]; j != nil {
		return j
	}
	a.judgement = r.check(ctx, a)
	r.keep(ctx, a)
	return a.judgement
}

// keep writes a judgement down. What was cut off is none.
func (r *run) keep(ctx context.Context, a *asked) {
	if ctx.Err() == nil {
		r.judgements[a.key] = a.judgement
		r.page = append(r.page, record{Judgement: a.judgement})
	}
}

func (r *run) check(ctx context.Context, a *asked) *judgement {
	answer := r.Checker.Check(ctx, &gate.Question{Name: a.name, Request: a.request})
	d := answer.Decision
	j := &judgement{Asked: a.key, Judged: answer.Reference.Pinned(), Verdict: d.Verdict, Rule: line(d.Rule), Reason: line(answer.Reason)}
	switch err := d.Err(); { // a verdict alone opens no door
	case err == nil:
	case errors.Is(err, policy.ErrDenied):
		j.Verdict = policy.Deny
	default:
		j.Verdict = policy.Indeterminate
	}
	for _, child := range d.Children {
		j.Children = append(j.Children, string(child.Digest))
	}
	return j
}

// take sets what was decided.
func (row *Row) take(j *judgement) {
	row.Judged, row.Verdict, row.Rule, row.Reason = j.Judged, j.Verdict, j.Rule, j.Reason
	switch j.Verdict {
	case policy.Allow:
	case policy.Deny:
		row.find(Denied, "%s", j.Reason)
	default:
		row.find(Undecided, "%s", j.Reason)
	}
}

// account is that of a Row's first ARN.
func account(row *Row) string {
	for _, arn := range append([]string{row.Cluster, row.Resource}, row.Examples...) {
		if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
			return parts[4]
		}
	}
	return ""
}
