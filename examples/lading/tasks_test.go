package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry/registrytest"
)

// What the commands of docs/tasks.md say, by the number of the task.
var taskSays = map[string][]string{
	"1":  {`(?m)^CycloneDX 1.6: \d+ components`, `wrote dir.cdx.json`},
	"2":  {`(?m)^  deb +2$`, `wrote image.cdx.json`},
	"3":  {`attached  https://sigstore.dev/cosign/sign/v1`},
	"4":  {`attached  https://cyclonedx.org/bom`, `── sha256:[0-9a-f]{12} `},
	"5":  {`(?ms)^ALLOW .*proven +image signature.*^ALLOW .*proven +.*https://cyclonedx.org/bom`},
	"6":  {`0 findings`, `(?m)^ALLOW +registry.example.com/shop/app:v1`},
	"7":  {`values|nothing was lost|lost`},
	"8":  {`(?s)DENY.*status 1\n.*DENY`, `(?s)To be allowed, it takes\n  - .*https://example.com/review/v1`, `missing: `},
	"9":  {`copied \d+ manifests and blobs`, `(?m)^ALLOW `},
	"10": {`(?m)^ALLOW `, `proven +image signature`},
}

var taskBlock = regexp.MustCompile("(?ms)^## (\\d+)\\. |^```sh\n(.*?)^```$")

// The commands of docs/tasks.md do what the page says, in its order. The image is one of this test's.
func TestTasks(t *testing.T) {
	for _, name := range []string{"sh", "openssl", "tar"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s: %v", name, err)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "tasks.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(checkout(t), "try")
	srv := registrytest.Start(nil)
	defer srv.Close()
	push(t, srv.Host()+"/demo/app:v1", []ocispec.Platform{{OS: "linux", Architecture: "amd64"}}, status)
	if code := run(t.Context(), []string{"copy", srv.Host() + "/demo/app:v1", "layout:" + filepath.Join(dir, "out") + ":v1"}, nil,
		new(bytes.Buffer), os.Stderr); code != 0 {
		t.Fatalf("status %d", code)
	}
	said, number := make(map[string]string), ""
	for _, m := range taskBlock.FindAllSubmatch(page, -1) {
		if m[1] != nil {
			number = string(m[1])
			continue
		}
		if number == "" { // it builds the program, and an image
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", string(m[2]))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if said[number] += string(out); err != nil {
			t.Fatalf("task %s: %v\n%s%s", number, err, m[2], out)
		}
	}
	for number, want := range taskSays {
		for _, w := range want {
			if !regexp.MustCompile(w).MatchString(said[number]) {
				t.Errorf("task %s does not say %q:\n%s", number, w, said[number])
			}
		}
	}
	for i := 1; i <= len(taskSays); i++ {
		for line := range strings.Lines(said[fmt.Sprint(i)]) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("task %d: %d columns: %s", i, n, line)
			}
		}
	}
}

// checkout makes a directory that has what the tasks look at, and this program in try.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "try"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"try/lading": program, "examples": "../../examples", "registry": "../../registry"} {
		at, err := filepath.Abs(at)
		if err == nil {
			err = os.Symlink(at, filepath.Join(dir, filepath.FromSlash(name)))
		}
		if err != nil {
			t.Skipf("no symbolic links: %v", err)
		}
	}
	return dir
}
