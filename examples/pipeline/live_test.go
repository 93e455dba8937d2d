//go:build live

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// It needs an account: LADING_LIVE_IMAGE names a tag in an ECR repository to push to, LADING_LIVE_PROFILE is the ARN of a
// signing profile of the platform Notation-OCI-SHA384-ECDSA, and credentials are where the AWS SDK finds them. It writes there.
//
//	GOWORK=off go test -tags live -run Live -v .
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
	if code := run(t.Context(), []string{"-image", image, "-binary", program, "-scan", "inspector", "-sign", profile}, &stdout,
		&stderr); code != passed {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	t.Log(stdout.String())
	for _, want := range []string{"ALLOW  ", "+ image signature by ", "+ SBOM by ", "+ provenance by ", "   deploy "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the output has no %q", want)
		}
	}
}
