package sweep

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// FuzzState opens what is no state, or one that somebody changed: that is an error, or a state that opens again as it is.
func FuzzState(f *testing.F) {
	const head = `{"sweep":1,"started":"2026-11-29T03:00:00Z","options":"x"}` + "\n"
	for _, text := range []string{
		"", "\n", "{}\n", "null\n", head,
		head + `{"row":{"service":"ecs","region":"r","kind":"task","verdict":"ALLOW","count":1}}` + "\n" +
			`{"unit":"u","done":true}` + "\n",
		head + `{"name":"c"}` + "\n" + `{"unit":"u","next":"n"}` + "\n" + `{"unit":"u","over":true,"done":true}` + "\n" + `{"row":`,
		head + `{"end":true}` + "\n",
		head + `{"judgement":{"asked":"a","verdict":"DENY"}}` + "\n" + `{"definition":{"arn":"a"}}` + "\n" + `{"unit":"u"}` + "\n",
		head + `{"row":{"count":-1}}` + "\n" + `{"unit":"u"}` + "\n",
	} {
		f.Add([]byte(text))
	}
	name := filepath.Join(f.TempDir(), "state")
	f.Fuzz(func(t *testing.T, data []byte) {
		reopen(t, name, data)
	})
}

// reopen opens a state twice, and tells whether it is one.
func reopen(t *testing.T, name string, data []byte) bool {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(name, "x", time.Unix(1, 0))
	if err != nil {
		if left, _ := os.ReadFile(name); string(left) != string(data) {
			t.Fatal("a file that is refused is left as it is")
		}
		return false
	}
	first := newReportOf(j.state)
	j.close()
	if j, err = openJournal(name, "x", time.Unix(1, 0)); err != nil {
		t.Fatalf("what was opened does not open again: %v", err)
	}
	defer j.close()
	if again := newReportOf(j.state); !reflect.DeepEqual(first, again) {
		t.Fatalf("%+v, and then %+v", first, again)
	}
	return true
}

func newReportOf(s *state) []Row {
	all := table{}
	for _, rows := range s.rows {
		for _, row := range rows {
			all.add(row)
		}
	}
	return all.rows()
}

// TestStateChanged opens states of which some bytes were changed: each is refused and left as it is, or opens again as it was.
func TestStateChanged(t *testing.T) {
	whole := []byte(`{"sweep":1,"started":"2026-11-29T03:00:00Z","options":"x"}` + "\n" +
		`{"name":"cluster"}` + "\n" + `{"unit":"ecs r clusters","done":true,"more":3}` + "\n" +
		`{"judgement":{"asked":"a@sha256:1","verdict":"DENY","reason":"no"}}` + "\n" +
		`{"definition":{"arn":"a","containers":[{"name":"n","image":"i"}]}}` + "\n" +
		`{"row":{"service":"ecs","region":"r","kind":"task","image":"i","verdict":"ALLOW",` +
		`"findings":[{"kind":"exec"}],"count":2,"examples":["b","c"]}}` + "\n" +
		`{"unit":"ecs r tasks","next":"2"}` + "\n" + `{"unit":"ecs r tasks","over":true,"done":true}` + "\n")
	random := rand.New(rand.NewPCG(5, 6))
	name := filepath.Join(t.TempDir(), "state")
	opened := 0
	for range 500 {
		data := append([]byte(nil), whole...)
		for range 1 + random.IntN(3) {
			data[random.IntN(len(data))] = byte(random.IntN(256))
		}
		if reopen(t, name, data) {
			opened++
		}
	}
	if opened == 0 || opened == 500 {
		t.Errorf("%d of 500 opened", opened)
	}
}
