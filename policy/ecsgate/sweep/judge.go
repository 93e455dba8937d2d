package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// judge sets what the policy says about the image of a Row. Running says that it runs by a digest, which is reported, empty if it is
// not known; what is only set to run is judged by what its tag stands for now.
func (r *run) judge(ctx context.Context, row *Row, reported string, running bool) {
	declared, err := gate.ParseReference(row.Image, false)
	if err != nil {
		row.find(Undecided, "%s", err.Error())
		return
	}
	if _, sum, ok := strings.Cut(reported, "@"); ok { // as a name with a digest
		reported = sum
	}
	switch {
	case declared.Digest != "":
		j := r.ask(ctx, row, declared.Pinned())
		if reported == "" || reported == string(declared.Digest) || slices.Contains(j.Children, reported) {
			row.take(j)
			return
		}
		row.find(DigestDiffers, "the definition names %s, what runs is reported as %s", declared.Digest, reported)
		row.take(r.ask(ctx, row, declared.Repository+"@"+reported))
	case reported != "":
		row.take(r.ask(ctx, row, declared.Repository+"@"+reported))
		row.find(ByTag, "it came in past the gate, or before it: gates ask for a digest")
	case running:
		row.find(UnknownDigest, "the definition names a tag, and no digest is reported yet")
	default:
		row.take(r.ask(ctx, row, declared.String()))
		row.find(ByTag, "judged by what the tag stands for now")
	}
}

// ask judges an image once for all Rows that the policy cannot tell apart.
func (r *run) ask(ctx context.Context, row *Row, name string) *judgement {
	request := &policy.Request{
		Gate: "sweep", Operation: "SWEEP", Region: r.region, Cluster: row.Cluster, Kind: row.Kind, Workload: row.Resource, Account: account(row),
	}
	asked := name
	if !r.ignores {
		seen := *request
		if see := r.Checker.Rules().See; see != nil {
			seen = *see(&seen)
		}
		text, _ := json.Marshal(seen)
		asked += " " + string(text)
	}
	if j := r.judgements[asked]; j != nil {
		return j
	}
	answer := r.Checker.Check(ctx, &gate.Question{Name: name, Request: request})
	d := answer.Decision
	j := &judgement{Asked: asked, Judged: answer.Reference.Pinned(), Verdict: d.Verdict, Rule: line(d.Rule), Reason: line(answer.Reason)}
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
	if ctx.Err() == nil { // what was cut off is no judgement
		r.judgements[asked] = j
		r.page = append(r.page, record{Judgement: j})
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
