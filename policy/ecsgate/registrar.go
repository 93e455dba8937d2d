package ecsgate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// ErrRefused says that a proposed task definition was not registered, because of an image that is not allowed.
var ErrRefused = errors.New("the task definition is not registered")

// ErrProposal says that a proposal cannot be read, or is none that can be registered.
var ErrProposal = errors.New("not a proposal of a task definition")

// RegistrarClient registers. The AWS SDK's *ecs.Client is one.
type RegistrarClient interface {
	RegisterTaskDefinition(
		context.Context, *ecs.RegisterTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error)
	RegisterDaemonTaskDefinition(
		context.Context, *ecs.RegisterDaemonTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.RegisterDaemonTaskDefinitionOutput, error)
}

// A Registrar is the one principal that may register task definitions in gated families: it takes a proposed one, looks up each image,
// decides on it, names it by digest, and registers. What everybody may run is what it made, by IAM policies such as those of package
// policy/ecsgate/iam. Who may call it may propose for every gated family, and every role that it may pass: the policy sees the family, as
// policy.Request.Workload. Its fields are set before first use; then it is safe for concurrent use.
type Registrar struct {
	// Client registers. It must be set.
	Client RegistrarClient
	// Checker decides on each image. With the mode policy.Warn or policy.Audit of its rules, what is refused is registered too, and
	// its label says so. It must be set.
	Checker *gate.Checker
	// Family is what the names of gated families begin with, such as "gated-". It is put before the proposed name, unless that begins
	// with it. It must be set.
	Family string
	// Name is the door's in the requests that policies see (policy.Request.Gate); empty means "registrar".
	Name string
	// Log gets one record for each proposal; nil means none.
	Log *slog.Logger
	// Observe is told every registration, refused ones too; nil means nobody.
	Observe func(ctx context.Context, r *Registration)
}

// Labels that a Registrar writes: tags of the task definition, and one of Docker's of each container.
const (
	LabelDecision = "lading-decision" // allow; refused where the mode let it pass
	LabelPolicy   = "lading-policy"   // digest of the policy
	LabelDecided  = "lading-decided"  // when, RFC 3339
	LabelProposed = "lading.dev/proposed"
)

// A Registration is what became of a proposal.
type Registration struct {
	Definition string // ARN of what was registered; empty if nothing was
	Family     string
	// Containers have the images as they were proposed, and the digests that they are named by now.
	Containers []Container
	Verdict    policy.Verdict
	Mode       policy.Effect
	Reason     string // why, one line
	Warnings   []string
}

// Validate returns an error if nothing can be registered. Programs call it when they start.
func (r *Registrar) Validate() error {
	switch {
	case r.Client == nil:
		return errors.New("ecsgate: the registrar has no client of ECS")
	case r.Checker == nil:
		return errors.New("ecsgate: the registrar has no checker")
	case r.Family == "" || !strings.HasSuffix(r.Family, "-") && !strings.HasSuffix(r.Family, "_"):
		return fmt.Errorf(
			"ecsgate: family %q: the beginning of names, with - or _ at its end, so that no other name begins with it",
			r.Family,
		)
	}
	return nil
}

// Register registers a task definition in a gated family if all its images are allowed. The input is not changed. Errors wrap ErrRefused or
// ErrProposal, or are ECS's; the Registration says more.
func (r *Registrar) Register(ctx context.Context, in *ecs.RegisterTaskDefinitionInput) (*Registration, error) {
	family, err := r.family(in.Family)
	if err != nil {
		return &Registration{Reason: err.Error()}, err
	}
	proposed := *in
	proposed.Family = &family
	proposed.ContainerDefinitions = append([]types.ContainerDefinition(nil), in.ContainerDefinitions...)
	as := &types.TaskDefinition{
		ContainerDefinitions: in.ContainerDefinitions, RuntimePlatform: in.RuntimePlatform,
		TrustedExecutionConfiguration: in.TrustedExecutionConfiguration,
	}
	var list []Container
	for _, c := range in.ContainerDefinitions {
		list = append(list, Container{Name: aws.ToString(c.Name), Image: aws.ToString(c.Image)})
	}
	reg, err := r.decide(
		ctx,
		family,
		"taskDefinition",
		list,
		func(i int) map[string]string { return definitionAttributes(as, nil, list[i].Name) },
	)
	if err != nil {
		return r.tell(ctx, reg), err
	}
	for i := range proposed.ContainerDefinitions {
		c, was := &proposed.ContainerDefinitions[i], &reg.Containers[i]
		c.Image = aws.String(was.pinned())
		c.VersionConsistency = types.VersionConsistencyEnabled
		c.DockerLabels = maps.Clone(c.DockerLabels)
		if c.DockerLabels == nil {
			c.DockerLabels = map[string]string{}
		}
		c.DockerLabels[LabelProposed] = was.Image
	}
	proposed.Tags = r.label(in.Tags, reg)
	out, err := r.Client.RegisterTaskDefinition(ctx, &proposed)
	if err != nil {
		return r.tell(ctx, reg), fmt.Errorf("registering the task definition: %w", err)
	}
	reg.Definition = aws.ToString(out.TaskDefinition.TaskDefinitionArn)
	return r.tell(ctx, reg), nil
}

// RegisterDaemon is Register for a daemon's task definition.
func (r *Registrar) RegisterDaemon(ctx context.Context, in *ecs.RegisterDaemonTaskDefinitionInput) (*Registration, error) {
	family, err := r.family(in.Family)
	if err != nil {
		return &Registration{Reason: err.Error()}, err
	}
	proposed := *in
	proposed.Family = &family
	proposed.ContainerDefinitions = append([]types.DaemonContainerDefinition(nil), in.ContainerDefinitions...)
	as := new(types.TaskDefinition)
	var list []Container
	for _, c := range in.ContainerDefinitions {
		list = append(list, Container{Name: aws.ToString(c.Name), Image: aws.ToString(c.Image)})
		as.ContainerDefinitions = append(as.ContainerDefinitions, types.ContainerDefinition{Name: c.Name, Privileged: c.Privileged})
	}
	reg, err := r.decide(
		ctx,
		family,
		"daemonTaskDefinition",
		list,
		func(i int) map[string]string { return definitionAttributes(as, nil, list[i].Name) },
	)
	if err != nil {
		return r.tell(ctx, reg), err
	}
	for i := range proposed.ContainerDefinitions {
		proposed.ContainerDefinitions[i].Image = aws.String(reg.Containers[i].pinned())
	}
	proposed.Tags = r.label(in.Tags, reg)
	out, err := r.Client.RegisterDaemonTaskDefinition(ctx, &proposed)
	if err != nil {
		return r.tell(ctx, reg), fmt.Errorf("registering the daemon task definition: %w", err)
	}
	reg.Definition = aws.ToString(out.DaemonTaskDefinitionArn)
	return r.tell(ctx, reg), nil
}

// RegisterExpress registers a task definition for an Express service that names an image, and returns the same service with the task
// definition in its place, for CreateExpressGatewayService: so the caller needs no right to give images.
func (r *Registrar) RegisterExpress(
	ctx context.Context, in *ecs.CreateExpressGatewayServiceInput,
) (*ecs.CreateExpressGatewayServiceInput, *Registration, error) {
	c := in.PrimaryContainer
	if c == nil || in.TaskDefinitionArn != nil || aws.ToString(in.ServiceName) == "" {
		err := fmt.Errorf("%w: an Express service with a name, a primary container and no task definition", ErrProposal)
		return nil, &Registration{Reason: err.Error()}, err
	}
	port := aws.Int32(80)
	if c.ContainerPort != nil {
		port = c.ContainerPort
	}
	main := types.ContainerDefinition{
		Name: aws.String("Main"), Image: c.Image, Command: c.Command, Environment: c.Environment, Secrets: c.Secrets,
		PortMappings: []types.PortMapping{{ContainerPort: port, Name: aws.String("main"), Protocol: types.TransportProtocolTcp}},
	}
	if c.RepositoryCredentials != nil {
		main.RepositoryCredentials = &types.RepositoryCredentials{CredentialsParameter: c.RepositoryCredentials.CredentialsParameter}
	}
	if l := c.AwsLogsConfiguration; l != nil {
		main.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": aws.ToString(l.LogGroup), "awslogs-stream-prefix": aws.ToString(l.LogStreamPrefix),
		}}
	}
	proposal := &ecs.RegisterTaskDefinitionInput{
		Family: in.ServiceName, ContainerDefinitions: []types.ContainerDefinition{main},
		ExecutionRoleArn: in.ExecutionRoleArn, TaskRoleArn: in.TaskRoleArn,
		Cpu: aws.String(cmp.Or(aws.ToString(in.Cpu), "256")), Memory: aws.String(cmp.Or(aws.ToString(in.Memory), "512")),
		NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
	}
	if in.CpuArchitecture != "" {
		proposal.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: types.CPUArchitecture(in.CpuArchitecture)}
	}
	reg, err := r.Register(ctx, proposal)
	if err != nil {
		return nil, reg, err
	}
	service := *in
	service.PrimaryContainer, service.TaskDefinitionArn = nil, &reg.Definition
	service.ExecutionRoleArn, service.TaskRoleArn, service.Cpu, service.Memory, service.CpuArchitecture = nil, nil, nil, nil, ""
	return &service, reg, nil
}

func (r *Registrar) family(proposed *string) (string, error) {
	name := aws.ToString(proposed)
	if err := r.Validate(); err != nil {
		return "", err
	}
	if name == "" {
		return "", fmt.Errorf("%w: it has no family", ErrProposal)
	}
	if strings.HasPrefix(name, r.Family) {
		return name, nil
	}
	return r.Family + name, nil
}

// decide judges the images of a proposal.
func (r *Registrar) decide(
	ctx context.Context, family, kind string, list []Container, attributes func(i int) map[string]string,
) (*Registration, error) {
	reg := &Registration{Family: family, Containers: list, Mode: r.Checker.Rules().Mode}
	if len(list) == 0 {
		err := fmt.Errorf("%w: it has no containers", ErrProposal)
		reg.Reason = err.Error()
		return reg, err
	}
	j := &judge{checker: r.Checker, asked: map[string]*gate.Answer{}, request: policy.Request{
		Gate: cmp.Or(r.Name, "registrar"), Operation: "REGISTER", Kind: kind, Workload: family,
	}}
	for i := range list {
		c := &list[i]
		a := j.ask(ctx, c.Image, attributes(i))
		c.Decision, c.Digest, c.Warnings = a.Decision, string(a.Reference.Digest), a.Warnings()
		for _, w := range c.Warnings {
			reg.Warnings = append(reg.Warnings, fmt.Sprintf("container %s: %s", c.Name, w))
		}
	}
	refused, unknown := verdicts(list)
	switch {
	case len(refused) > 0:
		reg.Verdict, reg.Reason = policy.Deny, strings.Join(refused, "; ")
	case len(unknown) > 0:
		reg.Reason = oneline.Error(errors.Join(unknown...))
	default:
		reg.Verdict, reg.Reason = policy.Allow, fmt.Sprintf("the image of every container is allowed, of %d", len(list))
	}
	if reg.Verdict != policy.Allow && reg.Mode == policy.Enforce {
		return reg, fmt.Errorf("%w: %s", ErrRefused, reg.Reason)
	}
	return reg, nil
}

// pinned is the image by digest, in the repository as it was proposed. What could not be looked up, where the mode lets it pass, stays.
func (c *Container) pinned() string {
	if c.Digest == "" {
		return c.Image
	}
	name, _, _ := strings.Cut(c.Image, "@")
	return untagged(name) + "@" + c.Digest
}

// label adds what was decided to the proposed tags, in place of what these say of it.
func (r *Registrar) label(proposed []types.Tag, reg *Registration) (tags []types.Tag) {
	for _, t := range proposed {
		if !strings.HasPrefix(strings.ToLower(aws.ToString(t.Key)), "lading-") {
			tags = append(tags, t)
		}
	}
	decision := "allow"
	if reg.Verdict != policy.Allow {
		decision = "refused"
	}
	at := time.Time{}
	for _, c := range reg.Containers {
		if at.IsZero() || c.Decision.Time.Before(at) {
			at = c.Decision.Time
		}
	}
	labels := []string{LabelDecision, decision, LabelDecided, at.UTC().Format(time.RFC3339)}
	if d := r.Checker.Rules().PolicyDigest; d != "" {
		labels = append(labels, LabelPolicy, string(d))
	}
	for i := 0; i < len(labels); i += 2 {
		tags = append(tags, types.Tag{Key: &labels[i], Value: &labels[i+1]})
	}
	return tags
}

func (r *Registrar) tell(ctx context.Context, reg *Registration) *Registration {
	if r.Observe != nil {
		r.Observe(ctx, reg)
	}
	if r.Log != nil {
		level := slog.LevelInfo
		if reg.Verdict != policy.Allow {
			level = slog.LevelWarn
		}
		r.Log.Log(ctx, level, "registration", "family", reg.Family, "definition", reg.Definition, "verdict", reg.Verdict.String(),
			"mode", reg.Mode.String(), "reason", reg.Reason, "warnings", reg.Warnings)
	}
	return reg
}

// A proposal is what a registrar's function is called with: one of the three, as the ECS API has it.
type proposal struct {
	TaskDefinition       json.RawMessage `json:"taskDefinition"`       // of RegisterTaskDefinition
	DaemonTaskDefinition json.RawMessage `json:"daemonTaskDefinition"` // of RegisterDaemonTaskDefinition
	Express              json.RawMessage `json:"express"`              // of CreateExpressGatewayService
}

// Handle answers a proposal: it is for lambda.Start. The proposal is {"taskDefinition": ...} with what RegisterTaskDefinition takes,
// {"daemonTaskDefinition": ...} or {"express": ...}. The answer is {"taskDefinitionArn": ARN, "images": {CONTAINER: IMAGE}, "warnings":
// [...]}, or {"refused": WHY}; an error is one of ECS, or ErrProposal. A member that is not known here is an error, so that nothing is
// lost on the way.
func (r *Registrar) Handle(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	var p proposal
	if err := strictly(event, &p); err != nil {
		return nil, err
	}
	var reg *Registration
	var err error
	switch {
	case p.TaskDefinition != nil && p.DaemonTaskDefinition == nil && p.Express == nil:
		in := new(ecs.RegisterTaskDefinitionInput)
		if err := strictly(p.TaskDefinition, in); err != nil {
			return nil, err
		}
		reg, err = r.Register(ctx, in)
	case p.DaemonTaskDefinition != nil && p.TaskDefinition == nil && p.Express == nil:
		in := new(ecs.RegisterDaemonTaskDefinitionInput)
		if err := strictly(p.DaemonTaskDefinition, in); err != nil {
			return nil, err
		}
		reg, err = r.RegisterDaemon(ctx, in)
	case p.Express != nil && p.TaskDefinition == nil && p.DaemonTaskDefinition == nil:
		in := new(ecs.CreateExpressGatewayServiceInput)
		if err := strictly(p.Express, in); err != nil {
			return nil, err
		}
		_, reg, err = r.RegisterExpress(ctx, in)
	default:
		return nil, fmt.Errorf("%w: it has taskDefinition, daemonTaskDefinition or express, and one of them", ErrProposal)
	}
	if err != nil && !errors.Is(err, ErrRefused) {
		return nil, err
	}
	answer := struct {
		Definition string            `json:"taskDefinitionArn,omitempty"`
		Refused    string            `json:"refused,omitempty"`
		Images     map[string]string `json:"images,omitempty"`
		Warnings   []string          `json:"warnings,omitempty"`
	}{Definition: reg.Definition, Warnings: reg.Warnings}
	if err != nil {
		answer.Refused = reg.Reason
		return json.Marshal(answer)
	}
	answer.Images = map[string]string{}
	for _, c := range reg.Containers {
		answer.Images[c.Name] = c.pinned()
	}
	return json.Marshal(answer)
}

// strictly reads JSON into a type of the SDK, whose names encoding/json takes in any case, and refuses what the type does not have.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrProposal, err)
	}
	if d.More() {
		return fmt.Errorf("%w: something follows it", ErrProposal)
	}
	return nil
}
