package sweep_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
)

// crowd fills a cluster with tasks of some revisions, and returns the image.
func crowd(t testing.TB, c *ecstest.Server, s *shop, tasks, revisions int) {
	t.Helper()
	image := s.signed(t, "good")
	_, sum, _ := strings.Cut(image, "@")
	var arns []string
	for range revisions {
		arns = append(arns, define(c, "gated-web", containerOf("app", image)))
	}
	for i := range tasks {
		c.PutTask("production", types.Task{
			TaskDefinitionArn: &arns[i%revisions], Group: aws.String("service:web"),
			Containers: []types.Container{{Name: aws.String("app"), Image: &image, ImageDigest: &sum}},
		})
	}
}

// TestRequests sweeps ten thousand tasks: two requests for a hundred of them, one for each revision, and what lists there are beside.
func TestRequests(t *testing.T) {
	const tasks, revisions, perPage = 10_000, 37, 100
	cloud, s := sweeptest.Start(t), newShop(t)
	region := cloud.Region("us-east-1")
	crowd(t, region.ECS, s, tasks, revisions)
	region.ResetCalls()

	var live, before uint64
	measure := func() uint64 { // what is reachable, not what the collector has left lying about
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before = measure()
	sw := newSweep(t, cloud, s)
	sw.Services = []string{"ecs"}
	pages, last := 0, sweep.Progress{}
	sw.Progress = func(p sweep.Progress) {
		last = p
		if pages++; pages%10 == 0 {
			live = max(live, measure())
		}
	}
	r := run(t, sw)
	if r.Err() != nil {
		t.Errorf("%v: %v", r.Err(), findings(r))
	}
	seen := int64(0)
	for _, row := range r.Rows {
		seen += row.Count
	}
	if seen != tasks || last.Seen != tasks || last.Running != tasks || last.Done != last.Units || len(r.Rows) != revisions {
		t.Errorf("%d tasks in %d rows, progress %+v", seen, len(r.Rows), last)
	}
	calls, n := region.Calls(), 0
	for _, times := range calls {
		n += times
	}
	if calls["ecs:ListTasks"] != tasks/perPage || calls["ecs:DescribeTasks"] != tasks/perPage ||
		calls["ecs:DescribeTaskDefinition"] != revisions {
		t.Errorf("requests: %v", calls)
	}
	if others := n - 2*tasks/perPage - revisions; others != 6 { // clusters twice, services, daemons, families, daemon definitions
		t.Errorf("%d requests beside tasks and revisions: %v", others, calls)
	}
	if last.Requests != int64(n) {
		t.Errorf("progress tells %d requests, there were %d", last.Requests, n)
	}
	if s.opened != 1 {
		t.Errorf("one image was asked for %d times", s.opened)
	}
	grown := max(live, before) - before
	t.Logf("%d requests for %d tasks of %d revisions; %d KiB live beside the stand-in", n, tasks, revisions, grown>>10)
	if grown > 64<<20 {
		t.Errorf("%d MiB live", grown>>20)
	}
}

// TestMain sweeps in a process of its own for TestKilled.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SWEEP_TEST_DIR"); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKilled kills a sweep at twenty random requests, by a signal that no program can answer, and lets it go on: the report is the same.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test's own file is in use there while it runs")
	}
	cloud, s := sweeptest.Start(t, "eu-west-1", "us-east-1"), newShop(t)
	fill(t, cloud, s)
	crowd(t, cloud.Region("us-east-1").ECS, s, 250, 7)
	crowd(t, cloud.Region("eu-west-1").ECS, s, 120, 3)
	k := newKilling(t, cloud, s)

	whole := k.report(t, filepath.Join(t.TempDir(), "whole"))
	total := int(k.requests.Load())
	state := filepath.Join(t.TempDir(), "state")
	random := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for range 20 {
		if k.sweep(t, state, 1+random.IntN(total/10)) {
			killed++
		}
	}
	k.requests.Store(0)
	again := k.report(t, state)
	if !bytes.Equal(whole, again) {
		t.Errorf("the report of a sweep that was killed differs:\n%s\nand whole:\n%s", again, whole)
	}
	t.Logf("%d requests; killed %d times; the last one asked %d times", total, killed, k.requests.Load())
	if killed < 10 {
		t.Errorf("only %d of 20 were killed before the end", killed)
	}
}

// TestTorn cuts a state at many places, as an end in the middle of a line does, and goes on from each.
func TestTorn(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	fill(t, cloud, s)
	name := filepath.Join(t.TempDir(), "state")
	sw := newSweep(t, cloud, s)
	sw.State = name
	want := render(t, run(t, sw))
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 25 {
		at := random.IntN(len(whole))
		if err := os.WriteFile(name, whole[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		if got := render(t, run(t, sw)); got != want {
			t.Fatalf("cut at byte %d of %d:\n%s\nwhole:\n%s", at, len(whole), got, want)
		}
	}
}

func render(t testing.TB, r *sweep.Report) string {
	t.Helper()
	var b bytes.Buffer
	for _, write := range []func() error{
		func() error { return r.Text(&b) }, func() error { return r.HTML(&b) },
		func() error { return r.SARIF(&b) }, func() error { return r.JSON(&b) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
