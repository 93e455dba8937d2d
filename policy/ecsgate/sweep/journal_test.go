package sweep

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzState opens what is no state, or one that somebody changed: that is an error, or a state that opens again as it is.
func FuzzState(f *testing.F) {
	const head = `{"sweep":1,"started":"2026-11-29T03:00:00Z","options":"x"}` + "\n"
	for _, text := range []string{
		"", "\n", "{}\n", "null\n", head, head + `{"row":{"service":"ecs","region":"r","kind":"task","verdict":"ALLOW","count":1}}` + "\n" + `{"unit":"u","done":true}` + "\n",
		head + `{"name":"c"}` + "\n" + `{"unit":"u","next":"n"}` + "\n" + `{"unit":"u","over":true,"done":true}` + "\n" + `{"row":`, head + `{"end":true}` + "\n",
		head + `{"judgement":{"asked":"a","verdict":"DENY"}}` + "\n" + `{"definition":{"arn":"a"}}` + "\n" + `{"unit":"u"}` + "\n", head + `{"row":{"count":-1}}` + "\n" + `{"unit":"u"}` + "\n",
	} {
		f.Add([]byte(text))
	}
	name := filepath.Join(f.TempDir(), "state")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(name, "x", time.Unix(1, 0))
		if err != nil {
			if left, _ := os.ReadFile(name); string(left) != string(data) {
				t.Fatal("a file that is refused is left as it is")
			}
			return
		}
		first := newReportOf(j.state)
		j.close()
		if j, err = openJournal(name, "x", time.Unix(1, 0)); err != nil {
			t.Fatalf("what was opened does not open again: %v", err)
		}
		defer j.close()
		if again := newReportOf(j.state); len(again) != len(first) {
			t.Fatalf("%d rows, and then %d", len(first), len(again))
		}
	})
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
