//go:build !containers_image_openpgp

// Package containers tests Lading against go.podman.io/image, the library behind podman, skopeo, CRI-O and OpenShift. It is
// built with the tag containers_image_openpgp, without which the library wants GPGME and a C compiler; this test runs itself so.
package containers

import (
	"os/exec"
	"testing"
)

func TestWithTag(t *testing.T) {
	out, err := exec.Command("go", "test", "-tags", "containers_image_openpgp", "-count", "1", "-v", ".").CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
