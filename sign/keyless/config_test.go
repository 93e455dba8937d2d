package keyless

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// selected returns the logs, authorities and certificate authority that a signing config chooses, or the kind of its error.
func selected(t *testing.T, text string, now time.Time) ([]string, error) {
	t.Helper()
	i := new(Instance)
	if err := json.Unmarshal([]byte(text), &i.config); err != nil {
		return nil, err
	}
	logs, tsas, err := i.witnesses(now)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range slices.Concat(logs, tsas) {
		names = append(names, strings.TrimPrefix(s.URL, "https://"))
	}
	return names, nil
}

// Which logs and timestamp authorities are asked, as protobuf-specs has it (sigstore_trustroot.proto, SigningConfig and ServiceSelector):
// the newest of each operator that serves now, of the highest version of the API that is spoken and of no other, and of these as many as
// the selector says. What is listed and cannot be used is never left out in silence.
func TestSelection(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	const (
		past, recent, future = "2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
		anyOne, all          = `{"selector":"ANY"}`, `{"selector":"ALL"}`
	)
	service := func(name, operator string, version, from, to string) string {
		if to != "" {
			to = `,"end":"` + to + `"`
		}
		return `{"url":"https://` + name + `","majorApiVersion":` + version + `,"operator":"` + operator + `","validFor":{"start":"` +
			from + `"` + to + `}}`
	}
	tsa := service("tsa", "a", "1", past, "")
	config := func(logs, rule, tsas, stamped string) string {
		return `{"rekorTlogUrls":[` + logs + `],"rekorTlogConfig":` + rule + `,"tsaUrls":[` + tsas + `],"tsaConfig":` + stamped + `}`
	}
	list := func(services ...string) string { return strings.Join(services, ",") }
	for _, c := range []struct{ name, config, want string }{
		{"one of each", config(service("r", "a", "2", past, ""), anyOne, tsa, anyOne), "r tsa"},
		{"the highest version, of all operators",
			config(list(service("old", "a", "1", recent, ""), service("new", "b", "2", past, "")), all, tsa, anyOne), "new tsa"},
		{"a version that is not spoken yet",
			config(list(service("three", "a", "3", recent, ""), service("two", "a", "2", past, "")), anyOne, tsa, anyOne), "two tsa"},
		{"the newest of an operator, wherever it stands",
			config(list(service("old", "a", "2", past, ""), service("new", "a", "2", recent, "")), all, tsa, anyOne), "new tsa"},
		{"one operator without a name",
			config(list(service("old", "", "2", past, ""), service("new", "", "2", recent, "")), all, tsa, anyOne), "new tsa"},
		{"not yet, and not any more", config(list(service("next", "a", "2", future, ""), service("gone", "a", "2", past, past),
			service("now", "a", "2", past, future)), all, tsa, anyOne), "now tsa"},
		{"all operators", config(list(service("a", "a", "2", past, ""), service("b", "b", "2", past, "")), all, tsa, anyOne), "a b tsa"},
		{"exactly two of three", config(list(service("a", "a", "2", past, ""), service("b", "b", "2", past, ""),
			service("c", "c", "2", past, "")),
			`{"selector":"EXACT","count":2}`, tsa, anyOne), "a b tsa"},
		{"first generation alone", config(service("r", "a", "1", past, ""), anyOne, "", `{}`), "r"},
		{"no log is listed", config("", `{}`, tsa, anyOne), "tsa"},
		{"no log is listed, any of them", config("", anyOne, tsa, all), "tsa"},
		{"valid to the second", config(service("r", "a", "1", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"), anyOne, "", `{}`), "r"},

		{"the listed logs have ended", config(service("gone", "a", "2", past, past), anyOne, tsa, anyOne), ""},
		{"the listed logs speak another version", config(service("three", "a", "3", past, ""), anyOne, tsa, anyOne), ""},
		{"no version", config(service("zero", "a", "0", past, ""), all, tsa, anyOne), ""},
		{"the listed authorities have ended",
			config(service("r", "a", "1", past, ""), anyOne, service("gone", "a", "1", past, past), anyOne), ""},
		{"second generation without a timestamp", config(service("r", "a", "2", past, ""), anyOne, "", `{}`), ""},
		{"neither", config("", `{}`, "", `{}`), ""},
		{"no rule", config(service("r", "a", "1", past, ""), `{}`, tsa, anyOne), ""},
		{"an unknown rule", config(service("r", "a", "1", past, ""), `{"selector":"MOST"}`, tsa, anyOne), ""},
		{"the rule that is none", config(service("r", "a", "1", past, ""), `{"selector":"SERVICE_SELECTOR_UNDEFINED"}`, tsa, anyOne), ""},
		{"exactly none", config(service("r", "a", "1", past, ""), `{"selector":"EXACT","count":0}`, tsa, anyOne), ""},
		{"exactly a negative number", config(service("r", "a", "1", past, ""), `{"selector":"EXACT","count":-1}`, tsa, anyOne), ""},
		{"exactly two of one operator", config(list(service("r", "a", "2", past, ""), service("s", "a", "2", recent, "")),
			`{"selector":"EXACT","count":2}`, tsa, anyOne), ""},
		{"exactly one of none", config("", `{"selector":"EXACT","count":1}`, tsa, anyOne), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, err := selected(t, c.config, now)
			switch {
			case c.want == "" && !errors.Is(err, ErrConfig):
				t.Errorf("%v, %v: want ErrConfig", names, err)
			case c.want != "" && (err != nil || strings.Join(names, " ") != c.want):
				t.Errorf("%v, %v: want %s", names, err, c.want)
			case err != nil && strings.ContainsAny(err.Error(), "\r\n"):
				t.Errorf("%q", err)
			}
		})
	}
}
