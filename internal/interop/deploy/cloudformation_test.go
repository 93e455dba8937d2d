package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-cloudformation/rain/cft/parse"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	folder    = "../../../examples/ecs-gate/deploy"
	account   = "111122223333"
	region    = "eu-west-1"
	partition = "aws"
	profile   = "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release"
)

// given are the parameters, and variables of the Terraform module, that have no default.
var given = map[string]string{"CodeBucket": "zips", "CodeKey": "gate.zip", "SigningProfiles": profile}

// schemas is the folder of CloudFormation's resource schemas that the module github.com/aws-cloudformation/rain brings.
func schemas(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws-cloudformation/rain").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "aws", "cfn", "schemas")
}

// A schema is one resource type's.
type schema struct {
	judge    *jsonschema.Schema
	readOnly []string // attributes, dotted
}

// skipped are patterns of schemas that are no regular expressions in Go, so that they are not checked.
var skipped = map[string]bool{}

type anything struct{ text string }

func (a anything) String() string          { return a.text }
func (a anything) MatchString(string) bool { return true }

func load(t *testing.T, dir, kind string) *schema {
	t.Helper()
	file := filepath.Join(append([]string{dir}, strings.Split(strings.ToLower(kind), "::")...)...) + ".json"
	f, err := os.Open(file)
	if err != nil {
		t.Fatalf("%s has no schema: %v", kind, err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	top := doc.(map[string]any)
	if top["typeName"] != kind {
		t.Fatalf("%s is the schema of %v", file, top["typeName"])
	}
	s := new(schema)
	readOnly, _ := top["readOnlyProperties"].([]any)
	for _, p := range readOnly {
		s.readOnly = append(s.readOnly, strings.ReplaceAll(strings.TrimPrefix(p.(string), "/properties/"), "/", "."))
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseRegexpEngine(func(text string) (jsonschema.Regexp, error) {
		if r, err := regexp.Compile(strings.ReplaceAll(text, `\Z`, `\z`)); err == nil {
			return r, nil
		}
		skipped[kind+" "+text] = true
		return anything{text}, nil
	})
	delete(top, "$schema") // CloudFormation's own dialect, a draft 7 with members about handlers
	if err := c.AddResource("schema.json", top); err != nil {
		t.Fatal(err)
	}
	if s.judge, err = c.Compile("schema.json"); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return s
}

// A template is a CloudFormation template whose functions are worked out.
type template struct {
	all       map[string]any
	resources map[string]map[string]any
	schemas   map[string]*schema // by type
	errs      []error
}

func readTemplate(t *testing.T, file string) *template {
	t.Helper()
	parsed, err := parse.File(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &template{all: parsed.Map(), resources: map[string]map[string]any{}, schemas: map[string]*schema{}}
	dir := schemas(t)
	for name, r := range c.all["Resources"].(map[string]any) {
		resource := r.(map[string]any)
		c.resources[name] = resource
		if kind := resource["Type"].(string); c.schemas[kind] == nil {
			c.schemas[kind] = load(t, dir, kind)
		}
	}
	for _, r := range c.resources {
		r["Properties"] = c.resolve(r["Properties"])
	}
	return c
}

func (c *template) fail(format string, args ...any) any {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
	return "?"
}

// resolve works out the functions of a value. Nothing is what AWS::NoValue leaves.
func (c *template) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if e := c.resolve(e); e != nil {
				out = append(out, e)
			}
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if value, ok := c.function(name, argument); ok {
					return value
				}
			}
		}
		out := map[string]any{}
		for k, e := range v {
			if e := c.resolve(e); e != nil {
				out[k] = e
			}
		}
		return out
	}
	return v
}

func (c *template) function(name string, argument any) (any, bool) {
	switch name {
	case "Ref":
		if argument == "AWS::NoValue" {
			return nil, true
		}
		return c.ref(argument.(string)), true
	case "Fn::GetAtt":
		if text, ok := argument.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			return c.attribute(resource, attribute), true
		}
		list := argument.([]any)
		return c.attribute(list[0].(string), list[1].(string)), true
	case "Fn::Sub":
		return regexp.MustCompile(`\$\{([^}]+)\}`).ReplaceAllStringFunc(argument.(string), func(m string) string {
			name := m[2 : len(m)-1]
			if resource, attribute, found := strings.Cut(name, "."); found {
				return fmt.Sprint(c.attribute(resource, attribute))
			}
			return fmt.Sprint(c.ref(name))
		}), true
	case "Fn::If":
		list := argument.([]any)
		conditions := c.all["Conditions"].(map[string]any)
		if conditions[list[0].(string)] == nil {
			return c.fail("there is no condition %v", list[0]), true
		}
		return c.resolve(list[2]), true // HasTopic is false by default
	}
	if strings.HasPrefix(name, "Fn::") {
		return c.fail("the function %s is not worked out here", name), true
	}
	return nil, false
}

func (c *template) ref(name string) any {
	switch name {
	case "AWS::Partition":
		return partition
	case "AWS::Region":
		return region
	case "AWS::AccountId":
		return account
	case "AWS::URLSuffix":
		return "amazonaws.com"
	}
	if p, ok := c.all["Parameters"].(map[string]any)[name].(map[string]any); ok {
		if value, ok := p["Default"]; ok {
			return value
		}
		if value, ok := given[name]; ok {
			return value
		}
		return c.fail("the parameter %s has no value", name)
	}
	r, ok := c.resources[name]
	if !ok {
		return c.fail("Ref of %s, which there is not", name)
	}
	if r["Type"] == "AWS::SQS::Queue" {
		return "https://sqs." + region + ".amazonaws.com/" + account + "/" + fmt.Sprint(c.name(name))
	}
	return c.name(name)
}

// name is what a resource is called in AWS.
func (c *template) name(resource string) any {
	properties := c.resources[resource]["Properties"].(map[string]any)
	for _, n := range []string{"FunctionName", "RoleName", "QueueName", "LogGroupName", "BucketName", "Name"} {
		if v, ok := c.resolve(properties[n]).(string); ok {
			return v
		}
	}
	return c.fail("%s has no name", resource)
}

func (c *template) attribute(resource, attribute string) any {
	r, ok := c.resources[resource]
	if !ok {
		return c.fail("GetAtt of %s, which there is not", resource)
	}
	kind := r["Type"].(string)
	properties := r["Properties"].(map[string]any)
	if slices.Contains(c.schemas[kind].readOnly, attribute) && attribute == "Arn" {
		return arn(kind, fmt.Sprint(c.name(resource)))
	}
	if v, ok := properties[attribute].(string); ok {
		return v
	}
	return c.fail("%s has no attribute %s, only %v", kind, attribute, c.schemas[kind].readOnly)
}

// arn is that of a resource by its name, for both kinds of templates.
func arn(kind, name string) string {
	prefix := func(service, region string) string {
		return strings.Join([]string{"arn", partition, service, region, account, ""}, ":")
	}
	switch kind {
	case "AWS::Lambda::Function", "aws_lambda_function":
		return prefix("lambda", region) + "function:" + name
	case "AWS::IAM::Role", "aws_iam_role":
		return prefix("iam", "") + "role/" + name
	case "AWS::SQS::Queue", "aws_sqs_queue":
		return prefix("sqs", region) + name
	case "AWS::Events::Rule", "aws_cloudwatch_event_rule":
		return prefix("events", region) + "rule/" + name
	case "AWS::Logs::LogGroup", "aws_cloudwatch_log_group":
		return prefix("logs", region) + "log-group:" + name
	}
	switch kind {
	case "AWS::S3::Bucket":
		return "arn:" + partition + ":s3:::" + name
	case "AWS::CodeBuild::Project":
		return prefix("codebuild", region) + "project/" + name
	}
	panic("no ARN of " + kind)
}

// check holds each resource against CloudFormation's schema of its type, and what is referred to must be there.
func (c *template) check(t *testing.T) {
	t.Helper()
	for name, r := range c.resources {
		s := c.schemas[r["Type"].(string)]
		if err := s.judge.Validate(r["Properties"]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for property := range r["Properties"].(map[string]any) {
			if slices.Contains(s.readOnly, property) {
				t.Errorf("%s sets %s, which AWS does", name, property)
			}
		}
		for member := range r {
			if !slices.Contains([]string{"Type", "Properties", "DependsOn"}, member) {
				t.Errorf("%s has a %s", name, member)
			}
		}
		if d, ok := r["DependsOn"].(string); ok && c.resources[d] == nil {
			t.Errorf("%s depends on %s, which there is not", name, d)
		}
	}
	c.resolve(c.all["Outputs"])
	if err := errors.Join(c.errs...); err != nil {
		t.Error(err)
	}
	for pattern := range skipped {
		t.Logf("not checked, for it is no regular expression in Go: %s", pattern)
	}
}

// Each resource is as CloudFormation's schema of its type says; what is referred to is there.
func TestCloudFormation(t *testing.T) {
	c := readTemplate(t, filepath.Join(folder, "gate.yaml"))
	c.check(t)

	// The judge refuses what is wrong.
	for what, change := range map[string]func(function map[string]any){
		"a property that there is not":  func(f map[string]any) { f["Timeouts"] = 60 },
		"a text where a number is":      func(f map[string]any) { f["Timeout"] = "60" },
		"a processor that there is not": func(f map[string]any) { f["Architectures"] = []any{"mips"} },
		"no code":                       func(f map[string]any) { delete(f, "Code") },
		"a role that is none":           func(f map[string]any) { f["Role"] = "lading-hook" },
	} {
		f := map[string]any{}
		for k, v := range c.resources["Hook"]["Properties"].(map[string]any) {
			f[k] = v
		}
		if change(f); c.schemas["AWS::Lambda::Function"].judge.Validate(f) == nil {
			t.Errorf("%s is not seen", what)
		}
	}
}

// canonical is a value as both kinds of templates have it: lists of one as their element, numbers as text.
func canonical(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) == 1 {
			return canonical(v[0])
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = canonical(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = canonical(e)
		}
		return out
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil:
		return nil
	}
	return fmt.Sprint(v)
}

// document is a policy document, in whichever way a template holds it.
func document(t *testing.T, v any) map[string]any {
	t.Helper()
	if text, ok := v.(string); ok {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	return v.(map[string]any)
}

// model is what the template makes, by kind and name.
func (c *template) model(t *testing.T) map[string]any {
	out := map[string]any{}
	for _, r := range c.resources {
		p := r["Properties"].(map[string]any)
		get := func(names ...string) map[string]any {
			m := map[string]any{}
			for _, n := range names {
				m[n] = p[n]
			}
			return m
		}
		var key string
		var value any
		switch kind := r["Type"].(string); kind {
		case "AWS::Lambda::Function":
			key = "function " + p["FunctionName"].(string)
			f := get("Runtime", "Handler", "Architectures", "MemorySize", "Timeout", "Role", "Description")
			f["Environment"] = p["Environment"].(map[string]any)["Variables"]
			if d, ok := p["DeadLetterConfig"].(map[string]any); ok {
				f["DeadLetter"] = d["TargetArn"]
			}
			value = f
		case "AWS::IAM::Role":
			key = "role " + p["RoleName"].(string)
			policies := p["Policies"].([]any)
			if len(policies) != 1 {
				t.Fatalf("%s has %d policies", key, len(policies))
			}
			policy := policies[0].(map[string]any)
			value = map[string]any{"Trust": p["AssumeRolePolicyDocument"], "Policy": policy["PolicyDocument"], "Name": policy["PolicyName"],
				"Description": p["Description"]}
		case "AWS::Events::Rule":
			key, value = "rule "+p["Name"].(string), get("EventPattern", "State", "Description")
			target := p["Targets"].([]any)[0].(map[string]any)
			out["target "+target["Id"].(string)] = canonical(map[string]any{"Arn": target["Arn"], "Rule": p["Name"],
				"DeadLetter": target["DeadLetterConfig"].(map[string]any)["Arn"],
				"Age":        target["RetryPolicy"].(map[string]any)["MaximumEventAgeInSeconds"],
				"Attempts":   target["RetryPolicy"].(map[string]any)["MaximumRetryAttempts"]})
		case "AWS::Lambda::Permission":
			key, value = "permission "+p["FunctionName"].(string), get("Action", "Principal", "SourceArn")
		case "AWS::SQS::Queue":
			key, value = "queue "+p["QueueName"].(string), get("MessageRetentionPeriod", "SqsManagedSseEnabled")
		case "AWS::SQS::QueuePolicy":
			key, value = "queue policy "+fmt.Sprint(p["Queues"].([]any)[0]), p["PolicyDocument"]
		case "AWS::Logs::LogGroup":
			key, value = "log "+p["LogGroupName"].(string), p["RetentionInDays"]
		case "AWS::Logs::MetricFilter":
			m := p["MetricTransformations"].([]any)[0].(map[string]any)
			key = "metric " + m["MetricName"].(string) + " of " + fmt.Sprint(p["LogGroupName"])
			value = map[string]any{"Log": p["LogGroupName"], "Pattern": p["FilterPattern"], "Namespace": m["MetricNamespace"],
				"Value": m["MetricValue"], "Default": m["DefaultValue"]}
		case "AWS::CloudWatch::Alarm":
			key, value = "alarm "+p["AlarmName"].(string), alarm(p)
		default:
			t.Fatalf("%s is not compared", kind)
		}
		if out[key] != nil {
			t.Errorf("there are two of %s", key)
		}
		out[key] = canonical(value)
	}
	return out
}

func alarm(p map[string]any) map[string]any {
	out := map[string]any{}
	for _, n := range []string{"AlarmDescription", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold",
		"ComparisonOperator", "TreatMissingData"} {
		if p[n] != nil {
			out[n] = p[n]
		}
	}
	metrics, ok := p["Metrics"].([]any)
	if !ok {
		return out
	}
	for _, m := range metrics {
		q := m.(map[string]any)
		if stat, ok := q["MetricStat"].(map[string]any); ok {
			metric := stat["Metric"].(map[string]any)
			dimension := metric["Dimensions"].([]any)[0].(map[string]any)
			out["query "+q["Id"].(string)] = map[string]any{"Namespace": metric["Namespace"], "MetricName": metric["MetricName"],
				"Period": stat["Period"], "Stat": stat["Stat"],
				"Dimensions": map[string]any{dimension["Name"].(string): dimension["Value"]}}
			continue
		}
		out["query "+q["Id"].(string)] = map[string]any{"Expression": q["Expression"], "Label": q["Label"]}
	}
	return out
}
