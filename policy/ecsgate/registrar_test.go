package ecsgate_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/registry"
)

func (w *world) registrar() *ecsgate.Registrar {
	w.Helper()
	r := &ecsgate.Registrar{Client: w.client, Checker: w.hook.Checker, Family: "gated-"}
	w.check(r.Validate())
	return r
}

// described returns a task definition and its tags as ECS has them.
func (w *world) described(arn string) (*types.TaskDefinition, map[string]string) {
	w.Helper()
	out, err := w.client.DescribeTaskDefinition(
		w.Context(),
		&ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}},
	)
	w.check(err)
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[*t.Key] = *t.Value
	}
	return out.TaskDefinition, tags
}

// What is proposed by tag is registered by digest, in a gated family, with what was decided.
func TestRegister(t *testing.T) {
	w := newWorld(t)
	repository, digest, _ := strings.Cut(w.signed, "@")
	in := &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), TaskRoleArn: aws.String("arn:aws:iam::111122223333:role/web"),
		Tags: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("shop")},
			{Key: aws.String("Lading-Decision"), Value: aws.String("allow, believe me")},
		},
		ContainerDefinitions: []types.ContainerDefinition{
			{
				Name:               aws.String("app"),
				Image:              aws.String(repository + ":v1"),
				VersionConsistency: types.VersionConsistencyDisabled,
				Command:            []string{"serve"},
			},
			{Name: aws.String("proxy"), Image: &w.other, DockerLabels: map[string]string{"a": "b"}},
		},
	}
	reg, err := w.registrar().Register(t.Context(), in)
	w.check(err)
	if *in.Family != "web" || *in.ContainerDefinitions[0].Image != repository+":v1" || len(in.ContainerDefinitions[1].DockerLabels) != 1 {
		t.Errorf("the proposal was changed: %+v", in)
	}
	d, tags := w.described(reg.Definition)
	app, proxy := d.ContainerDefinitions[0], d.ContainerDefinitions[1]
	if *d.Family != "gated-web" || *app.Image != repository+"@"+digest || *proxy.Image != w.other || *d.Cpu != "256" ||
		app.Command[0] != "serve" || *d.TaskRoleArn == "" ||
		app.VersionConsistency != types.VersionConsistencyEnabled ||
		app.DockerLabels[ecsgate.LabelProposed] != repository+":v1" ||
		proxy.DockerLabels["a"] != "b" {
		t.Errorf("%+v", d)
	}
	if tags["team"] != "shop" || tags[ecsgate.LabelDecision] != "allow" || tags["Lading-Decision"] != "" ||
		tags[ecsgate.LabelDecided] == "" {
		t.Errorf("%v", tags)
	}
	// What was registered passes the hook, and a moved tag changes nothing.
	w.move(repository, w.bad)
	w.hook.Tags = false
	_, err = w.client.CreateService(
		t.Context(),
		&ecs.CreateServiceInput{
			Cluster:                 aws.String(cluster),
			ServiceName:             aws.String("web"),
			TaskDefinition:          &reg.Definition,
			DeploymentConfiguration: gated(preScaleUp),
		},
	)
	w.check(err)
	w.cloud.Advance(time.Minute)
	if got := w.running("service:web"); len(got) != 1 || got[0] != digest {
		t.Errorf("%q", got)
	}
	in.Family = aws.String("gated-web")
	if reg, err := w.registrar().Register(t.Context(), in); !errors.Is(err, ecsgate.ErrRefused) || reg.Family != "gated-web" ||
		reg.Definition != "" ||
		reg.Verdict != policy.Deny {
		t.Errorf("by the moved tag: %+v, %v", reg, err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	propose := func(images ...string) *ecs.RegisterTaskDefinitionInput {
		in := &ecs.RegisterTaskDefinitionInput{Family: aws.String("web")}
		for i, image := range images {
			in.ContainerDefinitions = append(
				in.ContainerDefinitions,
				types.ContainerDefinition{Name: aws.String(string(rune('a' + i))), Image: &image},
			)
		}
		return in
	}
	for name, c := range map[string]struct {
		in   *ecs.RegisterTaskDefinitionInput
		want error
	}{
		"unsigned":      {propose(w.bad), ecsgate.ErrRefused},
		"one of two":    {propose(w.signed, w.bad), ecsgate.ErrRefused},
		"no such image": {propose(w.registry.Host() + "/shop/none:v1"), ecsgate.ErrRefused},
		"no image":      {propose(""), ecsgate.ErrRefused},
		"two digests":   {propose(w.signed + w.bad[strings.Index(w.bad, "@"):]), ecsgate.ErrRefused},
		"no containers": {propose(), ecsgate.ErrProposal},
		"no family": {&ecs.RegisterTaskDefinitionInput{ContainerDefinitions: propose(w.signed).ContainerDefinitions},
			ecsgate.ErrProposal},
		"registry is away": {propose("127.0.0.1:1/app@" + w.signed[strings.Index(w.signed, "@")+1:]), ecsgate.ErrRefused},
	} {
		reg, err := r.Register(t.Context(), c.in)
		if !errors.Is(err, c.want) || reg == nil || reg.Definition != "" || reg.Reason == "" || strings.Contains(reg.Reason, "\n") {
			t.Errorf("%s: %+v, %v", name, reg, err)
		}
	}
	if n := w.cloud.Calls()["ecs:RegisterTaskDefinition"]; n != 0 {
		t.Errorf("%d were registered", n)
	}
	for name, r := range map[string]*ecsgate.Registrar{"zero": {}, "any family": {Client: w.client, Checker: w.hook.Checker},
		"an open family": {Client: w.client, Checker: w.hook.Checker, Family: "gated"}} {
		if err := r.Validate(); err == nil {
			t.Errorf("%s: valid", name)
		}
		if reg, err := r.Register(t.Context(), propose(w.signed)); err == nil || reg == nil {
			t.Errorf("%s: %+v, %v", name, reg, err)
		}
	}
	// In the first weeks everything is registered, by digest where there is one, and the label says what was thought of it.
	w.use(policy.Audit)
	reg, err := w.registrar().Register(t.Context(), propose(w.bad, w.registry.Host()+"/shop/none:v1"))
	w.check(err)
	d, tags := w.described(reg.Definition)
	if tags[ecsgate.LabelDecision] != "refused" || *d.ContainerDefinitions[0].Image != w.bad ||
		!strings.HasSuffix(*d.ContainerDefinitions[1].Image, "/shop/none:v1") {
		t.Errorf("%v, %+v", tags, d)
	}
}

// Daemons and Express services are registered the same way, and run.
func TestRegisterOthers(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	repository, digest, _ := strings.Cut(w.signed, "@")
	daemon := func(image string) *ecs.RegisterDaemonTaskDefinitionInput {
		return &ecs.RegisterDaemonTaskDefinitionInput{
			Family:               aws.String("agent"),
			ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"), Image: &image}},
		}
	}
	reg, err := r.RegisterDaemon(t.Context(), daemon(repository+":v1"))
	w.check(err)
	d, err := w.client.DescribeDaemonTaskDefinition(
		t.Context(),
		&ecs.DescribeDaemonTaskDefinitionInput{DaemonTaskDefinition: &reg.Definition},
	)
	w.check(err)
	if *d.DaemonTaskDefinition.Family != "gated-agent" || *d.DaemonTaskDefinition.ContainerDefinitions[0].Image != repository+"@"+digest {
		t.Errorf("%+v", d.DaemonTaskDefinition)
	}
	if reg, err := r.RegisterDaemon(t.Context(), daemon(w.bad)); !errors.Is(err, ecsgate.ErrRefused) || reg.Definition != "" {
		t.Errorf("%+v, %v", reg, err)
	}

	express := func(image string) *ecs.CreateExpressGatewayServiceInput {
		return &ecs.CreateExpressGatewayServiceInput{
			Cluster: aws.String(
				cluster,
			), ServiceName: aws.String("fast"), InfrastructureRoleArn: aws.String("arn:i"), ExecutionRoleArn: aws.String("arn:e"),
			Cpu: aws.String("512"), PrimaryContainer: &types.ExpressGatewayContainer{Image: &image, ContainerPort: aws.Int32(8080)},
		}
	}
	in, reg, err := r.RegisterExpress(t.Context(), express(repository+":v1"))
	w.check(err)
	if in.PrimaryContainer != nil || *in.TaskDefinitionArn != reg.Definition || in.ExecutionRoleArn != nil || *in.ServiceName != "fast" {
		t.Errorf("%+v", in)
	}
	_, err = w.client.CreateExpressGatewayService(t.Context(), in)
	w.check(err)
	w.cloud.Advance(time.Minute)
	if got := w.running("service:fast"); len(got) != 1 || got[0] != digest {
		t.Errorf("%q", got)
	}
	if in, reg, err := r.RegisterExpress(t.Context(), express(w.bad)); !errors.Is(err, ecsgate.ErrRefused) || in != nil ||
		reg.Definition != "" {
		t.Errorf("%+v, %v", in, err)
	}
	if _, _, err := r.RegisterExpress(t.Context(),
		&ecs.CreateExpressGatewayServiceInput{ServiceName: aws.String("fast"), TaskDefinitionArn: &reg.Definition}); !errors.Is(
		err,
		ecsgate.ErrProposal,
	) {
		t.Errorf("%v", err)
	}
}

// The function that is called with a proposal.
func TestRegistrarHandle(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	repo, err := registry.Open(w.signed, nil)
	w.check(err)
	tag := repo.Name() + ":v1"
	for name, c := range map[string]struct{ event, want string }{
		"good": {`{"taskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"` + tag + `"}]}}`,
			`"images":{"app":"` + w.signed + `"}`},
		"daemon": {`{"daemonTaskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"` + tag + `"}]}}`,
			"daemon-task-definition/gated-web:1"},
		"express": {`{"express":{"serviceName":"fast","executionRoleArn":"arn:e","infrastructureRoleArn":"arn:i",` +
			`"primaryContainer":{"image":"` + tag + `"}}}`, "task-definition/gated-fast:1"},
		"bad": {`{"taskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"` + w.bad + `"}]}}`,
			`"refused":"container app: no image signature`},
		"twice": {`{"taskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"` + tag + `","IMAGE":"` + w.bad +
			`"}]}}`, `"refused":"container app: `},
		"unknown": {`{"taskDefinition":{"family":"web","taskDefinitionArn":"arn:a","containerDefinitions":[]}}`,
			"ERROR taskDefinitionArn"},
		"new in ECS": {`{"taskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"` + tag +
			`","sidecarImage":"evil"}]}}`, "ERROR sidecarImage"},
		"two":         {`{"taskDefinition":{},"express":{}}`, "ERROR one of them"},
		"nothing":     {`{}`, "ERROR one of them"},
		"no JSON":     {`x`, "ERROR invalid character"},
		"and more":    {`{"taskDefinition":{}}{}`, "ERROR something follows"},
		"no contents": {`{"taskDefinition":null}`, "ERROR"},
	} {
		answer, err := r.Handle(t.Context(), json.RawMessage(c.event))
		got := string(answer)
		if err != nil {
			got = "ERROR " + err.Error()
			if !errors.Is(err, ecsgate.ErrProposal) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, part := range strings.Split(c.want, " ") {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %s, without %q", name, got, c.want)
				break
			}
		}
	}
}
