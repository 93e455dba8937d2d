package iam

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/iamjudge"
	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/policy/ecsgate"
)

// guards are those whose documents are kept: one account, an organization with clusters named, and the least.
func guards() map[string]*Guard {
	organization := &Guard{
		Partition: "aws-us-gov", Family: "released_", Prefix: "gate-", Tag: "gate",
		Registrar:  "arn:aws-us-gov:iam::*:role/gate-registrar",
		TaskEvents: "arn:aws-us-gov:iam::*:role/gate-task-events",
		Admins:     []string{"arn:aws-us-gov:iam::*:role/platform", "arn:aws-us-gov:iam::111122223333:role/organization"},
		Clusters:   []string{"arn:aws-us-gov:ecs:*:*:cluster/production-*", "arn:aws-us-gov:ecs:us-gov-west-1:111122223333:cluster/shop"},
	}
	return map[string]*Guard{"account": guard(), "organization": organization,
		"least": {Family: "gated-", Registrar: "arn:aws:iam::*:role/lading-registrar"}}
}

// The same guard gives the same bytes, and these.
func TestDocuments(t *testing.T) {
	for name, g := range guards() {
		documents, err := g.Documents()
		if err != nil {
			t.Fatal(err)
		}
		again, err := g.Documents()
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range documents {
			if !bytes.Equal(d.JSON(), again[i].JSON()) {
				t.Errorf("%s: %s is not the same twice", name, d.Name)
			}
			regress.File(t, filepath.Join("testdata", name, d.Name+".json"), string(d.JSON()))
			t.Logf("%s %s: %d of %d characters", name, d.Name, d.Size(), d.Kind.limit())
			check(t, name, d)
		}
	}
}

// check compares a document with AWS's Service Authorization Reference: actions exist, what a condition asks the calls have, and actions
// that name no resource are allowed on all.
func check(t *testing.T, guard string, d Document) {
	sids := make(map[string]bool)
	for _, s := range d.Statements {
		where := fmt.Sprintf("%s: %s: %s", guard, d.Name, s.Sid)
		if sids[s.Sid] || s.Sid == "" || strings.Trim(s.Sid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			t.Errorf("%s: the Sid must be there once, of letters and digits", where)
		}
		sids[s.Sid] = true
		if !strings.HasSuffix(s.Why, ".") || strings.Contains(s.Why, "\n") {
			t.Errorf("%s has no sentence: %q", where, s.Why)
		}
		for _, pattern := range append(s.Action, s.NotAction...) {
			if pattern == "*" {
				continue
			}
			actions := iamjudge.Actions(pattern)
			if len(actions) == 0 {
				t.Errorf("%s: there is no action %s", where, pattern)
			}
			for name, a := range actions {
				for _, tests := range s.Condition {
					for key := range tests {
						if !a.Takes(key) {
							t.Errorf("%s: calls of %s have no %s, only %v", where, name, key, a.Keys)
						}
					}
				}
				if s.Effect == "Allow" && len(a.Resources) == 0 && !slices.Equal(s.Resource, []string{"*"}) {
					t.Errorf("%s: %s names no resource, so it is allowed on * or not at all", where, name)
				}
			}
		}
	}
}

// Each statement denies something that nothing else does, or allows it: left out, some call ends otherwise. The calls are those of the
// start paths and of the tests of the gate itself.
func TestEveryStatementCounts(t *testing.T) {
	counts := make(map[string]bool)
	for _, p := range paths {
		for _, c := range p.calls {
			counts[c.by] = true
		}
	}
	for _, more := range []string{"KeepGate", "KeepSettings", "SameBoundary", "KeepBoundary", "SameText"} { // in TestKeepGate
		counts[more] = true
	}
	documents, err := guard().Documents()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		for _, s := range d.Statements {
			if s.Effect == "Deny" && !counts[s.Sid] {
				t.Errorf("no test is stopped by %s of %s", s.Sid, d.Name)
			}
		}
	}
}

// The tags that are kept are those that the registrar writes.
func TestLabels(t *testing.T) {
	for _, l := range []string{ecsgate.LabelDecision, ecsgate.LabelPolicy, ecsgate.LabelDecided} {
		if !slices.Contains(labels, l) {
			t.Errorf("%s can be forged", l)
		}
	}
	docs := texts(t, guard())
	for _, c := range []call{
		{"developer", "ecs:TagResource", []string{gated}, map[string]string{"aws:TagKeys": "Lading-Decision"}, "MarkAtCreation"},
		{"developer", "ecs:UntagResource", []string{gated}, map[string]string{"aws:TagKeys": "lading-decision"}, "KeepMark"},
	} {
		if got := ask(t, docs, true, c); got != c.by {
			t.Errorf("%s is stopped by %q, want %q", c.action, got, c.by)
		}
	}
}

func TestInvalid(t *testing.T) {
	for what, change := range map[string]func(*Guard){
		`Partition "AWS"`:                            func(g *Guard) { g.Partition = "AWS" },
		`Account "1111" has not 12 digits`:           func(g *Guard) { g.Account = "1111" },
		`Family ""`:                                  func(g *Guard) { g.Family = "" },
		`Family "gated" must`:                        func(g *Guard) { g.Family = "gated" }, // and gatedecoy too
		`Family "*-"`:                                func(g *Guard) { g.Family = "*-" },
		`Family "a?-"`:                               func(g *Guard) { g.Family = "a?-" },
		`Prefix "lading*"`:                           func(g *Guard) { g.Prefix = "lading*" },
		`Tag "a b"`:                                  func(g *Guard) { g.Tag = "a b" },
		`Registrar is empty`:                         func(g *Guard) { g.Registrar = "" },
		`Registrar: "lading-registrar" is not`:       func(g *Guard) { g.Registrar = "lading-registrar" },
		`the role's and not its session's`:           func(g *Guard) { g.Registrar = "arn:aws:sts::111122223333:assumed-role/registrar/x" },
		`Registrar: "arn:aws:iam::111122223333:role`: func(g *Guard) { g.Registrar = "arn:aws:iam::111122223333:role/*" },
		`is of the partition aws-cn, not aws`:        func(g *Guard) { g.Registrar = "arn:aws-cn:iam::111122223333:role/r" },
		`is of the account 444455556666`:             func(g *Guard) { g.Hosts = []string{"arn:aws:iam::444455556666:role/r"} },
		`Admins: "*" is not`:                         func(g *Guard) { g.Admins = []string{"*"} },
		`the registrar's own role could change`:      func(g *Guard) { g.Admins = []string{g.Registrar} },
		`BreakGlass: "" is not`:                      func(g *Guard) { g.BreakGlass = []string{""} },
		`stands there twice`:                         func(g *Guard) { g.Hosts = []string{roleARN("a"), roleARN("a")} },
		`TaskRoles: "arn:aws:iam::111122223333:user`: func(g *Guard) { g.TaskRoles = []string{"arn:aws:iam::111122223333:user/x"} },
		`Clusters: "production" is not such as`:      func(g *Guard) { g.Clusters = []string{"production"} },
		`without a digest a tag could be moved`:      func(g *Guard) { g.BatchImages = []string{"registry.example/app:*"} },
		`BatchImages: "*/app@sha256:*"`:              func(g *Guard) { g.BatchImages = []string{"*/app@sha256:*"} },
	} {
		g := guard()
		change(g)
		documents, err := g.Documents()
		if !errors.Is(err, ErrGuard) || !strings.Contains(err.Error(), what) || documents != nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, what)
		}
	}
}

// Documents that AWS would not take are not returned: policies are split where that is possible, and else it is an error.
func TestTooLong(t *testing.T) {
	for _, account := range []string{"111122223333", ""} {
		most := 0
		for n := 1; ; n++ {
			g := guard()
			g.Account = account
			for i := range n {
				g.Clusters = append(g.Clusters, fmt.Sprintf("arn:aws:ecs:eu-west-1:111122223333:cluster/production-%03d", i))
			}
			documents, err := g.Documents()
			if err != nil {
				if !errors.Is(err, ErrTooLong) || strings.Contains(err.Error(), "leave Account empty") != (account != "") {
					t.Error(err)
				}
				break
			}
			if most = n; account == "" && slices.ContainsFunc(documents, func(d Document) bool { return d.Kind == Boundary }) {
				t.Error("a boundary for every account")
			}
		}
		if t.Logf("account %q: %d clusters fit", account, most); most < 2 || most > 100 {
			t.Errorf("%d clusters fit", most)
		}
	}

	g := guard()
	for i := range 60 {
		g.BatchImages = append(g.BatchImages, fmt.Sprintf("111122223333.dkr.ecr.eu-west-1.amazonaws.com/released/team-%03d/*@sha256:*", i))
	}
	if _, err := g.Documents(); !errors.Is(err, ErrTooLong) {
		t.Errorf("a statement that alone is too long: %v", err)
	}
}

// A policy that is split denies the same.
func TestPack(t *testing.T) {
	g := guard().withDefaults()
	for i := range 50 {
		g.Hosts = append(g.Hosts, roleARN(fmt.Sprintf("hosts/of-the-cluster-number-%03d", i)))
	}
	denials := g.denials()
	documents, err := pack(denials)
	if err != nil || len(documents) < 2 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	var sids []string
	for _, d := range documents {
		for _, s := range d.Statements {
			sids = append(sids, s.Sid)
		}
	}
	var want []string
	for _, s := range denials {
		want = append(want, s.Sid)
	}
	if !slices.Equal(sids, want) {
		t.Errorf("%v, want %v", sids, want)
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("111122223333", "gated-", "arn:aws:iam::111122223333:role/r", "arn:aws:ecs:*:*:cluster/a", "a.example/b@sha256:*")
	f.Fuzz(func(t *testing.T, account, family, role, cluster, image string) {
		g := &Guard{Account: account, Family: family, Registrar: role, Clusters: optional(cluster), BatchImages: optional(image)}
		documents, err := g.Documents()
		if err != nil {
			return
		}
		for _, d := range documents {
			if _, err := iamjudge.Parse(d.JSON()); err != nil {
				t.Errorf("%v\n%s", err, d.JSON())
			}
		}
		// Whatever is accepted gates: a definition outside of the family is not run.
		docs := make(map[string][]byte)
		for _, d := range documents {
			docs[d.Name] = d.JSON()
		}
		if !slices.Contains(slices.Collect(maps.Keys(docs)), "scp-1") {
			t.Error("no service control policy")
		}
		if by := ask(t, docs, true, call{"developer", "ecs:RunTask", []string{other}, nil, ""}); by == "" &&
			!strings.HasPrefix("web", family) {
			t.Errorf("%+v runs %s", g, other)
		}
	})
}
