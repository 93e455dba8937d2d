package sigstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	vulnsv01 "github.com/in-toto/attestation/go/predicates/vulns/v01"
	vulnsv02 "github.com/in-toto/attestation/go/predicates/vulns/v02"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	"google.golang.org/protobuf/encoding/protojson"
)

const reports = "../../../sbom/vuln/testdata/scan-reports/"

func scanReport(t *testing.T, name string) *vuln.Report {
	t.Helper()
	f, err := os.Open(reports + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := vuln.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// places is what a report says of each place, whatever it stood in.
func places(r *vuln.Report) (out []string) {
	for f, a := range r.Places() {
		out = append(out, strings.Join([]string{f.ID, f.Severity.String(), a.Component.PURL, string(a.Status), strings.Join(a.Fixed, " ")},
			" "))
	}
	slices.Sort(out)
	return out
}

// cosignPredicate asks cosign for an attestation of a type, and returns the predicate of what it verified and printed.
func (f *fixture) cosignPredicate(ctx context.Context, t *testing.T, predicateType string) ([]byte, error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stdout := os.Stdout
	os.Stdout = out
	c := &cosignverify.VerifyAttestationCommand{
		KeyRef: f.public, CheckClaims: true, IgnoreTlog: true, PredicateType: predicateType, Output: "json",
		CommonVerifyOptions: options.CommonVerifyOptions{IgnoreTlog: true, Offline: true, NewBundleFormat: true, MaxWorkers: 1},
	}
	err = c.Exec(ctx, []string{f.image.String()})
	os.Stdout = stdout
	if err != nil {
		return nil, err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var envelope struct {
		Payload string `json:"payload"`
	}
	if err := json.NewDecoder(out).Decode(&envelope); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil {
		t.Fatal(err)
	}
	var st struct {
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &st); err != nil {
		t.Fatal(err)
	}
	return st.Predicate, nil
}

// Cosign verifies a report that we attest, under each type that we write, and gives the same report back.
func TestCosignVerifiesReports(t *testing.T) {
	quiet(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	f := setup(t, keyTypes[0])
	r := scanReport(t, "trivy.json")
	for _, tt := range []struct {
		cosign string // by the name or the type that its users give
		make   func() (sign.Predicate, error)
	}{
		{vuln.TypeVulnsV02, func() (sign.Predicate, error) { return r, nil }},
		{vuln.TypeVulnsV01, func() (sign.Predicate, error) { return r.VulnsV01() }},
		{"vuln", func() (sign.Predicate, error) { return r.CosignVuln() }},
		{"cyclonedx", func() (sign.Predicate, error) { return r.VDR() }},
	} {
		t.Run(tt.cosign, func(t *testing.T) {
			f := *f
			f.fresh(t)
			predicate, err := tt.make()
			if err != nil {
				t.Fatal(err)
			}
			evidence, err := (&sign.BundleSigner{Key: f.key}).Sign(ctx, sign.About(f.subject, predicate))
			if err != nil {
				t.Fatal(err)
			}
			f.attach(t, "", evidence)
			got, err := f.cosignPredicate(ctx, t, tt.cosign)
			if err != nil {
				t.Fatalf("cosign: %v", err)
			}
			back, err := vuln.ParsePredicate(predicate.PredicateType(), got)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(places(back), places(r)) {
				t.Errorf("%q, not %q", places(back), places(r))
			}
			if _, err := f.cosignPredicate(ctx, t, "openvex"); err == nil {
				t.Error("cosign takes it for another type")
			}
		})
	}
}

// What cosign attests with --type vuln, a report of ours or of Trivy, we verify and read. Cosign reads the predicate into its own
// types, and writes those: times must be times, and members that it does not know are lost.
func TestReportsByCosign(t *testing.T) {
	quiet(t)
	pass := func(bool) ([]byte, error) { return []byte(passphrase), nil }
	ours := scanReport(t, "trivy.json")
	ours.Started, ours.Finished = time.Time{}, time.Time{} // nobody said
	predicate, err := ours.CosignVuln()
	if err != nil {
		t.Fatal(err)
	}
	data, err := predicate.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ours.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		want *vuln.Report
	}{{file, ours}, {reports + "trivy.cosign-vuln.json", scanReport(t, "trivy.cosign-vuln.json")}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f := setup(t, keyTypes[0])
		ko := options.KeyOpts{KeyRef: f.private, PassFunc: pass, NewBundleFormat: true, SkipConfirmation: true}
		a := &attest.AttestCommand{KeyOpts: ko, PredicatePath: tt.path, PredicateType: "vuln", RekorEntryType: "dsse", Timeout: time.Minute}
		if err := a.Exec(ctx, f.image.String()); err != nil {
			t.Fatalf("cosign attest: %v", err)
		}
		v := &verify.KeyVerifier{Keys: []verify.TrustedKey{f.trusted}}
		att, err := v.Verify(ctx, f.subject, f.evidence(t, "")[0])
		if err != nil {
			t.Fatal(err)
		}
		back, err := vuln.ParsePredicate(att.PredicateType, att.Predicate)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(places(back), places(tt.want)) || !back.Started.Equal(tt.want.Started) || len(back.Findings) == 0 {
			t.Errorf("%s: %q, not %q", tt.path, places(back), places(tt.want))
		}
	}
}

// In-toto's own types take what we write, and we take what they write.
func TestInTotoVulns(t *testing.T) {
	r := scanReport(t, "trivy.json")
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var theirs vulnsv02.Vulns
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	if n := len(theirs.GetScanner().GetResult()); n != len(r.Findings) || theirs.GetScanner().GetVersion() != r.Tool.Version {
		t.Errorf("%d results of %q", n, theirs.GetScanner().GetVersion())
	}
	again, err := protojson.Marshal(&theirs)
	if err != nil {
		t.Fatal(err)
	}
	back, err := vuln.ParsePredicate(vuln.TypeVulnsV02, again)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(places(back), places(r)) {
		t.Errorf("%q, not %q", places(back), places(r))
	}
	old, err := protojson.Marshal(&vulnsv01.Vulns{
		Scanner: &vulnsv01.Scanner{Uri: "u", Database: &vulnsv01.VulnDatabase{}, Result: &vulnsv01.Result{
			Vulnerabilities: []*vulnsv01.Vulnerability{
				{Id: "CVE-2026-1", Severity: []*vulnsv01.Vulnerability_Severity{{Method: "nvd", Score: "high"}}}}}},
		ScanMetadata: &vulnsv01.ScanMetadata{},
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err = vuln.ParsePredicate(vuln.TypeVulnsV01, old)
	if err != nil || len(back.Findings) != 1 || back.Findings[0].Severity != vuln.High {
		t.Errorf("%+v, %v", back, err)
	}
}
