package k8sgate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// The answer to an AdmissionReview, as k8s.io/api/admission/v1 has it.
type answered struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Response   response `json:"response"`
}

type response struct {
	UID       string            `json:"uid"`
	Allowed   bool              `json:"allowed"`
	Status    *status           `json:"status,omitempty"`
	Patch     string            `json:"patch,omitempty"` // base64
	PatchType string            `json:"patchType,omitempty"`
	Audit     map[string]string `json:"auditAnnotations,omitempty"`
	Warnings  []string          `json:"warnings,omitempty"`
}

type status struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Reason  string   `json:"reason"`
	Code    int      `json:"code"`
	Details *details `json:"details,omitempty"`
}

type details struct {
	RetryAfterSeconds int `json:"retryAfterSeconds"`
}

// write answers a review: HTTP 200 always, for the API server reports the reason of nothing else.
func (v *review) write(w http.ResponseWriter, r *response) {
	r.UID = v.uid
	body, err := json.Marshal(answered{v.version, "AdmissionReview", *r})
	if err != nil { // of strings and numbers there is none
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func failure(code int, reason, message string) *response {
	return &response{Status: &status{Status: "Failure", Code: code, Reason: reason, Message: message}}
}

// receive reads a review, and the images to judge. If there is nothing to judge, or the review is refused, it has been answered.
func (g *Gate) receive(w http.ResponseWriter, r *http.Request) (v *review, images []Image, pull Pull, ok bool) {
	body, err := readBody(r)
	v = &review{version: reviewV1}
	if err == nil {
		v, err = parseReview(body)
	}
	if err == nil {
		images, pull, err = g.toJudge(v)
	}
	switch {
	case err != nil:
		g.warn(r.Context(), "review refused", "error", oneline.Error(err), "uid", clip(v.uid))
		v.write(w, failure(http.StatusBadRequest, "BadRequest", "lading: "+oneline.Error(err)))
	case len(images) == 0:
		res := &response{Allowed: true}
		if v.warning != "" {
			g.warn(r.Context(), "nothing judged", "warning", v.warning, "uid", clip(v.uid))
			res.warn(v.warning)
		}
		v.write(w, res)
	default:
		return v, images, pull, true
	}
	return v, nil, pull, false
}

// validate judges every image that comes in, by the digest in the object.
func (g *Gate) validate(w http.ResponseWriter, r *http.Request) {
	v, images, pull, ok := g.receive(w, r)
	if !ok {
		return
	}
	found := g.ask(r.Context(), v, images, pull, func(ctx context.Context, q *gate.Question, work bool) *finding {
		switch {
		case !strings.Contains(q.Name, "@"):
			f := &finding{verdict: policy.Deny, reason: "it has no digest, so what will run is not known: name it NAME@sha256:..."}
			if _, err := gate.ParseReference(q.Name, false); err != nil {
				f.reason = oneline.Error(err)
			}
			return f
		case work:
			return judged(g.Checker.Check(ctx, q))
		}
		if a := g.Checker.Known(ctx, q); a != nil {
			return judged(a)
		}
		return nil
	})
	v.write(w, g.conclude(images, found))
}

func judged(a *gate.Answer) *finding {
	f := &finding{
		verdict: a.Decision.Verdict, reason: a.Reason, retry: a.RetryAfter, warnings: a.Warnings(), allowed: a.Decision.Err() == nil,
	}
	if f.verdict == policy.Indeterminate && f.retry == 0 {
		f.verdict = policy.Deny // to ask again does not help
	}
	return f
}

// pin sets the digest of every image that comes in by tag. It judges nothing: the validating twin does, whatever comes between.
func (g *Gate) pin(w http.ResponseWriter, r *http.Request) {
	v, images, pull, ok := g.receive(w, r)
	if !ok {
		return
	}
	found := g.ask(r.Context(), v, images, pull, func(ctx context.Context, q *gate.Question, work bool) *finding {
		if !work && !strings.Contains(q.Name, "@") {
			return nil
		}
		ref, err := g.Checker.Resolve(ctx, q)
		switch {
		case err == nil:
			return &finding{verdict: policy.Allow, allowed: true, pinned: ref.Digest.String()}
		case errors.Is(err, gate.ErrName):
			return &finding{verdict: policy.Deny, reason: oneline.Error(err)}
		case errors.Is(err, gate.ErrNotFound):
			return &finding{verdict: policy.Deny, reason: "there is no such image: " + oneline.Error(err)}
		}
		return &finding{reason: "its digest could not be looked up: " + oneline.Error(err), retry: 2 * time.Second}
	})
	res := g.conclude(images, found)
	if res.Allowed && g.Checker.Rules().Mode != policy.Audit {
		g.addPatch(r.Context(), v, images, found, res)
	}
	v.write(w, res)
}

// addPatch adds the patch that pins, unless it would do something else.
func (g *Gate) addPatch(ctx context.Context, v *review, images []Image, found []*finding, res *response) {
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.Name
		if d := found[i].pinned; d != "" && !strings.Contains(image.Name, "@") {
			names[i] = image.Name + "@" + d
			if ref, err := gate.ParseReference(names[i], false); err != nil || ref.Digest.String() != d {
				names[i] = image.Name
			}
		}
	}
	patch := pin(images, names)
	if len(patch) == 0 {
		return
	}
	err := g.checkPatch(v, images, names, patch)
	var text []byte
	if err == nil {
		text, err = json.Marshal(patch)
	}
	if err != nil {
		g.warn(ctx, "patch withheld", "error", oneline.Error(err), "uid", v.uid)
		if g.Checker.Rules().Mode == policy.Enforce {
			why := "lading: the digests of the images could not be set: " + oneline.Error(err)
			*res = *failure(http.StatusInternalServerError, "InternalError", why)
		}
		return
	}
	res.Patch, res.PatchType = base64.StdEncoding.EncodeToString(text), "JSONPatch"
}

// A finding is what was found out about one image.
type finding struct {
	verdict  policy.Verdict
	allowed  bool
	reason   string
	retry    time.Duration
	warnings []string
	pinned   string // its digest
}

// ask asks about each name once, and returns what was found in the order of images. About is asked first without work, for what is
// known, in turn: goroutines would take longer than that. It returns nil where there is work, which is done at the same time.
func (g *Gate) ask(
	ctx context.Context, v *review, images []Image, pull Pull, about func(ctx context.Context, q *gate.Question, work bool) *finding,
) []*finding {
	request := &policy.Request{
		Gate: g.name(), Operation: v.operation, User: v.user, Groups: v.groups, Cluster: g.Cluster, Namespace: v.namespace,
		Kind: v.kind, Workload: v.name, DryRun: v.dryRun,
	}
	access := ""
	if g.Credentials != nil {
		ctx, access = g.Credentials(ctx, pull)
	}
	first := make(map[string]int, len(images))
	found := make([]*finding, len(images))
	one := func(i int, work bool) {
		defer func() {
			if p := recover(); p != nil {
				found[i] = &finding{reason: "the gate failed: " + oneline.Of(fmt.Sprint(p))}
			}
		}()
		found[i] = about(ctx, &gate.Question{Name: images[i].Name, Request: request, Access: access, DryRun: v.dryRun}, work)
	}
	var wait sync.WaitGroup
	for i, image := range images {
		if _, twice := first[image.Name]; twice {
			continue
		}
		first[image.Name] = i
		if one(i, false); found[i] == nil {
			wait.Go(func() { one(i, true) })
		}
	}
	wait.Wait()
	for i, image := range images {
		found[i] = found[first[image.Name]]
	}
	return found
}

// conclude makes one answer of all findings: one denial denies, and what was not decided is asked again by the client itself.
func (g *Gate) conclude(images []Image, found []*finding) *response {
	rules := g.Checker.Rules()
	var denied, undecided, all []string
	retry := time.Duration(0)
	res := &response{Allowed: true}
	for i, f := range found {
		for _, w := range f.warnings {
			res.warn(images[i].Where + " " + gate.Quote(images[i].Name) + ": " + w)
		}
		if f.allowed {
			continue
		}
		line := fmt.Sprintf("%s %s: %s", images[i].Where, gate.Quote(images[i].Name), oneline.Of(f.reason))
		all = append(all, line)
		if f.verdict == policy.Indeterminate {
			undecided = append(undecided, line)
			retry = max(retry, f.retry)
		} else {
			denied = append(denied, line)
		}
	}
	res.Audit = map[string]string{"verdict": verdict(denied, undecided)}
	if rules.PolicyDigest != "" {
		res.Audit["policy"] = string(rules.PolicyDigest)
	}
	if len(all) == 0 {
		return res
	}
	if rules.Mode != policy.Enforce {
		if rules.Mode == policy.Warn {
			for _, line := range all {
				res.warn("would be refused: " + line)
			}
		}
		return res
	}
	res.Allowed = false
	if len(denied) > 0 {
		res.Status = &status{Status: "Failure", Code: http.StatusForbidden, Reason: "Forbidden", Message: message("refused", denied)}
		return res
	}
	res.Status = &status{
		Status: "Failure", Code: http.StatusTooManyRequests, Reason: "TooManyRequests",
		Message: message("could not be decided, ask again", undecided), Details: &details{max(1, int(retry/time.Second))},
	}
	return res
}

func verdict(denied, undecided []string) string {
	switch {
	case len(denied) > 0:
		return "deny"
	case len(undecided) > 0:
		return "indeterminate"
	}
	return "allow"
}

// message says all that matters in its first line. Lines below it list the other images.
func message(what string, lines []string) string {
	const most = 10
	s := "lading: " + lines[0]
	if len(lines) > 1 {
		s = fmt.Sprintf("lading: %d images %s: %s", len(lines), what, lines[0])
	} else if strings.HasPrefix(what, "could not") {
		s = "lading: " + what + ": " + lines[0]
	}
	for i, line := range lines[1:] {
		if i == most {
			return s + fmt.Sprintf("\nand %d more", len(lines)-1-most)
		}
		s += "\n" + line
	}
	return s
}

// Limits of warnings: the API server drops repeats, and cuts all once they have more than 4,096 characters.
const (
	maxWarning  = 256
	maxWarnings = 4000 / maxWarning
)

// warn adds a line that is shown beside the answer. One with a control character would vanish.
func (r *response) warn(line string) {
	line = oneline.Of("lading: " + line)
	if runes := []rune(line); len(runes) > maxWarning {
		line = string(runes[:maxWarning-3]) + "..."
	}
	for _, w := range r.Warnings {
		if w == line {
			return
		}
	}
	if len(r.Warnings) < maxWarnings {
		r.Warnings = append(r.Warnings, line)
	}
}

// clip returns a stranger's short text for a message.
func clip(text string) string {
	const most = 80
	text = oneline.Of(strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
