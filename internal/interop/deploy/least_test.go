package deploy

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/internal/iamjudge"
	"github.com/ladingdev/lading/policy/ecsgate/iam"
)

// calls are the APIs that an interface of a package asks for, such as ecs:StopTask: the interface's methods whose second argument is an
// input of the AWS SDK. What it embeds counts.
func calls(t *testing.T, dir, name string) []string {
	t.Helper()
	pkgs, err := parser.ParseDir(token.NewFileSet(), filepath.Join("..", "..", "..", dir),
		func(f os.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	interfaces := map[string]*ast.InterfaceType{}
	for _, p := range pkgs {
		ast.Inspect(p, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if i, ok := spec.Type.(*ast.InterfaceType); ok {
					interfaces[spec.Name.Name] = i
				}
			}
			return true
		})
	}
	var out []string
	var walk func(name string)
	walk = func(name string) {
		i, ok := interfaces[name]
		if !ok {
			t.Fatalf("%s has no interface %s", dir, name)
		}
		for _, m := range i.Methods.List {
			f, ok := m.Type.(*ast.FuncType)
			if !ok {
				walk(m.Type.(*ast.Ident).Name)
				continue
			}
			for _, p := range f.Params.List {
				if star, ok := p.Type.(*ast.StarExpr); ok {
					if input, ok := star.X.(*ast.SelectorExpr); ok {
						out = append(out, input.X.(*ast.Ident).Name+":"+m.Names[0].Name)
					}
				}
			}
		}
	}
	walk(name)
	if len(out) == 0 {
		t.Fatalf("%s.%s calls nothing", dir, name)
	}
	return out
}

// A door is a function and what its code calls: interfaces that the packages have, and what they say of themselves.
type door struct {
	function   string
	interfaces [][2]string // package and interface
	more       []string    // what no interface shows, each with its reason
}

// What no interface shows: pulls of manifests and blobs (Amazon ECR user guide, "Repository policy examples"), AWS Signer's answer on
// revocation, and what AWS Lambda does as the function's role.
var (
	looks    = [][2]string{{"policy/ecsgate", "Client"}}
	evidence = [][2]string{{"registry/ecr", "Client"}}
	pulls    = []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "signer:GetRevocationStatus"}
	logs     = []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	dead     = []string{"sqs:SendMessage"}
)

var doors = []door{
	{"lading-hook", slices.Concat(looks, evidence), slices.Concat(pulls, logs)},
	{"lading-pauses", slices.Concat(looks, evidence, [][2]string{{"policy/ecsgate", "Continuer"}}), slices.Concat(pulls, logs, dead)},
	{"lading-task-events", slices.Concat(looks, evidence, [][2]string{{"policy/ecsgate", "TaskClient"}, {"policy/ecsgate", "ServiceClient"},
		{"policy/ecsgate", "ExpressClient"}, {"policy/ecsgate", "DaemonReader"}, {"policy/ecsgate", "DaemonClient"}}),
		slices.Concat(pulls, logs, dead)},
	// It labels and names roles in the calls that register, which ECS asks for by these names.
	{"lading-registrar", slices.Concat(evidence, [][2]string{{"policy/ecsgate", "RegistrarClient"}}),
		slices.Concat(pulls, logs, []string{"ecs:TagResource", "iam:PassRole"})},
}

// Every API that a function calls is allowed to its role, on the resources that it names, and nothing else is.
func TestLeastPrivilege(t *testing.T) {
	made := readTemplate(t, filepath.Join(folder, "gate.yaml")).model(t)
	for _, d := range doors {
		want := slices.Clone(d.more)
		for _, i := range d.interfaces {
			want = append(want, calls(t, i[0], i[1])...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		policy := policyOf(t, made, d.function)
		got := policy.Allows()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s calls (-) and may call (+):\n%s", d.function, diff)
		}
		for _, action := range want {
			for _, r := range resourcesOf(t, action, d.function) {
				verdict, err := iamjudge.Decide(&iamjudge.Request{Principal: arn("aws_iam_role", d.function), Action: action,
					Resources: []string{r},
					Context: map[string][]string{"ecs:CreateAction": {"RegisterTaskDefinition"},
						"iam:PassedToService": {"ecs-tasks.amazonaws.com"}}},
					&iamjudge.Policies{Identity: []*iamjudge.Document{policy}})
				if err != nil || !verdict.Allowed {
					t.Errorf("%s may not call %s on %s: %+v, %v", d.function, action, r, verdict, err)
				}
			}
		}
		// The policy says on which resources; only calls that name none are allowed on all.
		for _, s := range statements(t, made, d.function) {
			if s["Resource"] != "*" {
				continue
			}
			for _, action := range list(s["Action"]) {
				if a := iamjudge.Actions(action)[action]; len(a.Resources) > 0 {
					t.Errorf("%s: %s names %v and is allowed on all", d.function, action, a.Resources)
				}
			}
		}
	}
}

func role(made map[string]any, name string) map[string]any {
	r, _ := made["role "+name].(map[string]any)
	return r
}

func policyOf(t *testing.T, made map[string]any, name string) *iamjudge.Document {
	t.Helper()
	doc := map[string]any{"Version": "2012-10-17", "Statement": []any{}}
	for _, s := range statements(t, made, name) {
		doc["Statement"] = append(doc["Statement"].([]any), s)
	}
	return parsed(t, doc)
}

func parsed(t *testing.T, doc map[string]any) *iamjudge.Document {
	t.Helper()
	if _, ok := doc["Statement"].([]any); !ok {
		doc = map[string]any{"Version": doc["Version"], "Statement": []any{doc["Statement"]}}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	d, err := iamjudge.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func statements(t *testing.T, made map[string]any, name string) (out []map[string]any) {
	t.Helper()
	policy, ok := role(made, name)["Policy"].(map[string]any)
	if !ok {
		t.Fatalf("the role %s has no policy", name)
	}
	all, ok := policy["Statement"].([]any)
	if !ok {
		all = []any{policy["Statement"]}
	}
	for _, s := range all {
		out = append(out, s.(map[string]any))
	}
	return out
}

func list(v any) (out []string) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	for _, e := range values {
		out = append(out, e.(string))
	}
	return out
}

// resourcesOf are examples of what a call names.
func resourcesOf(t *testing.T, action, function string) []string {
	a, ok := iamjudge.Actions(action)[action]
	if !ok {
		t.Errorf("there is no action %s", action)
	}
	if len(a.Resources) == 0 {
		return []string{"*"}
	}
	ecs := "arn:aws:ecs:" + region + ":" + account + ":"
	examples := map[string]string{
		"ecs:service": ecs + "service/production/web", "ecs:service-deployment": ecs + "service-deployment/production/web/1",
		"ecs:service-revision": ecs + "service-revision/production/web/1", "ecs:task": ecs + "task/production/1",
		"ecs:task-set":               ecs + "task-set/production/web/1",
		"ecs:task-definition":        ecs + "task-definition/gated-web:*",
		"ecs:daemon-task-definition": ecs + "daemon-task-definition/gated-agent:*",
		"ecs:daemon":                 ecs + "daemon/production/agent", "ecs:daemon-revision": ecs + "daemon-revision/production/agent/1",
		"ecs:daemon-deployment": ecs + "daemon-deployment/production/agent/1", "ecs:cluster": ecs + "cluster/production",
		"ecr:repository":         "arn:aws:ecr:us-east-1:" + account + ":repository/shop/web",
		"iam:role":               "arn:aws:iam::" + account + ":role/task-web",
		"signer:signing-profile": profile, "signer:signing-job": "arn:aws:signer:" + region + ":" + account + ":/signing-jobs/1",
		"sqs:queue":       "arn:aws:sqs:" + region + ":" + account + ":lading-unhandled",
		"logs:log-group":  "arn:aws:logs:" + region + ":" + account + ":log-group:/aws/lambda/" + function + ":*",
		"logs:log-stream": "arn:aws:logs:" + region + ":" + account + ":log-group:/aws/lambda/" + function + ":log-stream:2026/11/29/1",
	}
	if action == "ecs:TagResource" { // what the registrar makes, of all that can have tags
		return []string{examples["ecs:task-definition"], examples["ecs:daemon-task-definition"]}
	}
	service, _, _ := strings.Cut(action, ":")
	var out []string
	for _, r := range a.Resources {
		example, ok := examples[service+":"+r]
		if !ok {
			t.Errorf("%s names a %s, of which there is no example", action, r)
		}
		out = append(out, example)
	}
	return out
}

// The roles are assumed by the services that need them, and by nobody else; ECS only for this account.
func TestTrust(t *testing.T) {
	made := readTemplate(t, filepath.Join(folder, "gate.yaml")).model(t)
	for name, service := range map[string]string{"lading-hook": "lambda.amazonaws.com", "lading-task-events": "lambda.amazonaws.com",
		"lading-pauses":    "lambda.amazonaws.com",
		"lading-registrar": "lambda.amazonaws.com", "lading-hook-invoker": "ecs.amazonaws.com"} {
		trust := parsed(t, role(made, name)["Trust"].(map[string]any))
		for _, who := range []string{"lambda.amazonaws.com", "ecs.amazonaws.com", "ecs-tasks.amazonaws.com", "events.amazonaws.com"} {
			for _, from := range []string{account, "444455556666"} {
				got, err := iamjudge.Decide(&iamjudge.Request{Service: who, Action: "sts:AssumeRole",
					Context: map[string][]string{"aws:SourceAccount": {from}}},
					&iamjudge.Policies{Resource: trust})
				if want := who == service && (from == account || who == "lambda.amazonaws.com"); err != nil || got.Allowed != want {
					t.Errorf("%s by %s for %s: %+v, %v", name, who, from, got, err)
				}
			}
		}
	}
	invoke := policyOf(t, made, "lading-hook-invoker")
	if got := invoke.Allows(); !slices.Equal(got, []string{"lambda:InvokeFunction"}) {
		t.Errorf("ECS may %v", got)
	}
	for function, want := range map[string]bool{"lading-hook": true, "lading-registrar": false, "lading-hook2": false} {
		got, err := iamjudge.Decide(&iamjudge.Request{Principal: arn("aws_iam_role", "lading-hook-invoker"),
			Action:    "lambda:InvokeFunction",
			Resources: []string{arn("aws_lambda_function", function)}}, &iamjudge.Policies{Identity: []*iamjudge.Document{invoke}})
		if err != nil || got.Allowed != want {
			t.Errorf("ECS invokes %s: %+v, %v", function, got, err)
		}
	}
}

// The registrar's role is what package iam writes, and what it may read of AWS Signer beside.
func TestRegistrarIsThatOfTheGuard(t *testing.T) {
	guard := &iam.Guard{Account: account, Family: "gated-", Registrar: arn("aws_iam_role", "lading-registrar"),
		TaskEvents: arn("aws_iam_role", "lading-task-events"),
		TaskRoles:  []string{"arn:aws:iam::" + account + ":role/task-*"}}
	documents, err := guard.Documents()
	if err != nil {
		t.Fatal(err)
	}
	made := readTemplate(t, filepath.Join(folder, "gate.yaml")).model(t)
	for _, d := range documents {
		switch d.Name {
		case "registrar":
			want := parsed(t, document(t, string(d.JSON()))).Allows()
			want = append(want, "signer:GetRevocationStatus")
			got := policyOf(t, made, "lading-registrar").Allows()
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the guard's (-) and the template's (+):\n%s", diff)
			}
		case "trust":
			if diff := cmp.Diff(canonical(document(t, string(d.JSON()))), role(made, "lading-registrar")["Trust"]); diff != "" {
				t.Errorf("the guard's (-) and the template's (+):\n%s", diff)
			}
		}
	}
}

// What attaches the hook is what the SDK's call takes, and never fails open.
func TestAttachHook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(folder, "attach-hook.json"))
	if err != nil {
		t.Fatal(err)
	}
	// The command line takes the API's names, whose first letter is small.
	if upper := regexp.MustCompile(`"[A-Z]\w*":`).FindAll(text, -1); upper != nil {
		t.Errorf("%s", upper)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	var in ecs.UpdateServiceInput
	if err := dec.Decode(&in); err != nil {
		t.Fatal(err)
	}
	if in.DeploymentConfiguration == nil || len(in.DeploymentConfiguration.LifecycleHooks) != 1 ||
		!slices.Contains(in.DeploymentConfiguration.Strategy.Values(), in.DeploymentConfiguration.Strategy) {
		t.Fatalf("%+v", in.DeploymentConfiguration)
	}
	h := in.DeploymentConfiguration.LifecycleHooks[0]
	if h.TargetType != types.DeploymentLifecycleHookTargetTypeAwsLambda || *h.HookTargetArn != arn("aws_lambda_function", "lading-hook") ||
		*h.RoleArn != arn("aws_iam_role", "lading-hook-invoker") {
		t.Errorf("%+v", h)
	}
	if h.TimeoutConfiguration == nil || h.TimeoutConfiguration.Action != types.DeploymentLifecycleHookActionRollback ||
		*h.TimeoutConfiguration.TimeoutInMinutes > 1440 {
		t.Errorf("the timeout is %+v", h.TimeoutConfiguration)
	}
	if !slices.Contains(h.LifecycleStages, types.DeploymentLifecycleHookStagePreScaleUp) {
		t.Errorf("%v", h.LifecycleStages)
	}
	for _, s := range h.LifecycleStages {
		if !slices.Contains(s.Values(), s) {
			t.Errorf("there is no stage %s", s)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?i)["']?action["']?\s*[:=]\s*["']?CONTINUE`).Match(text) {
			t.Errorf("%s lets a hook fail open", f)
		}
	}
}

// Parameters and variables that the pages name are there, and the functions read every variable that they are given.
func TestNames(t *testing.T) {
	c, m := readTemplate(t, filepath.Join(folder, "gate.yaml")), readModule(t)
	variables := m.ctx.Variables["var"].Type().AttributeTypes()
	for _, page := range []string{"README.md", "../README.md"} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`-var '?(\w+)=`).FindAllStringSubmatch(string(text), -1) {
			if _, ok := variables[name[1]]; !ok {
				t.Errorf("%s: there is no variable %s", page, name[1])
			}
		}
		for _, line := range regexp.MustCompile(`--parameter-overrides (.*)`).FindAllStringSubmatch(string(text), -1) {
			for _, name := range regexp.MustCompile(`(\w+)=`).FindAllStringSubmatch(line[1], -1) {
				if c.all["Parameters"].(map[string]any)[name[1]] == nil {
					t.Errorf("%s: there is no parameter %s", page, name[1])
				}
			}
		}
	}
	read := map[string]bool{"GOGC": true} // Go's own
	for _, file := range []string{"../lambda/main.go", "../internal/doors/doors.go"} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`[gG]etenv\("(\w+)"\)`).FindAllStringSubmatch(string(text), -1) {
			read[name[1]] = true
		}
	}
	for name, part := range c.model(t) {
		function, ok := part.(map[string]any)
		if !strings.HasPrefix(name, "function ") || !ok {
			continue
		}
		for variable := range function["Environment"].(map[string]any) {
			if !read[variable] {
				t.Errorf("%s is given %s, which it does not read", name, variable)
			}
		}
	}
}
