package notary_test

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The README of verify/notary says what programs weigh. The numbers of modules have to be right, the sizes nearly.
func TestWeight(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the README speaks of linux/amd64")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "verify/notary/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ program, module, row string }{
		{"lading", root, "| Lading, revocation asked of AWS |"},
		{"offline", root, "| Lading, revocation not asked |"},
		{"notation", filepath.Join(root, "internal/interop"), "| notation-go v1.3.2 with oras-go |"},
	} {
		main, err := filepath.Abs("testdata/weight/" + tt.program + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(t.TempDir(), tt.program)
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, main)
		build.Dir, build.Env = tt.module, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(binary)
		if err != nil {
			t.Fatal(err)
		}
		built, err := buildinfo.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		mb := float64(info.Size()) / 1e6
		t.Logf("%s: %.1f MB, %d modules", tt.program, mb, len(built.Deps))

		_, row, found := strings.Cut(string(readme), tt.row)
		var said float64
		var modules int
		if _, err := fmt.Sscanf(row, " %f MB | %d |", &said, &modules); err != nil || !found {
			t.Fatalf("the README has no row %s with size and modules: %v", tt.row, err)
		}
		if modules != len(built.Deps) {
			t.Errorf("%s: the README says %d modules, the binary %d", tt.program, modules, len(built.Deps))
		}
		if said < mb*0.9 || said > mb*1.1 {
			t.Errorf("%s: the README says %.1f MB, it is %.1f MB", tt.program, said, mb)
		}
	}
}
