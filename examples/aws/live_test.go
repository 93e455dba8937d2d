//go:build live

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// It needs an account: LADING_LIVE_IMAGE names a tag in an ECR repository to push to, LADING_LIVE_PROFILE is the ARN of a
// signing profile of the platform Notation-OCI-SHA384-ECDSA, and credentials are where the AWS SDK finds them.
//
//	go test -tags live -run Live -v ./examples/aws
func TestLive(t *testing.T) {
	image, profile := os.Getenv("LADING_LIVE_IMAGE"), os.Getenv("LADING_LIVE_PROFILE")
	if image == "" || profile == "" {
		t.Skip("LADING_LIVE_IMAGE and LADING_LIVE_PROFILE say what to use")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-image", image, "-profile", profile, "-binary", program}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	t.Log(stdout.String())
	for _, want := range []string{"ALLOW  ", "+ image signature by ", "+ attestation of type https://cyclonedx.org/bom by ", "   deploy "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the output has no %q", want)
		}
	}

	// The same image under another profile's name is not trusted.
	s := &shipment{p: &printer{w: &stdout}, profile: profile}
	if err := s.connect(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.load(t.Context(), image, nil); err != nil {
		t.Fatal(err)
	}
	s.profile += "_other"
	if d := s.gate().Check(t.Context(), s.pinned()); d.Err() == nil || !strings.Contains(d.Reason, "not trusted") {
		t.Errorf("decision %v", d)
	}
}
