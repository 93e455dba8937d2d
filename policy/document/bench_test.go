package document

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// hundred is a document of a hundred rules, of every kind, over twenty entries and ten keys.
func hundred(tb testing.TB) []byte {
	tb.Helper()
	var b strings.Builder
	b.WriteString("version: 1\nname: hundred\nserial: 1\nexpires: 2027-01-01\ntrust:\n")
	for i := range 10 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			tb.Fatal(err)
		}
		text, _ := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
		fmt.Fprintf(&b, "  - name: team-%d\n    key: %s\n", i, text)
	}
	b.WriteString("gates:\n  admission: {mode: deny}\n  sweep: {mode: audit, indeterminate: warn}\nimages:\n")
	for i := range 20 {
		fmt.Fprintf(&b, "  - name: product %d\n    match:\n      - 123456789012.dkr.ecr.eu-central-1.amazonaws.com/product-%d/**\n    "+
			"require:\n", i, i)
		fmt.Fprintf(&b, "      - name: signed by two teams\n        signature:\n          by: [team-%d, team-%d]\n          atLeast: 2\n",
			i%10, (i+1)%10)
		fmt.Fprintf(&b, "      - name: contents are known\n        sbom:\n          by: [team-%d]\n          profile: ntia-2021\n      "+
			"    components: 3\n", i%10)
		fmt.Fprintf(&b, "      - name: no copyleft\n        licenses:\n          by: [team-%d]\n          deny: [AGPL-3.0-only, "+
			"AGPL-3.0-or-later, SSPL-1.0]\n", i%10)
		fmt.Fprintf(&b, "      - name: no critical vulnerabilities\n        vulnerabilities:\n          by: [team-%d]\n          "+
			"severity: critical\n          onlyFixable: true\n", i%10)
		fmt.Fprintf(&b, "      - name: built by us\n        provenance:\n          by: [team-%d]\n          builders:\n            - "+
			"id: https://ci.example/builder/v%d\n              level: 3\n          sources: "+
			"[\"https://github.com/acme/product-%d\"]\n", i%10, i, i)
	}
	return []byte(b.String())
}

// BenchmarkLoad reads and loads a document of a hundred rules, and parses its YAML alone, in turn.
func BenchmarkLoad(b *testing.B) {
	data := hundred(b)
	var ours, theirs []time.Duration
	for b.Loop() {
		begin := time.Now()
		doc, err := Parse(data)
		if err == nil {
			_, err = doc.Load(nil)
		}
		ours = append(ours, time.Since(begin))
		if err != nil {
			b.Fatal(err)
		}
		begin = time.Now()
		var n yaml.Node
		if err := yaml.Unmarshal(data, &n); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, time.Since(begin))
	}
	b.ReportMetric(float64(slices.Min(ours))/float64(slices.Min(theirs)), "ratio") // of the minima: what others do on the machine only adds
}

func TestHundred(t *testing.T) {
	doc, err := Parse(hundred(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doc.Load(nil); err != nil {
		t.Fatal(err)
	}
	if got := doc.Lint(); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// What is read is read again from its canonical form, to the same digest; every fault has a place in the document.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add(hundred(f)[:6000])
	f.Add([]byte(`{"version":1,"name":"x","images":[{"match":["**"],"deny":"no"}]}`))
	f.Add([]byte("version: 1\nname: a\ntrust: [{name: b, kind: c, with: {d: [e]}, from: 2026-01-01}]\nrules: {a: {require: [{use: a}]}" +
		"}\nimages:\n- match: ['*.a.example/b']\n  require: [{use: a}, {anyOf: [{sbom: {}}, {atLeast: {n: 1, of: [{signature: {}}]}}]}]\n"))
	f.Add([]byte("version: 1\nname: a\nimages: [{match: [a.example/b], exempt: {owner: a, reason: b, expires: 2026-01-01}, gates: {x: " +
		"{mode: warn}}}]\ninjected: [{name: a, accounts: ['123456789012'], repositories: [a/**]}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		placed := func(err error) {
			faults, ok := err.(Errors)
			if !ok || len(faults) == 0 || len(faults) > maxErrors+1 {
				t.Fatalf("%q: %v", data, err)
			}
			for _, e := range faults {
				if e.Line < 1 || e.Line > lines+1 || e.Column < 1 || e.Reason == "" || strings.ContainsAny(e.Error(), "\n\x1b") {
					t.Errorf("%q: %+v", data, e)
				}
			}
		}
		doc, err := Parse(data)
		if err != nil {
			placed(err)
			return
		}
		again, err := Parse(doc.json)
		if err != nil || again.Digest() != doc.Digest() {
			t.Fatalf("%q is %s, which is not read to the same: %v", data, doc.json, err)
		}
		doc.Lint()
		p, err := doc.Load(&Options{Unbound: true})
		if err != nil {
			placed(err)
			return
		}
		if p.Validate() == nil {
			t.Errorf("%q: a policy without its trust may allow", data)
		}
	})
}
