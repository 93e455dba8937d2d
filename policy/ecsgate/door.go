package ecsgate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// Kinds of refusal, for errors.Is on a Decision's or an Outcome's Err.
var (
	ErrNotPinned = errors.New("the image has no digest")
	ErrNotFound  = errors.New("not found in ECS")
	ErrMismatch  = errors.New("ECS contradicts itself") // two answers about one deployment do not fit together
	ErrFailOpen  = errors.New("the hook fails open")    // its timeout action is CONTINUE
	ErrChanged   = errors.New("another image runs than was decided on")
	ErrLimited   = errors.New("more is to be stopped than may be")
)

// A Container is one container of a task definition and what was decided about its image.
type Container struct {
	Name  string // in the task definition
	Image string // as the task definition has it
	// Digest is what runs, where ECS says so.
	Digest string
	// Injected says that ECS, not the task definition, brings the container, and that it is one of those that the door lets be.
	Injected bool
	Decision *policy.Decision
	Warnings []string // see gate.Answer
}

// An Injected is a container that AWS adds to tasks by itself, such as the proxy of Service Connect or GuardDuty's agent. The image of
// one that matches is not asked about, where the task definition has no container of its name. Images that are never yours otherwise,
// such as a vendor's agent, are a matter of the policy.
type Injected struct {
	Name    string // of the container; one * at the end stands for any rest, such as "ecs-service-connect-*"
	Account string // 12 digits: of the ECR registry that the image is in
}

// ecrHost is the host of a private registry of Amazon ECR, with its account.
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$`)

func (i Injected) matches(name, image string) bool {
	prefix, open := strings.CutSuffix(i.Name, "*")
	host, _, _ := strings.Cut(image, "/")
	m := ecrHost.FindStringSubmatch(host)
	return (name == i.Name || open && strings.HasPrefix(name, prefix)) && m != nil && m[1] == i.Account
}

func validInjected(list []Injected) error {
	for _, i := range list {
		if prefix, _ := strings.CutSuffix(i.Name, "*"); prefix == "" || strings.Contains(prefix, "*") {
			return fmt.Errorf("ecsgate: injected container %q: a name, or the beginning of one and *", i.Name)
		}
		if len(i.Account) != 12 || strings.Trim(i.Account, "0123456789") != "" {
			return fmt.Errorf("ecsgate: injected container %q: account %q is not 12 digits", i.Name, i.Account)
		}
	}
	return nil
}

// callTimeout ends what ECS does not answer; the SDK by itself waits for ever.
const callTimeout = 30 * time.Second

// answerTime is what of the time that Lambda allows is not spent on judging, but kept for asking about the deployment,
// the answer, and the log.
const answerTime = 2 * time.Second

// forJudging leaves time to answer.
func forJudging(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-answerTime))
	}
	return context.WithCancel(ctx)
}

// A judge decides on containers for a door.
type judge struct {
	checker *gate.Checker
	request policy.Request // without what is the container's
	asked   map[string]*gate.Answer
}

// images asks about each container that has no decision yet. An image that several run, of which the policy sees the same, is asked about
// once.
func (j *judge) images(ctx context.Context, list []Container, attributes func(i int) map[string]string) {
	j.asked = map[string]*gate.Answer{}
	for i := range list {
		if c := &list[i]; c.Decision == nil {
			j.image(ctx, c, attributes(i))
		}
	}
}

func (j *judge) image(ctx context.Context, c *Container, attributes map[string]string) {
	switch {
	case c.Injected:
		c.Decision = &policy.Decision{
			Verdict: policy.Allow, Rule: "injected", Name: c.Image,
			Reason: fmt.Sprintf("ECS adds the container %s by itself, and is let", gate.Quote(c.Name)),
		}
		return
	case j.checker == nil:
		c.Decision = undecided(c.Image, errors.New("the door has no checker"))
		return
	}
	name := c.runs()
	if name == "" {
		c.Decision = notPinned(c.Image)
		return
	}
	a := j.ask(ctx, name, attributes)
	c.Decision, c.Warnings = a.Decision, a.Warnings()
	switch own := pinnedDigest(c.Image); {
	case own != "" && c.Digest != "" && c.Digest != own:
		c.differs(ctx, j, own, attributes)
	case own == "" && a.Decision.Verdict == policy.Deny:
		c.ofTag(ctx, j, attributes)
	}
}

// ofTag judges the index that a tag stands for, if what runs is one of its images: some runtimes name the image, not the index.
func (c *Container) ofTag(ctx context.Context, j *judge, attributes map[string]string) {
	ref, err := j.checker.Resolve(ctx, &gate.Question{Name: c.Image})
	index := string(ref.Digest)
	if err != nil || index == c.Digest || !j.isOf(ctx, c.Image, index, c.Digest) {
		return
	}
	if a := j.ask(ctx, untagged(c.Image)+"@"+index, attributes); a.Decision.Verdict == policy.Allow {
		c.Decision, c.Warnings = a.Decision, a.Warnings()
	}
}

// differs judges a container that runs another digest than its image is named by: one of an index that is allowed may run.
func (c *Container) differs(ctx context.Context, j *judge, own string, attributes map[string]string) {
	if !j.isOf(ctx, c.Image, own, c.Digest) {
		c.Decision = undecided(c.Image, fmt.Errorf("%w: %q is resolved to %s", ErrMismatch, c.Image, c.Digest))
		return
	}
	if c.Decision.Verdict != policy.Allow {
		a := j.ask(ctx, c.Image, attributes) // the index, by which the Checker knows its images
		c.Decision, c.Warnings = a.Decision, a.Warnings()
	}
}

func (j *judge) ask(ctx context.Context, name string, attributes map[string]string) *gate.Answer {
	request := j.request
	request.Attributes = attributes
	key := name
	if !policy.IgnoresRequest(j.checker.Rules().Gate.Policy) {
		key = fmt.Sprint(name, " ", attributes)
	}
	if j.asked[key] == nil {
		j.asked[key] = j.checker.Check(ctx, &gate.Question{Name: name, Request: &request})
	}
	return j.asked[key]
}

// isOf reports whether an image is one of an index, as the registry has it.
func (j *judge) isOf(ctx context.Context, image, index, child string) bool {
	ref, err := gate.ParseReference(image, false)
	if err != nil {
		return false
	}
	ref.Tag, ref.Digest = "", digest.Digest(index)
	opened, err := j.checker.Rules().Gate.Open(ctx, ref.Pinned())
	if err != nil || opened == nil || string(opened.Subject.Digest) != index {
		return false
	}
	for _, d := range opened.Children {
		if string(d.Digest) == child {
			return true
		}
	}
	return false
}

// runs is the name by digest of what the container runs, or will run; empty if that is not known.
func (c *Container) runs() string {
	switch own := pinnedDigest(c.Image); {
	case c.Digest != "" && c.Digest != own:
		name, _, _ := strings.Cut(c.Image, "@")
		return untagged(name) + "@" + c.Digest
	case own != "":
		return c.Image
	}
	return ""
}

// untagged leaves a tag out.
func untagged(name string) string {
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[:i]
	}
	return name
}

// pinnedDigest is the digest in an image's name; empty if it has none, or none that holds.
func pinnedDigest(image string) string {
	_, after, _ := strings.Cut(image, "@")
	if digest.Digest(after).Validate() != nil {
		return ""
	}
	return after
}

func notPinned(image string) *policy.Decision {
	return &policy.Decision{
		Verdict: policy.Deny, Rule: "the image is named by digest", Name: image, Cause: ErrNotPinned,
		Reason: fmt.Sprintf("%q is not named by digest, so what it will run is not known yet", image),
	}
}

func undecided(image string, err error) *policy.Decision {
	return &policy.Decision{Rule: "the image can be judged", Name: image, Reason: oneline.Error(err), Cause: err}
}

func denied(image, rule string, err error) *policy.Decision {
	return &policy.Decision{Verdict: policy.Deny, Rule: rule, Name: image, Reason: oneline.Error(err), Cause: err}
}

// verdicts sorts the containers that are not allowed.
func verdicts(list []Container) (refused []string, unknown []error) {
	for _, c := range list {
		switch c.Decision.Verdict {
		case policy.Allow:
		case policy.Deny:
			refused = append(refused, fmt.Sprintf("container %s: %s", c.Name, c.Decision.Reason))
		default:
			unknown = append(unknown, fmt.Errorf("container %s: %w", c.Name, c.Decision.Err()))
		}
	}
	return refused, unknown
}

// Attributes of the requests that policies see, beside "container". A policy that looks at none is asked once for an image.
const (
	AttributePlatform           = "platform"           // such as linux/arm64: ServiceRevision.Overrides first, then the task definition
	AttributeVersionConsistency = "versionConsistency" // enabled, disabled
	AttributePrivileged         = "privileged"         // true, false
	AttributeExecuteCommand     = "executeCommand"     // true, false
	AttributeIsolation          = "isolation"          // SHARED, ISOLATED_SANDBOX, CONFIDENTIAL_SANDBOX
	AttributeAttestationPolicy  = "attestationPolicy"  // sha256 of a confidential task's; "none" without one
	AttributeStrategy           = "strategy"           // of a deployment: ROLLING, BLUE_GREEN, LINEAR, CANARY
	AttributeOverrides          = "overrides"          // what a task changes of its definition, in JSON; "none" without
	AttributeStartedBy          = "startedBy"          // of a task
	AttributeLaunch             = "launchType"         // EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES
)

// definitionAttributes are those of a container of a task definition. ECS's words for what is not set are filled in.
func definitionAttributes(d *types.TaskDefinition, revision *types.ServiceRevision, name string) map[string]string {
	a := map[string]string{
		"container": name, AttributePlatform: platform(d, revision), AttributeVersionConsistency: "enabled",
		AttributePrivileged: "false", AttributeIsolation: string(types.IsolationModeShared), AttributeAttestationPolicy: "none",
	}
	i := slices.IndexFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return aws.ToString(c.Name) == name })
	if i >= 0 {
		c := d.ContainerDefinitions[i]
		if c.VersionConsistency != "" {
			a[AttributeVersionConsistency] = string(c.VersionConsistency)
		}
		a[AttributePrivileged] = strconv.FormatBool(aws.ToBool(c.Privileged))
	}
	if t := d.TrustedExecutionConfiguration; t != nil {
		if t.IsolationMode != "" {
			a[AttributeIsolation] = string(t.IsolationMode)
		}
		if t.AttestationPolicy != nil {
			a[AttributeAttestationPolicy] = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(*t.AttestationPolicy)))
		}
	}
	return a
}

// platform is where the revision runs: what it overrides comes first. ECS's default is linux/amd64.
func platform(d *types.TaskDefinition, revision *types.ServiceRevision) string {
	system, machine := "linux", "amd64"
	if p := d.RuntimePlatform; p != nil {
		if strings.HasPrefix(string(p.OperatingSystemFamily), "WINDOWS") {
			system = "windows"
		}
		machine = architecture(string(p.CpuArchitecture))
	}
	if revision != nil && revision.Overrides != nil && revision.Overrides.RuntimePlatform != nil {
		if own := aws.ToString(revision.Overrides.RuntimePlatform.CpuArchitecture); own != "" {
			machine = architecture(own)
		}
	}
	return system + "/" + machine
}

func architecture(ecs string) string {
	switch strings.ToUpper(ecs) {
	case "", "X86_64":
		return "amd64"
	case "ARM64":
		return "arm64"
	}
	return strings.ToLower(ecs)
}

// arnParts are account, region and the parts of the resource: arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME.
func arnParts(arn string) (region, account string, resource []string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return "", "", nil
	}
	return parts[3], parts[4], strings.Split(parts[5], "/")
}

func notFound(arn string, n int, failures []types.Failure) error {
	if len(failures) == 0 {
		return fmt.Errorf("%w: %s: %d answers instead of one", ErrNotFound, arn, n)
	}
	f := failures[0]
	return fmt.Errorf("%w: %s: %s", ErrNotFound, arn, strings.Join([]string{aws.ToString(f.Reason), aws.ToString(f.Detail)}, " "))
}

// same tells whether ECS speaks of what it was asked about.
func same(what, asked string, got *string) error {
	if aws.ToString(got) == asked {
		return nil
	}
	return fmt.Errorf("%w: asked about %s %s, it answers about %q", ErrMismatch, what, asked, aws.ToString(got))
}
