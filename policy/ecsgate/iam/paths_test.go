package iam

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/iamjudge"
	"github.com/ladingdev/lading/internal/iamtable"
	"github.com/ladingdev/lading/internal/regress"
)

const (
	region  = "arn:aws:ecs:eu-west-1:111122223333:"
	gated   = region + "task-definition/gated-web:7"
	other   = region + "task-definition/web:7"
	lookout = region + "task-definition/not-gated-web:7"
	abroad  = "arn:aws:ecs:eu-west-1:444455556666:task-definition/gated-web:7"
	daemon  = region + "daemon-task-definition/gated-agent:1"
	cluster = region + "cluster/production"
	service = region + "service/production/web"
)

func roleARN(name string) string { return "arn:aws:iam::111122223333:role/" + name }

func guard() *Guard {
	return &Guard{
		Account: "111122223333", Family: "gated-", Registrar: roleARN("lading-registrar"), TaskEvents: roleARN("lading-task-events"),
		Pauses: roleARN("lading-pauses"),
		Admins: []string{roleARN("platform")}, BreakGlass: []string{roleARN("oncall")}, Hosts: []string{roleARN("ecsInstanceRole")},
		TaskRoles:   []string{roleARN("task/*")},
		BatchImages: []string{"111122223333.dkr.ecr.eu-west-1.amazonaws.com/released/*@sha256:*"},
	}
}

// call is a request by a role with identity policies of its own: "deployer" and "registrar" have what the guard writes, everybody else
// may do everything that nothing denies.
type call struct {
	who, action string
	resources   []string
	keys        map[string]string // values; a list is separated by commas
	by          string            // the statement that denies it; "" means that it is allowed
}

func (c call) context() map[string][]string {
	keys := map[string][]string{"aws:PrincipalAccount": {"111122223333"}}
	for k, v := range c.keys {
		keys[k] = strings.Split(v, ",")
	}
	return keys
}

func runs(definition string) map[string]string {
	return map[string]string{"ecs:cluster": cluster, "ecs:task-definition": definition}
}

func in(more ...string) map[string]string {
	keys := map[string]string{"ecs:cluster": cluster}
	for i := 0; i < len(more); i += 2 {
		keys[more[i]] = more[i+1]
	}
	return keys
}

// paths are the ways in which a container starts on ECS, or comes to run something else. Each has calls by who may and by who may not;
// those that no principal calls have the control that remains, and a test of it.
var paths = []struct {
	path    string
	calls   []call
	control string // hook, node gate, tag immutability...
	test    string // file and function, from the root of the module
}{
	{path: "1 service, blue/green, linear, canary", calls: []call{
		{"deployer", "ecs:CreateService", []string{service}, runs(gated), ""},
		{"deployer", "ecs:UpdateService", []string{service}, runs(gated), ""},
		{"developer", "ecs:CreateService", []string{service}, runs(other), "CreateGated"},
		{"developer", "ecs:CreateService", []string{service}, runs(lookout), "CreateGated"},
		{"developer", "ecs:CreateService", []string{service}, runs(abroad), "CreateGated"},
		{"developer", "ecs:CreateService", []string{service}, runs("gated-web:7"), "CreateGated"}, // no ARN: refused rather than guessed at
		{"developer", "ecs:UpdateService", []string{service}, runs(other), "UpdateGated"},
		{"deployer", "ecs:UpdateService", []string{service}, runs(other), "UpdateGated"},
	}},
	{path: "2 service, rolling", calls: []call{
		{"deployer", "ecs:UpdateService", []string{service}, in("ecs:task-definition", gated, "aws:ResourceTag/lading-gate", "yes"), ""},
		{"developer", "ecs:UpdateService", []string{service}, in("ecs:task-definition", other, "aws:ResourceTag/lading-gate", "yes"),
			"UpdateGated"},
		{"task-events", "ecs:UpdateService", []string{service}, runs(other), ""}, // back to a revision of before
		{"task-events", "ecs:UpdateService", []string{service}, in(), ""},        // to no tasks
		{"pauses", "ecs:ContinueServiceDeployment", []string{service}, in(), ""},
		{"developer", "ecs:ContinueServiceDeployment", []string{service}, in(), "AnswerPauses"},
	}},
	{path: "3 forced deployment", calls: []call{
		{"deployer", "ecs:UpdateService", []string{service}, in("aws:ResourceTag/lading-gate", "yes"), ""},
		{"developer", "ecs:UpdateService", []string{service}, in(), "RestartGated"}, // of before the gate
		{"developer", "ecs:UpdateService", []string{service}, in("aws:ResourceTag/team", "web"), "RestartGated"},
		{"developer", "ecs:TagResource", []string{service}, in("aws:TagKeys", "team,Lading-Gate"), "MarkAtCreation"},
		{"developer", "ecs:TagResource", []string{service}, in("aws:TagKeys", "lading-gate", "ecs:CreateAction", "RunTask"),
			"MarkAtCreation"},
		{"deployer", "ecs:TagResource", []string{service}, in("aws:TagKeys", "lading-gate", "ecs:CreateAction", "CreateService"), ""},
		{"developer", "ecs:TagResource", []string{service}, in("aws:TagKeys", "team"), ""},
		{"developer", "ecs:UntagResource", []string{service}, in("aws:TagKeys", "lading-gate"), "KeepMark"},
	}},
	{path: "4 scale-out and replacement of tasks",
		control: "definitions of the registrar name images by digest; task events judge what each new task runs",
		test:    "policy/ecsgate/tasks_test.go TestAttacks"},
	{path: "5 rollback to an old revision", control: "the hook, which decided when that revision came, and never blocks a rollback",
		test: "policy/ecsgate/hook_test.go TestRollback"},
	{path: "6 version consistency off, or a host's image cache",
		control: "the hook refuses such a tag, and the registrar sets version consistency",
		test:    "policy/ecsgate/stages_test.go TestRemembered"},
	{path: "7 CodeDeploy", calls: []call{
		{"codedeploy", "ecs:CreateTaskSet", []string{region + "task-set/production/web/1"}, runs(gated), ""},
		{"codedeploy", "ecs:CreateTaskSet", []string{region + "task-set/production/web/1"}, runs(other), "CreateGated"},
	}},
	{path: "8 external controller", calls: []call{
		{"deployer", "ecs:CreateTaskSet", []string{region + "task-set/production/web/1"}, runs(gated), ""},
		{"deployer", "ecs:UpdateServicePrimaryTaskSet", []string{service}, in(), ""},
		{"developer", "ecs:CreateTaskSet", []string{region + "task-set/production/web/1"}, runs(other), "CreateGated"},
		{"developer", "ecs:CreateTaskSet", []string{region + "task-set/production/web/1"}, in(), "CreateGated"},
		{"developer", "ecs:CreateService", []string{service}, in(), "CreateGated"},
	}},
	{path: "9 RunTask", calls: []call{
		{"deployer", "ecs:RunTask", []string{gated}, in(), ""},
		{"developer", "ecs:RunTask", []string{gated}, in(), ""},
		{"developer", "ecs:RunTask", []string{other}, in(), "RunGated"},
		{"developer", "ecs:RunTask", []string{lookout}, in(), "RunGated"},
		{"deployer", "ecs:RunTask", []string{other}, nil, "RunGated"},
	}},
	{path: "10 StartTask", calls: []call{
		{"deployer", "ecs:StartTask", []string{gated}, in(), ""},
		{"developer", "ecs:StartTask", []string{other}, in("ecs:container-instances", region+"container-instance/production/1"),
			"RunGated"},
	}},
	{path: "11 schedules, rules, pipes, state machines", calls: []call{
		{"scheduler", "ecs:RunTask", []string{gated}, in(), ""},
		{"scheduler", "ecs:RunTask", []string{other}, in(), "RunGated"},
		{"developer", "iam:PassRole", []string{roleARN("lading-registrar")},
			map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
			"KeepGate"},
	}},
	{path: "12 AWS Batch", calls: []call{
		{"deployer", "batch:RegisterJobDefinition", []string{"arn:aws:batch:eu-west-1:111122223333:job-definition/report"},
			map[string]string{"batch:Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/released/report@sha256:1111"}, ""},
		{"developer", "batch:RegisterJobDefinition", []string{"arn:aws:batch:eu-west-1:111122223333:job-definition/report"},
			map[string]string{"batch:Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/released/report:v1"}, "BatchReleased"},
		{"developer", "batch:RegisterJobDefinition", []string{"arn:aws:batch:eu-west-1:111122223333:job-definition/report"},
			map[string]string{"batch:Image": "evil.example/released/report@sha256:1111"}, "BatchReleased"},
		{"developer", "batch:RegisterJobDefinition", []string{"arn:aws:batch:eu-west-1:111122223333:job-definition/report"}, nil,
			"BatchReleased"},
	}},
	{path: "13 Express services", calls: []call{
		{"deployer", "ecs:CreateExpressGatewayService", []string{service}, runs(gated), ""},
		{"deployer", "ecs:UpdateExpressGatewayService", []string{service}, runs(gated), ""},
		{"developer", "ecs:CreateExpressGatewayService", []string{service}, in(), "CreateGated"}, // with an image of the caller's
		{"developer", "ecs:CreateExpressGatewayService", []string{service}, runs(other), "CreateGated"},
		{"task-events", "ecs:UpdateExpressGatewayService", []string{service}, runs(other), ""}, // back to that of before
		{"developer", "ecs:UpdateExpressGatewayService", []string{service}, in("aws:ResourceTag/lading-gate", "yes"), "CreateGated"},
	}},
	{path: "14 daemons", calls: []call{
		{"deployer", "ecs:CreateDaemon", []string{region + "daemon/production/agent"}, in("ecs:daemon-task-definition", daemon), ""},
		{"deployer", "ecs:UpdateDaemon", []string{region + "daemon/production/agent"}, in("ecs:daemon-task-definition", daemon), ""},
		{"developer", "ecs:CreateDaemon", []string{region + "daemon/production/agent"},
			in("ecs:daemon-task-definition", region+"daemon-task-definition/agent:1"), "DaemonsGated"},
		{"developer", "ecs:UpdateDaemon", []string{region + "daemon/production/agent"}, in("ecs:daemon-task-definition", gated),
			"DaemonsGated"},
		{"developer", "ecs:UpdateDaemon", []string{region + "daemon/production/agent"}, in(), "DaemonsGated"},
		{"task-events", "ecs:UpdateDaemon", []string{region + "daemon/production/agent"},
			in("ecs:daemon-task-definition", region+"daemon-task-definition/agent:1"), ""}, // back to that of before
		{"developer", "ecs:RegisterDaemonTaskDefinition", []string{daemon}, nil, "RegisterByRegistrar"},
		{"registrar", "ecs:RegisterDaemonTaskDefinition", []string{daemon}, nil, ""},
	}},
	{path: "15 services on every host", calls: []call{
		{"deployer", "ecs:CreateService", []string{region + "service/production/agent"}, runs(gated), ""},
		{"developer", "ecs:CreateService", []string{region + "service/production/agent"}, runs(other), "CreateGated"},
	}},
	{path: "16 ECS Anywhere", calls: []call{
		{"ecsInstanceRole", "ecs:RegisterContainerInstance", []string{cluster}, nil, ""},
		{"developer", "ecs:RegisterContainerInstance", []string{cluster}, nil, "KnownHosts"},
		{"ecsInstanceRole", "ecs:SubmitTaskStateChange", []string{cluster}, nil, ""},
		{"developer", "ecs:SubmitTaskStateChange", []string{cluster}, nil, "KnownHosts"},
		{"developer", "ecs:SubmitContainerStateChange", []string{cluster}, nil, "KnownHosts"},
		{"deployer", "ecs:RunTask", []string{gated}, in(), ""},
		{"developer", "ecs:RunTask", []string{other}, in(), "RunGated"},
	}},
	{path: "17 a container that a host starts without ECS", control: "the node gate",
		test: "policy/nodegate/gate_test.go TestRun"},
	{path: "18 containers that AWS adds", control: "the hook: by account and name, or by the policy",
		test: "policy/ecsgate/stages_test.go TestInjected"},
	{path: "19 shell and overrides", calls: []call{
		{"oncall", "ecs:ExecuteCommand", []string{cluster, region + "task/production/1"}, in(), ""},
		{"oncall", "ssm:StartSession", []string{region + "task/production/1"}, nil, ""},
		{"developer", "ssm:StartSession", []string{region + "task/production/1"}, nil, "NoSession"},
		{"developer", "ssm:StartSession", []string{"arn:aws:ec2:eu-west-1:111122223333:instance/i-1"}, nil, ""},
		{"developer", "ecs:ExecuteCommand", []string{cluster, region + "task/production/1"}, in("ecs:container-name", "app"), "NoShell"},
	}},
	{path: "20 RegisterTaskDefinition", calls: []call{
		{"registrar", "ecs:RegisterTaskDefinition", []string{region + "task-definition/gated-web:*"}, nil, ""},
		{"registrar", "ecs:TagResource", []string{region + "task-definition/gated-web:*"},
			map[string]string{"ecs:CreateAction": "RegisterTaskDefinition", "aws:TagKeys": "decision"}, ""},
		{"registrar", "iam:PassRole", []string{roleARN("task/web")},
			map[string]string{"iam:PassedToService": "ecs-tasks.amazonaws.com"}, ""},
		{"registrar", "ecs:RegisterTaskDefinition", []string{region + "task-definition/web:*"}, nil, "no identity policy allows"},
		{"developer", "ecs:RegisterTaskDefinition", []string{region + "task-definition/gated-web:*"}, nil, "RegisterByRegistrar"},
		{"developer", "ecs:RegisterTaskDefinition", []string{region + "task-definition/web:*"}, nil, "RegisterByRegistrar"},
		{"platform", "ecs:RegisterTaskDefinition", []string{region + "task-definition/gated-web:*"}, nil, "RegisterByRegistrar"},
	}},
	{path: "21 a tag is moved", control: "immutable tags; the registrar writes digests, and the hook refuses a tag or compares what runs",
		test: "policy/ecsgate/hook_test.go TestRefused"},
}

// ask returns what stops a call, by both judges; "" means that nothing does.
func ask(t *testing.T, docs map[string][]byte, organization bool, c call) string {
	t.Helper()
	admin := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	set := iamtable.Set{Identity: [][]byte{admin}}
	role := c.who
	switch c.who {
	case "deployer":
		set.Identity[0] = docs["deployer"]
	case "registrar":
		set.Identity[0], role = docs["registrar"], "lading-registrar"
	case "task-events", "pauses":
		role = "lading-" + c.who
	}
	if organization {
		level := [][]byte{admin}
		for name, text := range docs {
			if strings.HasPrefix(name, "scp-") {
				level = append(level, text)
			}
		}
		set.SCP = [][][]byte{{admin}, level, {admin}}
	} else {
		set.Boundary = docs["boundary"]
	}
	var policies iamjudge.Policies
	for _, level := range set.SCP {
		var list []*iamjudge.Document
		for _, text := range level {
			list = append(list, parse(t, text))
		}
		policies.SCP = append(policies.SCP, list)
	}
	policies.Identity = []*iamjudge.Document{parse(t, set.Identity[0])}
	if set.Boundary != nil {
		policies.Boundary = parse(t, set.Boundary)
	}
	verdict, err := iamjudge.Decide(&iamjudge.Request{Principal: roleARN(role), Action: c.action, Resources: c.resources,
		Context: c.context()}, &policies)
	if err != nil {
		t.Fatal(err)
	}
	all := true
	for _, r := range c.resources {
		ok, err := iamtable.Ask(iamtable.Query{Who: roleARN(role), Action: c.action, Resource: r, Keys: c.context()}, set)
		if err != nil {
			t.Fatal(err)
		}
		all = all && ok
	}
	if all != verdict.Allowed {
		t.Errorf("the judges differ on %+v: %+v and %v", c, verdict, all)
	}
	if verdict.Allowed {
		return ""
	}
	return verdict.By
}

func parse(t *testing.T, text []byte) *iamjudge.Document {
	t.Helper()
	d, err := iamjudge.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func texts(t *testing.T, g *Guard) map[string][]byte {
	t.Helper()
	documents, err := g.Documents()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for _, d := range documents {
		out[d.Name] = d.JSON()
		if !json.Valid(out[d.Name]) {
			t.Errorf("%s is no JSON", d.Name)
		}
	}
	return out
}

// Of the 21 ways, 15 are calls: the policies let those pass who may, and stop the others, in an organization and in an account without.
func TestStartPaths(t *testing.T) {
	docs := texts(t, guard())
	called := 0
	for _, p := range paths {
		may, mayNot := 0, 0
		for _, c := range p.calls {
			for _, organization := range []bool{true, false} {
				if got := ask(t, docs, organization, c); got != c.by {
					t.Errorf("path %s, organization %v: %s %s %v %v is stopped by %q, want %q", p.path, organization, c.who, c.action,
						c.resources,
						c.keys, got, c.by)
				}
			}
			if c.by == "" {
				may++
			} else {
				mayNot++
			}
		}
		if len(p.calls) > 0 {
			called++
		}
		if (may > 0 && mayNot > 0) != (p.control == "") {
			t.Errorf("path %s: %d may, %d may not, and the control %q remains", p.path, may, mayNot, p.control)
		}
		if p.control != "" {
			exists(t, p.test)
		}
	}
	if called != 15 || len(paths) != 21 {
		t.Errorf("%d of %d paths are calls", called, len(paths))
	}
}

// The calls and their verdicts are kept for evaluators that are not Go: internal/interop/deploy asks one.
func TestKeptCalls(t *testing.T) {
	type kept struct {
		Path, Who, Action string
		Resources         []string
		Keys              map[string][]string
		Allowed           bool
	}
	var list []kept
	for _, p := range paths {
		for _, c := range p.calls {
			list = append(list, kept{p.path, c.who, c.action, c.resources, c.context(), c.by == ""})
		}
	}
	text, err := json.MarshalIndent(list, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	regress.File(t, filepath.Join("testdata", "calls.json"), string(text)+"\n")
}

// exists says whether a test is there: "file function".
func exists(t *testing.T, test string) {
	t.Helper()
	file, function, _ := strings.Cut(test, " ")
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "..", filepath.FromSlash(file)), nil, 0)
	if err != nil {
		t.Error(err)
		return
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == function {
			return
		}
	}
	t.Errorf("%s has no %s", file, function)
}

// The gate itself stays as its admins made it.
func TestKeepGate(t *testing.T) {
	docs := texts(t, guard())
	registrar, function, rule := roleARN("lading-registrar"), "arn:aws:lambda:eu-west-1:111122223333:function:lading-registrar",
		"arn:aws:events:eu-west-1:111122223333:rule/lading-task-events"
	boundary := "arn:aws:iam::111122223333:policy/lading-boundary"
	for _, c := range []call{
		{"developer", "iam:UpdateAssumeRolePolicy", []string{registrar}, nil, "KeepGate"},
		{"developer", "iam:PutRolePolicy", []string{registrar}, nil, "KeepGate"},
		{"developer", "iam:CreateRole", []string{registrar}, map[string]string{"iam:PermissionsBoundary": boundary}, "KeepGate"},
		{"developer", "sts:AssumeRole", []string{registrar}, nil, "KeepGate"},
		{"developer", "iam:GetRole", []string{registrar}, nil, ""},
		{"developer", "lambda:UpdateFunctionCode", []string{function}, nil, "KeepGate"},
		{"developer", "lambda:UpdateFunctionConfiguration", []string{function}, nil, "KeepGate"},
		{"developer", "lambda:InvokeFunction", []string{function}, nil, ""},
		{"deployer", "lambda:InvokeFunction", []string{function}, nil, ""},
		{"developer", "lambda:UpdateFunctionCode", []string{"arn:aws:lambda:eu-west-1:111122223333:function:shop"}, nil, ""},
		{"developer", "events:DisableRule", []string{rule}, nil, "KeepGate"},
		{"developer", "events:RemoveTargets", []string{rule}, nil, "KeepGate"},
		{"platform", "lambda:UpdateFunctionCode", []string{function}, nil, ""},
		{"platform", "iam:UpdateAssumeRolePolicy", []string{registrar}, nil, ""},
		{"registrar", "lambda:UpdateFunctionCode", []string{function}, nil, "KeepGate"},
		{"developer", "ecs:PutAccountSetting", []string{"*"}, map[string]string{"ecs:account-setting": "tagResourceAuthorization"},
			"KeepSettings"},
		{"developer", "ecs:PutAccountSettingDefault", []string{"*"}, map[string]string{"ecs:account-setting": "taskLongArnFormat"},
			"KeepSettings"},
		{"developer", "ecs:DeleteAccountSetting", []string{"*"}, map[string]string{"ecs:account-setting": "tagResourceAuthorization"},
			"KeepSettings"},
		{"developer", "ecs:PutAccountSetting", []string{"*"}, nil, "KeepSettings"},
		{"developer", "ecs:ListAccountSettings", []string{"*"}, nil, ""},
		{"platform", "ecs:PutAccountSettingDefault", []string{"*"},
			map[string]string{"ecs:account-setting": "tagResourceAuthorization"}, ""},
		{"deployer", "ecs:PutAccountSetting", []string{"*"}, map[string]string{"ecs:account-setting": "awsvpcTrunking"}, "KeepSettings"},
	} {
		for _, organization := range []bool{true, false} {
			if got := ask(t, docs, organization, c); got != c.by {
				t.Errorf("organization %v: %s %s is stopped by %q, want %q", organization, c.who, c.action, got, c.by)
			}
		}
	}
	for _, c := range []call{ // the boundary keeps itself
		{"developer", "iam:DeleteRolePermissionsBoundary", []string{roleARN("developer")}, nil, "KeepBoundary"},
		{"developer", "iam:PutRolePermissionsBoundary", []string{roleARN("developer")},
			map[string]string{"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/other"}, "SameBoundary"},
		{"developer", "iam:CreateRole", []string{roleARN("new")}, nil, "SameBoundary"},
		{"developer", "iam:CreateRole", []string{roleARN("new")}, map[string]string{"iam:PermissionsBoundary": boundary}, ""},
		{"developer", "iam:CreatePolicyVersion", []string{boundary}, nil, "SameText"},
		{"platform", "iam:CreatePolicyVersion", []string{boundary}, nil, ""},
	} {
		if got := ask(t, docs, false, c); got != c.by {
			t.Errorf("%s %s is stopped by %q, want %q", c.who, c.action, got, c.by)
		}
	}
}

// With clusters named, others are left alone, and a call that does not say its cluster is not.
func TestClusters(t *testing.T) {
	g := guard()
	g.Clusters = []string{cluster}
	docs := texts(t, g)
	sandbox := map[string]string{"ecs:cluster": region + "cluster/sandbox"}
	for _, c := range []call{
		{"developer", "ecs:RunTask", []string{other}, sandbox, ""},
		{"developer", "ecs:RunTask", []string{other}, in(), "RunGated"},
		{"developer", "ecs:RunTask", []string{other}, nil, "RunGated"},
		{"developer", "ecs:RegisterTaskDefinition", []string{region + "task-definition/web:*"}, nil, ""},
		{"developer", "ecs:RegisterTaskDefinition", []string{region + "task-definition/gated-web:*"}, nil, "RegisterByRegistrar"},
		{"developer", "ecs:RegisterDaemonTaskDefinition", []string{daemon}, nil, "RegisterByRegistrar"},
		{"developer", "ecs:ExecuteCommand", []string{region + "cluster/sandbox"}, sandbox, ""},
		{"developer", "ssm:StartSession", []string{region + "task/sandbox/1"}, nil, ""},
		{"developer", "ssm:StartSession", []string{region + "task/production/1"}, nil, "NoSession"},
		{"deployer", "ecs:RunTask", []string{gated}, in(), ""},
		{"deployer", "ecs:RunTask", []string{gated}, sandbox, "no identity policy allows"},
	} {
		for _, organization := range []bool{true, false} {
			if got := ask(t, docs, organization, c); got != c.by {
				t.Errorf("organization %v: %s %s %v is stopped by %q, want %q", organization, c.who, c.action, c.keys, got, c.by)
			}
		}
	}
}

// Only AWS Lambda becomes the registrar.
func TestTrust(t *testing.T) {
	trust := texts(t, guard())["trust"]
	for _, q := range []struct {
		who, service string
		want         bool
	}{{"", "lambda.amazonaws.com", true}, {"", "ecs-tasks.amazonaws.com", false}, {"", "", false}} {
		got, err := iamjudge.Decide(&iamjudge.Request{Principal: q.who, Service: q.service, Action: "sts:AssumeRole"},
			&iamjudge.Policies{Resource: parse(t, trust)})
		if err != nil || got.Allowed != q.want {
			t.Errorf("%q %q: %+v, %v", q.who, q.service, got, err)
		}
		second, err := iamtable.Ask(iamtable.Query{Who: q.who, Service: q.service, Action: "sts:AssumeRole", Resource: "*"},
			iamtable.Set{Resource: trust})
		if err != nil || second != q.want {
			t.Errorf("%q %q: the second judge says %v, %v", q.who, q.service, second, err)
		}
	}
}

// What service control policies do not reach, the package comment says: a service-linked role runs what it wants.
func TestServiceLinkedRoles(t *testing.T) {
	docs := texts(t, guard())
	admin := parse(t, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	for _, linked := range []bool{true, false} {
		v, err := iamjudge.Decide(&iamjudge.Request{Principal: roleARN("aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"),
			ServiceLinked: linked,
			Action:        "ecs:RunTask", Resources: []string{other}}, &iamjudge.Policies{SCP: [][]*iamjudge.Document{{admin, parse(t,
			docs["scp-1"])}}, Identity: []*iamjudge.Document{admin}})
		if err != nil || v.Allowed != linked {
			t.Errorf("service-linked %v: %+v, %v", linked, v, err)
		}
	}
	comment, err := os.ReadFile("doc.go")
	if err != nil || !strings.Contains(string(comment),
		"Service-linked roles and the organization's management account are under no service control policy") {
		t.Error("the package comment does not say so")
	}
}
