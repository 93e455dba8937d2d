package iamtable

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/ladingdev/lading/internal/iamjudge"
)

// random makes documents and requests of few words, so that they often meet.
type random struct{ *rand.Rand }

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }

func (r random) some(of ...string) []string {
	out := []string{r.one(of...)}
	for r.IntN(3) == 0 {
		out = append(out, r.one(of...))
	}
	return out
}

var (
	arns = []string{"arn:aws:ecs:eu-west-1:111122223333:task-definition/gated-web:7",
		"arn:aws:ecs:eu-west-1:111122223333:task-definition/other:1",
		"arn:aws:ecs:us-east-1:444455556666:task-definition/gated-web:7", "arn:aws:iam::111122223333:role/Deployer",
		"arn:aws:s3:::bucket/a:b"}
	patterns = append([]string{"arn:aws:ecs:*:*:task-definition/gated-*", "arn:aws:ecs:*:111122223333:*",
		"arn:*:iam::*:role/?eployer", "*:7",
		"arn:aws:s3:::*",
		"arn:aws:ecs:*:${aws:PrincipalAccount}:task-definition/*", "arn:aws:ecs:*:${aws:Absent}:*",
		"arn:aws:ecs:*:${aws:Absent, '111122223333'}:*"}, arns...)
	words = []string{"true", "false", "web", "Web", "we*", "5", "7", "", "${aws:PrincipalAccount}", "111122223333", "${*}"}
	keys  = []string{"ecs:cluster", "ecs:Task-Definition", "aws:TagKeys", "aws:ResourceTag/Gate", "ecs:task-cpu"}
	ops   = []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
		"StringNotLike",
		"ArnLike", "ArnNotLike",
		"ArnEquals", "ArnNotEquals", "Bool", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"}
)

func (r random) condition() map[string]any {
	out := make(map[string]any)
	for range r.IntN(3) {
		op := r.one(ops...)
		values := r.some(append(words, patterns...)...)
		switch r.IntN(6) {
		case 0:
			op, values = "Null", []string{r.one("true", "false")}
		case 1:
			op = "ForAnyValue:" + op
		case 2:
			op = "ForAllValues:" + op
		}
		if op != "Null" && r.IntN(3) == 0 {
			op += "IfExists"
		}
		out[op] = map[string]any{r.one(keys...): values}
	}
	return out
}

func (r random) document() []byte {
	var statements []any
	for range 1 + r.IntN(3) {
		s := map[string]any{"Effect": r.one("Allow", "Allow", "Deny"), "Condition": r.condition()}
		s[r.one("Action", "Action", "Action", "NotAction")] = r.some("*", "ecs:*", "ecs:Run*", "ECS:runtask", "ecs:?topTask",
			"iam:PassRole")
		s[r.one("Resource", "Resource", "NotResource")] = r.some(append(patterns, "*", "*")...)
		statements = append(statements, s)
	}
	out, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err)
	}
	return out
}

// Conditions alone, where the set operators meet keys with several values.
func TestConditionsAgree(t *testing.T) {
	met := 0
	for seed := range uint64(3_000) {
		r := random{rand.New(rand.NewPCG(7, seed))}
		op := r.one("ForAnyValue:", "ForAllValues:") + r.one("StringEquals", "StringNotEquals", "StringLike", "StringNotLike",
			"StringEqualsIgnoreCase") + r.one("", "IfExists")
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17",
			"Statement": []any{map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*",
				"Condition": map[string]any{op: map[string]any{"aws:TagKeys": r.some("web", "we*", "Gate", "x")}}}}})
		if err != nil {
			t.Fatal(err)
		}
		q := iamjudge.Request{Principal: arns[3], Action: "ecs:RunTask", Context: map[string][]string{}}
		if r.IntN(4) > 0 {
			q.Context["aws:tagkeys"] = append(r.some("web", "gate", "x"), r.some("web", "gate", "x")...)
		}
		texts := Set{Identity: [][]byte{text}}
		got, err := Ask(Query{Who: q.Principal, Action: q.Action, Resource: "*", Keys: q.Context}, texts)
		want, wantErr := iamjudge.Decide(&q, parsed(t, texts))
		if err != nil || wantErr != nil || got != want.Allowed {
			t.Fatalf("seed %d: %v %v, and iamjudge %+v %v\n%v\n%s", seed, got, err, want, wantErr, q.Context, text)
		}
		if got {
			met++
		}
	}
	if met < 500 || met > 2500 {
		t.Errorf("%d of 3,000 conditions are met: too few to tell", met)
	}
}

// The two judges, written apart, agree on requests and documents at random.
func TestJudgesAgree(t *testing.T) {
	n := 1_000
	if os.Getenv("LADING_HEAVY") != "" {
		n = 60_000
	}
	allowed, refused := 0, 0
	for seed := range uint64(n) {
		r := random{rand.New(rand.NewPCG(19, seed))}
		q := iamjudge.Request{
			Principal: r.one(arns[3], "arn:aws:iam::111122223333:user/x"),
			Action:    r.one("ecs:RunTask", "ecs:StopTask", "iam:PassRole"), Resources: []string{r.one(append(arns, "*")...)},
			Context: map[string][]string{"aws:PrincipalAccount": {"111122223333"}}, ServiceLinked: r.IntN(5) == 0,
		}
		for _, k := range keys {
			switch r.IntN(4) {
			case 0, 1:
				q.Context[k] = []string{r.one(append(words, arns...)...)}
			case 2:
				if k == "aws:TagKeys" {
					q.Context[k] = r.some("web", "gate", "Web")
				}
			}
		}
		var texts Set
		for range r.IntN(3) {
			texts.SCP = append(texts.SCP, [][]byte{r.document(), r.document()})
		}
		for range 1 + r.IntN(2) {
			texts.Identity = append(texts.Identity, r.document())
		}
		if r.IntN(2) == 0 {
			texts.Boundary = r.document()
		}
		got, err := Ask(Query{Who: q.Principal, Action: q.Action, Resource: q.Resources[0], Keys: q.Context, NoSCP: q.ServiceLinked}, texts)
		want, wantErr := iamjudge.Decide(&q, parsed(t, texts))
		if (err != nil) != (wantErr != nil) {
			// One may stop before it meets what the other cannot decide.
			continue
		}
		if err == nil && got != want.Allowed {
			t.Fatalf("seed %d: %v, and iamjudge %+v\n%+v\n%s", seed, got, want, q, describe(texts))
		}
		if err == nil && got {
			allowed++
		} else if err == nil {
			refused++
		}
	}
	if t.Logf("%d allowed, %d refused", allowed, refused); allowed < n/50 || refused < n/50 {
		t.Errorf("of %d, %d are allowed and %d refused: too few to tell", n, allowed, refused)
	}
}

func parsed(t *testing.T, s Set) *iamjudge.Policies {
	t.Helper()
	parse := func(text []byte) *iamjudge.Document {
		if text == nil {
			return nil
		}
		d, err := iamjudge.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return d
	}
	p := &iamjudge.Policies{Boundary: parse(s.Boundary), Resource: parse(s.Resource)}
	for _, level := range s.SCP {
		var docs []*iamjudge.Document
		for _, d := range level {
			docs = append(docs, parse(d))
		}
		p.SCP = append(p.SCP, docs)
	}
	for _, d := range s.Identity {
		p.Identity = append(p.Identity, parse(d))
	}
	return p
}

func describe(s Set) (out string) {
	for i, level := range s.SCP {
		for _, d := range level {
			out += fmt.Sprintf("scp %d: %s\n", i, d)
		}
	}
	for _, d := range s.Identity {
		out += fmt.Sprintf("identity: %s\n", d)
	}
	return out + fmt.Sprintf("boundary: %s\n", s.Boundary)
}
