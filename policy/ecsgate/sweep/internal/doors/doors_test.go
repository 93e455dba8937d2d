package doors_test

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/aws/aws-sdk-go-v2/service/ecr" // keeps the version in go.mod whose types are read
	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/internal/iamjudge"
	"github.com/ladingdev/lading/policy/ecsgate/iam"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/doors"
)

// module returns the sources of a service module: the version that go.mod has, or another one.
func module(t *testing.T, service, version string) string {
	t.Helper()
	path := "github.com/aws/aws-sdk-go-v2/service/" + service
	var m struct{ Dir, Version string }
	if version == "" {
		goJSON(t, &m, "list", "-m", "-json", path)
		version = m.Version
	}
	goJSON(t, &m, "mod", "download", "-json", path+"@"+version)
	return m.Dir
}

func goJSON(t *testing.T, v any, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, v)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
}

func scan(t *testing.T, service, version string) []doors.Item {
	t.Helper()
	items, err := doors.Scan(module(t, service, version))
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func list(t *testing.T) []doors.Line {
	t.Helper()
	l, err := doors.List()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNothingUnlisted fails when the SDK has an operation, a field or a value that nobody has looked at.
func TestNothingUnlisted(t *testing.T) {
	for _, service := range []string{"ecs", "ecr"} {
		items := scan(t, service, "")
		unlisted, gone := doors.Compare(service, items, list(t))
		n := map[string]int{}
		for _, i := range items {
			n[i.Kind]++
		}
		t.Logf("%s: %d operations, %d fields, %d values, %d unlisted", service, n["operation"], n["field"], n["value"], len(unlisted))
		for _, key := range unlisted {
			t.Errorf("%s: %s is on no line of doors.tsv: say what gates it, what sweeps it, or why neither does", service, key)
		}
		for _, key := range gone {
			t.Errorf("%s: %s is in doors.tsv, and the SDK has no such thing: take the line out", service, key)
		}
	}
}

// TestNamesWhatIsNew takes lines away and adds one, and expects to be told exactly these.
func TestNamesWhatIsNew(t *testing.T) {
	doctored := []string{"operation RunTask", "field ContainerDefinition.Image", "value LaunchType.EXTERNAL"}
	l := slices.DeleteFunc(list(t), func(l doors.Line) bool { return l.Service == "ecs" && slices.Contains(doctored, l.Key()) })
	l = append(l, doors.Line{Service: "ecs", Item: doors.Item{Kind: "operation", Name: "TeleportTask"}})
	unlisted, gone := doors.Compare("ecs", scan(t, "ecs", ""), l)
	slices.Sort(doctored)
	if diff := cmp.Diff(doctored, unlisted); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"operation TeleportTask"}, gone); diff != "" {
		t.Error(diff)
	}
}

// TestNewVersion reads the list as it was for one version of the SDK against the next, which brought confidential tasks and Nitro Enclaves.
func TestNewVersion(t *testing.T) {
	before := scan(t, "ecs", "v1.104.2")
	was := map[string]bool{}
	for _, i := range before {
		was[i.Key()] = true
	}
	old := slices.DeleteFunc(list(t), func(l doors.Line) bool { return l.Service == "ecs" && !was[l.Key()] })
	unlisted, gone := doors.Compare("ecs", before, old)
	if len(unlisted)+len(gone) > 0 {
		t.Errorf("v1.104.2: unlisted %q, gone %q", unlisted, gone)
	}
	unlisted, gone = doors.Compare("ecs", scan(t, "ecs", "v1.105.1"), old)
	want := []string{
		"field InstanceLaunchTemplate.NitroEnclavesEnabled",
		"field RegisterTaskDefinitionInput.TrustedExecutionConfiguration",
		"field Task.TrustedExecutionSummary",
		"field TaskDefinition.TrustedExecutionConfiguration",
		"field TrustedExecutionConfiguration.AttestationPolicy",
		"field TrustedExecutionConfiguration.IsolationMode",
		"field TrustedExecutionSummary.AttestationPolicyStatus",
		"field TrustedExecutionSummary.IsolationMode",
		"value AcceleratorName.l4",
		"value AcceleratorName.l40s",
		"value AttestationPolicyStatus.CONFIGURED",
		"value IsolationMode.CONFIDENTIAL_SANDBOX",
		"value IsolationMode.ISOLATED_SANDBOX",
		"value IsolationMode.SHARED",
	}
	if diff := cmp.Diff(want, unlisted); diff != "" {
		t.Error(diff)
	}
	if len(gone) > 0 {
		t.Errorf("gone: %q", gone)
	}
}

// TestSweptByFindings makes sure that the words of column five are findings of package sweep.
func TestSweptByFindings(t *testing.T) {
	known := map[string]bool{}
	for _, k := range sweep.Kinds() {
		known[string(k)] = true
	}
	used := map[string]bool{}
	check := func(where string, words []string) {
		for _, w := range words {
			used[w] = true
			if !known[w] {
				t.Errorf("%s is swept by %q, which is no finding of package sweep", where, w)
			}
		}
	}
	for _, l := range list(t) {
		check(l.Service+" "+l.Key(), l.Swept)
	}
	services, err := doors.Services()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		check(s.Name, s.Swept)
	}
	for k := range known {
		if !used[k] && k != string(sweep.Unreadable) {
			t.Errorf("the finding %q sweeps no door", k)
		}
	}
}

// TestGatesAreThere makes sure that the gates are types of this repository.
func TestGatesAreThere(t *testing.T) {
	for _, g := range doors.Gates {
		names, _ := filepath.Glob(filepath.Join("..", "..", "..", "..", "..", filepath.FromSlash(g.Package), "*.go"))
		found := false
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			found = found || file.Scope.Lookup(g.Type) != nil
		}
		if !found {
			t.Errorf("%s is said to be %s.%s, which there is not", g.Word, g.Package, g.Type)
		}
	}
}

// TestIAM makes sure that what is said to be gated by IAM is denied to somebody in the documents that package iam writes.
func TestIAM(t *testing.T) {
	g := &iam.Guard{
		Account: "111122223333", Family: "gated-", Registrar: "arn:aws:iam::111122223333:role/registrar",
		Pauses: "arn:aws:iam::111122223333:role/pauses",
	}
	documents, err := g.Documents()
	if err != nil {
		t.Fatal(err)
	}
	var denied []string
	for _, d := range documents {
		for _, s := range d.Statements {
			if s.Effect != "Deny" {
				continue
			}
			for _, pattern := range s.Action {
				denied = slices.AppendSeq(denied, maps.Keys(iamjudge.Actions(pattern)))
			}
		}
	}
	n := 0
	for _, l := range list(t) {
		if l.Kind != "operation" || !slices.Contains(l.Gated, "iam") {
			continue
		}
		n++
		if !slices.Contains(denied, l.Service+":"+l.Name) {
			t.Errorf("%s is said to be gated by IAM, and no statement denies %s:%s", l.Name, l.Service, l.Name)
		}
	}
	for _, action := range denied {
		service, name, _ := strings.Cut(action, ":")
		if i := slices.IndexFunc(list(t), func(l doors.Line) bool {
			return l.Service == service &&
				l.Key() == "operation "+name
		}); service == "ecs" && !slices.Contains(list(t)[i].Gated, "iam") {
			t.Errorf("a statement denies %s, and its line says nothing of IAM", action)
		}
	}
	t.Logf("%d operations are gated by IAM", n)
}

// TestServices compares the services' image fields with the types of those modules that this one has.
func TestServices(t *testing.T) {
	services, err := doors.Services()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, s := range services {
		if s.Kind != "document" {
			listed[s.Name] = append(listed[s.Name], s.Fields...)
		}
	}
	for _, name := range []string{"ecs", "ecr", "lambda", "batch", "apprunner", "sagemaker", "codebuild", "inspector2"} {
		fields, err := doors.Images(module(t, name, ""))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range fields {
			names = append(names, f.Name)
		}
		if len(names) == 0 {
			t.Errorf("%s: no field for an image", name)
		}
		if diff := cmp.Diff(listed[name], names); diff != "" {
			t.Errorf("%s: services.tsv and the types (-listed +types):\n%s", name, diff)
		}
	}
	t.Logf("%d services have a field or a document for an image", len(services))
}

// TestModelImages reads the two forms of one service.
func TestModelImages(t *testing.T) {
	fields, err := doors.ModelImages(strings.NewReader(`{
		"operations": {"CreateThing": {"input": {"shape": "CreateThingRequest"}}},
		"shapes": {
			"CreateThingRequest": {"type": "structure", "members": {"imageUri": {"shape": "S"}, "image": {"shape": "S"}, "picture": {"shape": "S"}}},
			"ContainerImage": {"type": "structure", "members": {"uri": {"shape": "S"}}},
			"Box": {"type": "structure", "members": {"image": {"shape": "S", "documentation": "<p>A Docker image.</p>"},
				"images": {"shape": "L", "documentation": "OCI images"}}},
			"Job": {"type": "structure", "members": {"taskDefinitionArn": {"shape": "S"}}},
			"S": {"type": "string"}, "L": {"type": "list", "member": {"shape": "S"}}
		}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []doors.ImageField{
		{"image", "Box.Image"}, {"image", "Box.Images"}, {"image", "ContainerImage.Uri"}, {"image", "CreateThingInput.ImageUri"},
		{"task definition", "Job.TaskDefinitionArn"},
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	if _, err := doors.ModelImages(strings.NewReader("[]")); err == nil {
		t.Error("a list is no model")
	}
}

func TestNoModule(t *testing.T) {
	if items, err := doors.Scan(t.TempDir()); err == nil {
		t.Errorf("an empty folder has %d items", len(items))
	}
	if _, err := doors.Images(t.TempDir()); err == nil {
		t.Error("an empty folder has images")
	}
}

// TestPage makes sure that docs/doors.md is what the lists say.
func TestPage(t *testing.T) {
	var findings []struct{ Word, What string }
	for _, k := range sweep.Kinds() {
		findings = append(findings, struct{ Word, What string }{string(k), k.About()})
	}
	var page bytes.Buffer
	var versions []string
	for _, service := range []string{"ecs", "ecr"} {
		var m struct{ Version string }
		goJSON(t, &m, "list", "-m", "-json", "github.com/aws/aws-sdk-go-v2/service/"+service)
		versions = append(versions, "`service/"+service+" "+m.Version+"`")
	}
	if err := doors.Render(&page, strings.Join(versions, " and "), findings); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("..", "..", "..", "..", "..", "docs", "doors.md")
	if os.Getenv("LADING_WRITE") != "" {
		if err := os.WriteFile(name, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n")), page.Bytes()) {
		t.Error("docs/doors.md is old: LADING_WRITE=1 go -C policy/ecsgate/sweep test ./internal/doors")
	}
}
