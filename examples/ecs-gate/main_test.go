package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/examples/ecs-gate/internal/doors"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign/awssigner"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ecs-gate": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

const region = "eu-west-1"

// A place is an account in which two tasks of a signed image run, in the service web of the cluster production.
type place struct {
	*workshop
	profile string
}

func newPlace(t *testing.T) *place {
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	cloud := awstest.Start(t, &awstest.Options{Region: region, Digest: pulled})
	p := &place{workshop: &workshop{cloud: cloud, client: ecs.NewFromConfig(cloud.Config()), repository: server.Host() + "/shop/web"}}
	p.profile, _ = cloud.CreateProfile(awstest.Profile{Name: "release"})
	var err error
	if p.notary, err = awssigner.New(signer.NewFromConfig(cloud.Config()), p.profile); err != nil {
		t.Fatal(err)
	}
	for content, image := range map[string]*string{"web": &p.signed, "something else": &p.bad} {
		if *image, err = p.push(t.Context(), content, content == "web"); err != nil {
			t.Fatal(err)
		}
	}
	definition, err := p.define(t.Context(), "web", p.signed)
	if err != nil {
		t.Fatal(err)
	}
	cloud.ECS.PutCluster("production")
	if _, err := p.client.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("production"), ServiceName: aws.String("web"), TaskDefinition: &definition, DesiredCount: aws.Int32(2)}); err !=
		nil {
		t.Fatal(err)
	}
	cloud.ECS.Advance(time.Minute)
	return p
}

// The scripts in testdata run the program as a person does. The AWS in the environment is local, and so AWS Signer's root is not AWS's own.
func TestECSGate(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			p := newPlace(t)
			id, secret := p.cloud.Credentials()
			for name, value := range map[string]string{
				"HOME": filepath.Join(e.WorkDir, "home"), "PROFILE": p.profile, "AWS_ENDPOINT_URL": p.cloud.URL(), "AWS_ACCESS_KEY_ID": id,
				"AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true",
			} {
				e.Setenv(name, value)
			}
			proposal := fmt.Sprintf(`{"family":"web","containerDefinitions":[{"name":"app","image":%q}]}`, p.signed)
			odd := strings.Replace(proposal, `"name"`, `"sidecarImage":"x","name"`, 1)
			return errorsJoin(os.WriteFile(filepath.Join(e.WorkDir, "task.json"), []byte(proposal), 0o600),
				os.WriteFile(filepath.Join(e.WorkDir, "odd.json"), []byte(odd), 0o600))
		},
	})
}

func errorsJoin(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// commands returns the lines of README.md that are typed.
func commands(t *testing.T) (list []string) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	fenced := false
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		command, _, _ := strings.Cut(line, "  #")
		if fenced && command != "" {
			list = append(list, strings.TrimSpace(command))
		}
	}
	return list
}

// words splits a command as a shell does, as far as README.md needs it.
var word = regexp.MustCompile(`'[^']*'|\S+`)

func words(command string) (list []string) {
	for _, w := range word.FindAllString(command, -1) {
		list = append(list, strings.Trim(w, "'"))
	}
	return list
}

// Every command on ECS in README.md is one that ECS takes: its flags are made the request that the AWS CLI sends, which must be of the
// operation's own members, and the stand-in answers it. The registrar's is answered by the registrar, and the parameters of the
// deployment are the template's. What else is typed there (S3, logs, organizations) is not tried.
func TestReadme(t *testing.T) {
	p := newPlace(t)
	settings := &doors.Settings{Profiles: []string{p.profile}, StopIn: []string{"production"}, Family: "gated-"}
	v := settings.Verifier(p.cloud.Config())
	v.SigningAuthority, v.AWSRoots = append(v.SigningAuthority[:0:0], p.cloud.Root()), append(v.SigningAuthority[:0:0], p.cloud.Root())
	checker, err := settings.Checker(p.cloud.Config(), v)
	if err != nil {
		t.Fatal(err)
	}
	hook, tasks := settings.Hook(p.client, checker), settings.Tasks(p.client, checker)
	p.cloud.ECS.Function("arn:aws:lambda:eu-west-1:111122223333:function:lading-hook", hook.Handle)
	p.cloud.ECS.Subscribe(tasks.Handle)
	if _, err := p.define(t.Context(), "unsigned", p.bad); err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	for _, command := range commands(t) {
		switch w := words(command); {
		case strings.HasPrefix(command, "aws ecs "):
			done[w[2]]++
			p.typed(t, w[2], w[3:])
			p.cloud.ECS.Advance(5 * time.Minute)
		case strings.HasPrefix(command, "aws lambda invoke "):
			done["invoke"]++
			text := strings.ReplaceAll(w[slices.Index(w, "--payload")+1], "IMAGE", p.repository+":v1")
			answer, err := settings.Registrar(p.client, checker).Handle(t.Context(), json.RawMessage(text))
			if err != nil || !strings.Contains(string(answer), "task-definition/gated-web:") ||
				!strings.Contains(string(answer), p.signed) {
				t.Errorf("%s: %s, %v", command, answer, err)
			}
		case strings.HasPrefix(command, "aws cloudformation deploy "):
			done["deploy"]++
			parameters(t, w)
		}
	}
	for name, n := range map[string]int{"update-service": 3, "run-task": 1, "describe-tasks": 1, "invoke": 1, "deploy": 4} {
		if done[name] < n {
			t.Errorf("README.md has %s %d times", name, done[name])
		}
	}
	for _, task := range p.cloud.ECS.Tasks() {
		if *task.Containers[0].Image == p.bad && *task.LastStatus != "STOPPED" {
			t.Error("the unsigned task runs")
		}
	}
}

// typed sends what the AWS CLI would of a command's flags.
func (p *place) typed(t *testing.T, operation string, args []string) {
	t.Helper()
	members := map[string]any{}
	for i := 0; i < len(args); i++ {
		name, ok := strings.CutPrefix(args[i], "--")
		if !ok {
			t.Fatalf("%s: %q is no flag", operation, args[i])
		}
		var values []string
		for i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
			i++
			values = append(values, args[i])
		}
		switch {
		case name == "query" || name == "output":
		case name == "cli-input-json":
			text, err := os.ReadFile(strings.TrimPrefix(values[0], "file://"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &members); err != nil {
				t.Fatal(err)
			}
		case len(values) == 0:
			members[camel(name, false)] = true
		case name == "tasks":
			members["tasks"] = p.taskOf(values)
		default:
			members[camel(name, false)] = value(values[0])
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	known(t, operation, body)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.cloud.URL()+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+camel(operation, true))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	id, secret := p.cloud.Credentials()
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), "ecs", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil || out.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s, %v", operation, body, text, err)
	}
}

// taskOf puts the last task in the place of TASK.
func (p *place) taskOf(values []string) []string {
	all := p.cloud.ECS.Tasks()
	for i, v := range values {
		if v == "TASK" {
			values[i] = *all[len(all)-1].TaskArn
		}
	}
	return values
}

func value(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	var v any
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

// camel makes updateService, or UpdateService, of update-service.
func camel(name string, first bool) string {
	parts := strings.Split(name, "-")
	for i, part := range parts {
		if i > 0 || first {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// known demands that ECS has each member.
func known(t *testing.T, operation string, body []byte) {
	t.Helper()
	in := map[string]any{
		"update-service": new(ecs.UpdateServiceInput), "run-task": new(ecs.RunTaskInput), "describe-tasks": new(ecs.DescribeTasksInput),
		"describe-services": new(ecs.DescribeServicesInput), "register-task-definition": new(ecs.RegisterTaskDefinitionInput),
	}[operation]
	if in == nil {
		t.Fatalf("the test does not know %s", operation)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		t.Errorf("%s %s: %v", operation, body, err)
	}
}

// parameters demands that the template has what is given.
func parameters(t *testing.T, w []string) {
	t.Helper()
	text, err := os.ReadFile(w[slices.Index(w, "--template-file")+1])
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			AllowedValues []string `yaml:"AllowedValues"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	i := slices.Index(w, "--parameter-overrides")
	for _, override := range w[i+1:] {
		name, given, ok := strings.Cut(override, "=")
		parameter, there := template.Parameters[name]
		if !ok || !there || len(parameter.AllowedValues) > 0 && !slices.Contains(parameter.AllowedValues, given) {
			t.Errorf("%s is no parameter of the template, or no value of it", override)
		}
	}
}
