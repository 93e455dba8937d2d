package policy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

const (
	vulnsType      = "https://in-toto.io/attestation/vulns/v0.2"
	provenanceType = "https://slsa.dev/provenance/v1"
)

// fleet writes records of decisions on n images: each with a signature, an SBOM, a report on vulnerabilities and provenance, of which
// rules read what such rules read.
func fleet(tb testing.TB, n int) []byte {
	tb.Helper()
	release := verify.Signer{
		Identity: verify.Identity{Kind: verify.OIDCIdentity,
			Subject: "https://github.com/acme/app/.github/workflows/release.yaml@refs/heads/main",
			Issuer:  "https://token.actions.githubusercontent.com"},
		Entries: []string{"release"}, Name: "release", SignedAt: now.Add(-time.Hour), TimeSource: verify.TimeLogged,
		Claims: map[string]string{"source": "https://github.com/acme/app", "ref": "refs/heads/main", "trigger": "push",
			"runner": "github-hosted"},
	}
	licenses := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "ISC", "MPL-2.0", "GPL-2.0-only WITH Classpath-exception-2.0",
		"Zlib", "Unlicense"}
	read := func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
		_, err := policy.Fact(in, a, "licenses", func() (map[string]int, error) {
			counts := make(map[string]int)
			for i, l := range licenses {
				counts[l] = 10 + i
			}
			return counts, nil
		})
		_, err2 := policy.Fact(in, a, "summary", func() (map[string]any, error) {
			return map[string]any{"components": 312, "subject": string(a.Subject.Digest), "created": now, "tool": "syft 1.38.0",
				"missing": 0}, nil
		})
		if a.PredicateType != sbomType {
			return errors.Join(err, err2)
		}
		_, err3 := policy.Fact(in, a, "purls", func() (out []string, _ error) { // what nobody asks for in the replay
			for i := range 312 {
				out = append(out, fmt.Sprintf("pkg:golang/example.com/module-%d@v1.%d.0", i, i%7))
			}
			return out, nil
		})
		return errors.Join(err, err2, err3)
	}
	var file bytes.Buffer
	rules := policy.All(byOf(alice), fleetRule(sbomType, read), fleetRule(vulnsType, read), fleetRule(provenanceType, read))
	for i := range n {
		image := verify.Descriptor{MediaType: subject.MediaType, Digest: digest.FromString(fmt.Sprint(i)), Size: 1200}
		r := &verify.Report{Subject: image}
		for _, t := range []string{"", sbomType, vulnsType, provenanceType} {
			a := &verify.Attestation{Kind: verify.Statement, Subject: verify.Descriptor{Digest: image.Digest}, PredicateType: t,
				Predicate: []byte("{}"),
				Signers:   []verify.Signer{release},
				Evidence: verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
					Digest: digest.FromString(fmt.Sprint(i, t)), Size: 9000},
				Checks: []verify.Check{{Name: "signature", Status: verify.Passed, Reason: "by release"},
					{Name: "log", Status: verify.Passed, Reason: "by rekor.sigstore.dev"},
					{Name: "subject", Status: verify.Passed, Reason: string(image.Digest)}}}
			if t == "" {
				a.Kind = verify.ImageSignature
			}
			r.Attestations = append(r.Attestations, a)
		}
		_, record := policy.Recorded(tb.Context(), rules,
			&policy.Input{Name: fmt.Sprintf("ghcr.io/acme/app-%d:v1", i), Now: now, Report: r})
		if err := json.NewEncoder(&file).Encode(record); err != nil {
			tb.Fatal(err)
		}
	}
	return file.Bytes()
}

func fleetRule(predicateType string, check func(context.Context, *policy.Input, *verify.Attestation) error) policy.Require {
	return policy.Require{Kind: verify.Statement, PredicateTypes: []string{predicateType}, ByEntry: []string{"release"},
		Quantifier: policy.Every, Check: check}
}

// fleetPolicy asks of each image what the replay answers from facts.
func fleetPolicy() policy.Policy {
	allowed := func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
		licenses, err := policy.Fact(in, a, "licenses", func() (map[string]int, error) { return nil, errors.New("read") })
		if licenses["AGPL-3.0-only"] > 0 {
			return errors.New("AGPL-3.0-only")
		}
		return err
	}
	return policy.All(
		policy.Named("signed", policy.Require{Kind: verify.ImageSignature, ByEntry: []string{"release"}}),
		policy.Named("licences", fleetRule(sbomType, allowed)),
		policy.Named("scanned", policy.Require{Kind: verify.Statement, PredicateTypes: []string{vulnsType}, ByEntry: []string{"release"},
			MaxAge: 24 * time.Hour, Quantifier: policy.Newest}),
		policy.Named("provenance",
			policy.Require{Kind: verify.Statement, PredicateTypes: []string{provenanceType}, ByEntry: []string{"release"}}),
	)
}

// BenchmarkReplay asks a policy about 10,000 records. It says how often that takes as long as reading their bytes and hashing them
// with SHA-256 does, and as checking their JSON and hashing them, each the fastest of the rounds, which alternate.
func BenchmarkReplay(b *testing.B) {
	file := fleet(b, 10_000)
	p := fleetPolicy()
	hash := func() {
		h := sha256.New()
		if _, err := io.Copy(h, bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
		h.Sum(nil)
	}
	check := func() {
		for line := range bytes.Lines(file) {
			if err := strictjson.Check(bytes.TrimSpace(line), strictjson.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
		hash()
	}
	replay := func() {
		n := 0
		for d, err := range policy.Replay(b.Context(), p, policy.ReadRecords(bytes.NewReader(file)), time.Time{}) {
			if err != nil || d.Verdict != policy.Allow {
				b.Fatal(d, err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
	fastest := []time.Duration{math.MaxInt64, math.MaxInt64, math.MaxInt64}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		for i, f := range []func(){hash, check, replay} {
			start := time.Now()
			f()
			fastest[i] = min(fastest[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(fastest[2])/float64(fastest[0]), "x-read+hash")
	b.ReportMetric(float64(fastest[2])/float64(fastest[1]), "x-check+hash")
	b.ReportMetric(float64(fastest[2].Microseconds())/10_000, "us/record")
}

// BenchmarkDiff compares two policies over 10,000 records.
func BenchmarkDiff(b *testing.B) {
	file := fleet(b, 10_000)
	p := fleetPolicy()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		for c, err := range policy.Diff(b.Context(), policy.Any(p, p), p, policy.ReadRecords(bytes.NewReader(file)), time.Time{}) {
			b.Fatal(c, err)
		}
	}
}
