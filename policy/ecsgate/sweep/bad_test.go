package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
)

// gaps are what could not be looked at, one a line, and all other findings.
func gaps(r *sweep.Report) (list, rest []string) {
	for _, row := range r.Rows {
		for _, f := range row.Findings {
			text := fmt.Sprintf("%s %s %s: %s", row.Service, row.Region,
				strings.Join(strings.Fields(row.Kind+" "+row.Resource+" "+row.Definition), " "), f.Detail)
			if f.Kind.Level() == sweep.Incomplete {
				list = append(list, text)
			} else {
				rest = append(rest, string(f.Kind)+" "+text)
			}
		}
	}
	return list, rest
}

// TestGaps takes something away from a good account, and expects one line for it, the rest as it was, and status 2.
func TestGaps(t *testing.T) {
	denied := ecstest.Fault{Status: 400, Code: "AccessDeniedException"}
	for name, c := range map[string]struct {
		fault func(c *sweeptest.Cloud, r *sweeptest.Region)
		want  []string // parts of the lines, in order
		seen  int64    // containers and the like that are judged all the same
	}{
		"nothing": {func(*sweeptest.Cloud, *sweeptest.Region) {}, nil, 15},
		"no permission for one service": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) { r.Fail("lambda:ListFunctions", denied) },
			[]string{"lambda us-east-1 list functions: no permission: Lambda ListFunctions: AccessDeniedException"}, 14,
		},
		"a region is down": {
			func(c *sweeptest.Cloud, _ *sweeptest.Region) { c.Region("eu-west-1").Down = true },
			[]string{
				"apprunner eu-west-1 list services: AppRunner ListServices: request send failed", "batch eu-west-1",
				"codebuild eu-west-1 list builds",
				"codebuild eu-west-1 list projects", "ecs eu-west-1 list clusters", "ecs eu-west-1 list daemon",
				"ecs eu-west-1 list task definition families",
				"eks eu-west-1", "lambda eu-west-1", "sagemaker eu-west-1", "sagemaker eu-west-1", "sagemaker eu-west-1",
				"sagemaker eu-west-1",
			}, 14,
		},
		"throttled, and then not": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				f := ecstest.Throttled
				f.Times = 2
				r.Fail("ecs:DescribeTasks", f)
			}, nil, 15,
		},
		"throttled for good": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) { r.Fail("ecs:DescribeTasks", ecstest.Throttled) },
			[]string{"ecs us-east-1 tasks 2 tasks from arn:aws:ecs:us-east-1:111122223333:task/production/"}, 13,
		},
		"no task definition can be read": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) { r.Fail("ecs:DescribeTaskDefinition", denied) },
			[]string{
				"ecs us-east-1 service web gated-ten:1: its task definition: no permission",
				"ecs us-east-1 task definition gated-ten:1: no permission",
				"ecs us-east-1 task definition gated-web:1: no permission",
			}, 5,
		},
		"one function cannot be read": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) { r.Fail("lambda:GetFunction", denied) },
			[]string{"lambda us-east-1 function image $LATEST: no permission"}, 14,
		},
		"no services can be described": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) { r.Fail("ecs:DescribeServices", ecstest.Unavailable) },
			[]string{"ecs us-east-1 services 1 services from arn:aws:ecs:us-east-1:111122223333:service/production/web"}, 5,
		},
		"the cluster is gone": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				for _, operation := range []string{"ListTasks", "ListServices", "ListDaemons"} {
					r.Fail("ecs:"+operation, ecstest.Fault{Code: "ClusterNotFoundException"})
				}
			}, nil, 3,
		},
		"ECS lies about a failure": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				r.ECS.Edit("ecs:DescribeTasks", ecstest.Edit{Reply: func(m map[string]any) {
					m["failures"] = []any{map[string]any{"arn": "arn:x", "reason": "MISSING"},
						map[string]any{"arn": "arn:y", "reason": "BROKEN",
							"detail": "why"}}
				}})
			}, []string{"ecs us-east-1 task arn:y: ECS says: BROKEN why"}, 15,
		},
		"a task definition is another one": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				r.ECS.Edit("ecs:DescribeTaskDefinition", ecstest.Edit{Reply: func(m map[string]any) {
					m["taskDefinition"].(map[string]any)["taskDefinitionArn"] = "arn:aws:ecs:us-east-1:111122223333:task-definition/other:1"
				}})
			}, []string{
				"service web gated-ten:1: its task definition: asked about", "task definition gated-ten:1: asked about",
				"task definition gated-web:1: asked about",
			}, 5,
		},
		"ECS describes less than it listed": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				r.ECS.Edit("ecs:DescribeTasks", ecstest.Edit{Reply: func(m map[string]any) { m["tasks"] = m["tasks"].([]any)[:1] }})
			}, []string{"ecs us-east-1 tasks 1 of 2 from arn:aws:ecs:us-east-1:111122223333:task/production/"}, 14,
		},
		"the same page again and again": {
			func(_ *sweeptest.Cloud, r *sweeptest.Region) {
				r.ECS.Edit("ecs:ListTaskDefinitionFamilies", ecstest.Edit{Request: func(m map[string]any) { delete(m, "nextToken") },
					Reply: func(m map[string]any) { m["nextToken"] = "0" }})
			}, []string{"ecs us-east-1 list task definition families: the service gives the same page again and again"}, 15,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cloud, s := sweeptest.Start(t, "us-east-1", "eu-west-1"), newShop(t)
			small(t, cloud, s)
			c.fault(cloud, cloud.Region("us-east-1"))
			sw := newSweep(t, cloud, s)
			sw.Regions = []string{"us-east-1", "eu-west-1"}
			r := run(t, sw)
			got, rest := gaps(r)
			if len(rest) > 0 {
				t.Errorf("findings that were not there before: %q", rest)
			}
			seen := int64(0)
			for _, row := range r.Rows {
				if row.Judged != "" && row.Verdict == policy.Allow {
					seen += row.Count
				}
			}
			if len(got) != len(c.want) || seen != c.seen {
				t.Fatalf("%d judged, want %d; gaps:\n%s", seen, c.seen, strings.Join(got, "\n"))
			}
			for i, part := range c.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("%q has no %q", got[i], part)
				}
			}
			if status := r.Status(); status != map[bool]int{true: 0, false: 2}[len(c.want) == 0] {
				t.Errorf("status %d", status)
			}
			if err := r.Err(); len(c.want) > 0 && !errors.Is(err, sweep.ErrIncomplete) || errors.Is(err, sweep.ErrFound) {
				t.Error(err)
			}
		})
	}
}

// small makes a good account: a service of ten containers, two tasks, a function; and a function in another region.
func small(t testing.TB, cloud *sweeptest.Cloud, s *shop) {
	t.Helper()
	region := cloud.Region("us-east-1")
	good := s.signed(t, "good")
	var ten []types.ContainerDefinition
	for i := range 10 {
		ten = append(ten, containerOf(fmt.Sprint("c", i), good))
	}
	service := define(region.ECS, "gated-ten", ten...)
	region.ECS.PutService("production", types.Service{ServiceName: aws.String("web"), TaskDefinition: &service})
	web := define(region.ECS, "gated-web", containerOf("app", good))
	starts(region.ECS, "production", "family:gated-web", web, "app", good, good)
	starts(region.ECS, "production", "family:gated-web", web, "app", good, good)
	f := sweeptest.Function{Name: "image", Version: "$LATEST", PackageType: "Image", ImageURI: good, ResolvedImageURI: good}
	region.Functions = []sweeptest.Function{f}
	region.Projects = []any{sweeptest.M{"name": "own", "arn": "arn:aws:codebuild:us-east-1:111122223333:project/own",
		"environment": sweeptest.M{"image": good}}}
	if other := cloud.Region("eu-west-1"); other != nil {
		other.Functions = []sweeptest.Function{f}
	}
}

// TestTenContainers has one image of ten that cannot be read: nine are allowed.
func TestTenContainers(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	good, broken := s.signed(t, "good"), s.signed(t, "broken")
	s.broken[registryHost+"/broken"] = true
	c := cloud.Region("us-east-1").ECS
	var list []types.ContainerDefinition
	for i := range 10 {
		list = append(list, containerOf(fmt.Sprint("c", i), good))
	}
	list[6].Image = &broken
	d := define(c, "gated-ten", list...)
	c.PutService("production", types.Service{ServiceName: aws.String("web"), TaskDefinition: &d})
	r := run(t, newSweep(t, cloud, s))
	allowed := 0
	for _, row := range r.Rows {
		if row.Verdict == policy.Allow {
			allowed++
		}
	}
	if got := findings(r); allowed != 9 || r.Status() != 2 || len(got) != 1 || got[0] != "undecided: ecs service web gated-ten:1 c6" {
		t.Errorf("%d allowed, status %d: %q", allowed, r.Status(), got)
	}
}

// TestHostileNames sweeps what strangers named: nothing of it begins a line, a tag or a command.
func TestHostileNames(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	evil := "\n::error::x\x1b[2J<script>alert(1)</script>\u202e##[section]"
	c := cloud.Region("us-east-1").ECS
	d := define(c, "gated-web", containerOf("app"+evil, "image"+evil))
	c.PutService("production", types.Service{ServiceName: aws.String("web" + evil), TaskDefinition: &d})
	starts(c, "production", "family:"+evil, d, "app"+evil, "image"+evil, "x@sha256:"+evil)
	cloud.Region("us-east-1").Functions = []sweeptest.Function{{Name: "f", Version: "1", PackageType: "Image", ImageURI: "x" + evil}}
	cloud.Region("us-east-1").Clusters["arn"+evil] = []any{}
	r := run(t, newSweep(t, cloud, s))
	if r.Status() != 2 {
		t.Errorf("status %d", r.Status())
	}
	var text, page, sarif bytes.Buffer
	if err := errors.Join(r.Text(&text), r.HTML(&page), r.SARIF(&sarif)); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if n := len([]rune(line)); n > 80 || strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	for name, out := range map[string]string{"text": text.String(), "page": page.String(), "sarif": sarif.String()} {
		if strings.ContainsFunc(out,
			func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }) {
			t.Errorf("%s has control characters", name)
		}
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("a name became a tag")
	}
	var log struct {
		Runs []struct{ Results []struct{ Level string } }
	}
	if err := json.Unmarshal(sarif.Bytes(), &log); err != nil || len(log.Runs) != 1 || len(log.Runs[0].Results) != len(findings(r)) {
		t.Errorf("SARIF: %v, %d findings", err, len(findings(r)))
	}
}

func TestValidate(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	for name, change := range map[string]func(*sweep.Sweep){
		"no Checker":   func(w *sweep.Sweep) { w.Checker = nil },
		"no region":    func(w *sweep.Sweep) { w.Config.Region = "" },
		`service "s3"`: func(w *sweep.Sweep) { w.Services = []string{"s3"} },
		"twice":        func(w *sweep.Sweep) { w.Regions = []string{"us-east-1", "us-east-1"} },
		"PolicyDigest": func(w *sweep.Sweep) {
			rules := w.Checker.Rules()
			rules.PolicyDigest = ""
			w.State = "state"
			if err := w.Checker.Use(&rules); err != nil {
				t.Fatal(err)
			}
		},
		`pattern "["`: func(w *sweep.Sweep) { w.Families = []string{"["} },
	} {
		w := newSweep(t, cloud, s)
		change(w)
		if r, err := w.Run(t.Context()); r != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestState gives states that are none of this sweep, and a sweep that is ended by its context.
func TestState(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	small(t, cloud, s)
	dir := t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for name, content := range map[string]string{
		"text": "notes of mine\n", "version": `{"sweep":99,"started":"2026-11-29T03:00:00Z"}` + "\n",
		"object": "{}\n", "member": `{"sweep":1,"other":true}` + "\n",
	} {
		w := newSweep(t, cloud, s)
		w.State = file(name, content)
		if _, err := w.Run(t.Context()); !errors.Is(err, sweep.ErrState) || !strings.Contains(err.Error(), w.State) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadFile(w.State); string(left) != content {
			t.Errorf("%s: somebody's file is %q now", name, left)
		}
	}
	w := newSweep(t, cloud, s)
	w.State = filepath.Join(dir, "no", "folder")
	if _, err := w.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}

	// One that is ended goes on; with other families it is another one.
	w.State = filepath.Join(dir, "state")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	w.Progress = func(sweep.Progress) {
		if n++; n == 3 {
			cancel()
		}
	}
	if _, err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.Progress = nil
	other := newSweep(t, cloud, s)
	other.State, other.Families = w.State, []string{"other-*"}
	if _, err := other.Run(t.Context()); !errors.Is(err, sweep.ErrState) {
		t.Error(err)
	}
	region := cloud.Region("us-east-1")
	region.ResetCalls()
	r := run(t, w)
	if region.Calls()["ecs:ListClusters"] != 0 {
		t.Errorf("what was looked at is asked for again: %v", region.Calls())
	}
	whole := newSweep(t, cloud, s)
	if diff := cmp.Diff(render(t, run(t, whole)), render(t, r)); diff != "" {
		t.Error(diff)
	}
	// One that came to its end begins anew.
	if run(t, w); region.Calls()["ecs:ListClusters"] != 2 {
		t.Errorf("%v", region.Calls())
	}
}

// TestOldToken goes on from a token that the service does not take any more: the list begins anew, and nothing counts twice.
func TestOldToken(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	crowd(t, cloud.Region("us-east-1").ECS, s, 250, 2)
	w := newSweep(t, cloud, s)
	w.Services = []string{"ecs"}
	w.State = filepath.Join(t.TempDir(), "state")
	ctx, cancel := context.WithCancel(t.Context())
	w.Progress = func(p sweep.Progress) {
		if p.Seen == 200 {
			cancel()
		}
	}
	if _, err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.Progress = nil
	refused := false
	cloud.Before = func(r *http.Request) error { return nil }
	cloud.Region("us-east-1").ECS.Edit("ecs:ListTasks", ecstest.Edit{Request: func(m map[string]any) {
		if m["nextToken"] == "200" && !refused {
			m["nextToken"], refused = "expired", true
		}
	}})
	last := int64(0)
	w.Progress = func(p sweep.Progress) { last = p.Seen }
	r := run(t, w)
	seen := int64(0)
	for _, row := range r.Rows {
		seen += row.Count
	}
	if !refused || seen != 250 || last != 250 || r.Status() != 0 {
		t.Errorf("refused %v, %d tasks, status %d: %v", refused, seen, r.Status(), findings(r))
	}
}

// TestHangs has a service that does not answer: it is asked as often as the SDK asks, and the sweep ends.
func TestHangs(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	cloud.Region("us-east-1").Fail("lambda:ListFunctions", ecstest.Fault{Delay: time.Hour})
	w := newSweep(t, cloud, s)
	w.Services, w.Timeout = []string{"lambda"}, 20*time.Millisecond
	r := run(t, w)
	got, _ := gaps(r)
	if len(got) != 1 || r.Status() != 2 || !strings.Contains(got[0], "no answer within 20ms") {
		t.Errorf("status %d: %q", r.Status(), got)
	}
	w.Timeout = -1
	if _, err := w.Run(t.Context()); err == nil {
		t.Error("a negative Timeout")
	}
}
