// Package tools_test runs the programs that write SBOMs on two projects that it makes, and takes what they write through Parse,
// Validate, Convert and Diff. It is a module of its own, which no default step runs: programs of Go are built, which takes
// minutes, and those of npm are downloaded.
//
//	LADING_TOOLS=/some/bin GOWORK=off go test -v .
//
// LADING_TOOLS is where programs are kept between runs. What is not there is built into it, and what takes longest, Trivy and
// syft, only if LADING_TOOLS is set and LADING_TOOLS_BUILD is not "-". What cannot be had is skipped, and said.
package tools_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/registry/registrytest"
)

// The programs, by the versions that docs/wild.md speaks of.
const (
	npm          = "npm@11.21.2"
	pnpm         = "pnpm@12.21.0"
	yarn         = "@yarnpkg/cli-dist@4.18.1"
	cyclonedxNpm = "@cyclonedx/cyclonedx-npm@6.0.1"
	cdxgen       = "@cyclonedx/cdxgen@12.8.4"
)

var goPrograms = map[string]struct {
	module string
	env    []string
	slow   bool
}{
	"cyclonedx-gomod": {module: "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"},
	"govulncheck":     {module: "golang.org/x/vuln/cmd/govulncheck@v1.9.0"},
	"ko":              {module: "github.com/google/ko@v0.19.1"},
	"syft":            {module: "github.com/anchore/syft/cmd/syft@v1.57.0", slow: true},
	"trivy":           {module: "github.com/aquasecurity/trivy/cmd/trivy@v0.74.0", env: []string{"GOEXPERIMENT=jsonv2"}, slow: true},
}

// program returns where a program of Go is, and builds it if it is nowhere.
func program(t *testing.T, name string) string {
	t.Helper()
	dir, p := os.Getenv("LADING_TOOLS"), goPrograms[name]
	at := filepath.Join(dir, name)
	if _, err := os.Stat(at); dir != "" && err == nil {
		return at
	}
	if p.slow && (dir == "" || os.Getenv("LADING_TOOLS_BUILD") == "-") {
		t.Skipf("%s takes long to build: set LADING_TOOLS", name)
	}
	if dir == "" {
		dir = t.TempDir()
	}
	cmd := exec.Command("go", "install", p.module)
	cmd.Env = append(append(os.Environ(), "GOBIN="+dir, "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0"), p.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return filepath.Join(dir, name)
}

func run(t *testing.T, dir string, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "npm_config_update_notifier=false", "npm_config_fund=false",
		"npm_config_audit=false"), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, errs.Bytes())
	}
	return out
}

// npx runs a program of npm.
func npx(t *testing.T, dir, pkg string, args ...string) []byte {
	t.Helper()
	return run(t, dir, nil, "npx", append([]string{"--yes", pkg}, args...)...)
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, body := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// nodeProject has workspaces, an alias, a directory, optional, development and peer dependencies.
var nodeProject = map[string]string{
	"package.json": `{"name":"@acme/storefront","version":"1.2.3","license":"MIT","private":true,"workspaces":["packages/*"],
"dependencies":{"express":"4.21.2","left-pad-alias":"npm:left-pad@1.3.0","localdep":"file:./localdep","@babel/code-frame":"7.26.2","ms":"2.1.3"},
"devDependencies":{"semver":"7.6.3","typescript":"5.6.3"},"optionalDependencies":{"fsevents":"2.3.3","is-number":"7.0.0"},"peerDependencies":{"picocolors":"^1.0.0"}}`,
	"packages/pay/package.json": `{"name":"@acme/pay","version":"0.2.0","license":"SEE LICENSE IN LICENSE.txt",` +
		`"dependencies":{"uuid":"9.0.1"}}`,
	"packages/cart/package.json": `{"name":"@acme/cart","version":"0.1.0","license":"Apache-2.0","dependencies":{"@acme/pay":"^0.2.0","ms":"2.0.0"},
"devDependencies":{"isarray":"2.0.5"}}`,
	"localdep/package.json": `{"name":"localdep","version":"3.0.0","license":"0BSD"}`,
	"pnpm-workspace.yaml":   "packages:\n  - packages/*\nlinkWorkspacePackages: true\n",
}

var goProject = map[string]string{
	"go.mod": "module example.com/goapp\n\ngo 1.26\n\nrequire (\n\tgithub.com/google/uuid v1.6.0\n" +
		"\tgithub.com/opencontainers/go-digest v1.0.0\n\tgolang.org/x/time v0.15.0\n)\n",
	"main.go": `package main

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/opencontainers/go-digest"
	"golang.org/x/time/rate"
)

func main() { fmt.Println(uuid.New(), digest.FromString("x"), rate.Inf) }
`,
}

// npmWrites are what npm and the programs that read its projects write.
func npmWrites(t *testing.T, out map[string][]byte) {
	root := t.TempDir()
	write(t, root, nodeProject)
	npx(t, root, npm, "install", "--ignore-scripts")
	out["npm.cdx"] = npx(t, root, npm, "sbom", "--sbom-format", "cyclonedx")
	out["npm.spdx"] = npx(t, root, npm, "sbom", "--sbom-format", "spdx")
	out["npm-omit-dev.cdx"] = npx(t, root, npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev")
	out["cyclonedx-npm.cdx"] = npx(t, root, cyclonedxNpm, "--output-reproducible")
	out["cyclonedx-npm.cdx.xml"] = npx(t, root, cyclonedxNpm, "--output-format", "XML", "--spec-version", "1.5", "--omit", "dev")
	npx(t, root, cdxgen, "-t", "js", "--no-install-deps", "-o", "cdxgen.json", ".")
	out["cdxgen.cdx"] = read(t, root, "cdxgen.json")
	if err := os.Remove(filepath.Join(root, "cdxgen.json")); err != nil {
		t.Fatal(err)
	}
	t.Run("syft", func(t *testing.T) {
		syft := program(t, "syft")
		run(t, root, nil, syft, "scan", "-q", "dir:.", "-o", "cyclonedx-json="+filepath.Join(root, "s.cdx"), "-o",
			"spdx-json="+filepath.Join(root, "s.spdx"),
			"-o", "spdx-tag-value="+filepath.Join(root, "s.tag"))
		out["syft.cdx"], out["syft.spdx"], out["syft.spdx.tag"] = read(t, root, "s.cdx"), read(t, root, "s.spdx"), read(t, root, "s.tag")
	})
	t.Run("trivy", func(t *testing.T) {
		trivy := program(t, "trivy")
		out["trivy.cdx"] = run(t, root, nil, trivy, "fs", "-q", "--offline-scan", "--format", "cyclonedx", ".")
		out["trivy.spdx"] = run(t, root, nil, trivy, "fs", "-q", "--offline-scan", "--format", "spdx-json", ".")
	})
}

// pnpmWrites are what pnpm 12 writes, which has the command since, and cdxgen of its project.
func pnpmWrites(t *testing.T, out map[string][]byte) {
	root := t.TempDir()
	write(t, root, nodeProject)
	npx(t, root, pnpm, "install", "--ignore-scripts")
	for _, v := range []string{"1.5", "1.7"} {
		out["pnpm-"+v+".cdx"] = npx(t, root, pnpm, "sbom", "--sbom-format", "cyclonedx", "--sbom-spec-version", v)
	}
	out["pnpm.spdx"] = npx(t, root, pnpm, "sbom", "--sbom-format", "spdx")
	npx(t, root, cdxgen, "-t", "pnpm", "--no-install-deps", "-o", "cdxgen.json", ".")
	out["pnpm-cdxgen.cdx"] = read(t, root, "cdxgen.json")
}

// yarnWrites is what cdxgen writes of yarn's lockfile; yarn itself writes no SBOM.
func yarnWrites(t *testing.T, out map[string][]byte) {
	root := t.TempDir()
	write(t, root, nodeProject)
	write(t, root, map[string]string{".yarnrc.yml": "nodeLinker: node-modules\nenableScripts: false\nenableTelemetry: false\n",
		"yarn.lock": ""})
	npx(t, root, yarn, "install")
	npx(t, root, cdxgen, "-t", "yarn", "--no-install-deps", "-o", "cdxgen.json", ".")
	out["yarn-cdxgen.cdx"] = read(t, root, "cdxgen.json")
}

// goWrites are what programs write of a Go module and of the program that it builds.
func goWrites(t *testing.T, out map[string][]byte) {
	root := t.TempDir()
	write(t, root, goProject)
	run(t, root, nil, "go", "mod", "tidy")
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"},
		{"-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "x"}, {"tag", "v1.4.0"}} {
		run(t, root, nil, "git", args...)
	}
	bin := t.TempDir()
	app := filepath.Join(bin, "goapp")
	run(t, root, []string{"CGO_ENABLED=0"}, "go", "build", "-o", app, ".")
	gomod := program(t, "cyclonedx-gomod")
	out["gomod-mod.cdx"] = run(t, root, nil, gomod, "mod", "-json", ".")
	out["gomod-app.cdx"] = run(t, root, nil, gomod, "app", "-json", ".")
	out["gomod-app-files.cdx.xml"] = run(t, root, nil, gomod, "app", "-files", "-packages", ".")
	out["gomod-bin.cdx"] = run(t, root, nil, gomod, "bin", "-json", app)
	t.Run("ko", func(t *testing.T) {
		dir := t.TempDir()
		host := base(t)
		run(t, root, []string{"KO_DOCKER_REPO=" + host + "/app", "KO_DEFAULTBASEIMAGE=" + host + "/base:v1", "COSIGN_REPOSITORY="},
			program(t, "ko"),
			"build", "--bare", "--platform", "linux/amd64", "--sbom-dir", dir, ".")
		files, err := filepath.Glob(filepath.Join(dir, "*.spdx.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%q: %v", files, err)
		}
		for i, f := range files {
			out[fmt.Sprintf("ko-%d.spdx", i)] = read(t, "", f)
		}
	})
	t.Run("syft", func(t *testing.T) {
		syft := program(t, "syft")
		run(t, bin, nil, syft, "scan", "-q", "file:goapp", "-o", "cyclonedx-json="+filepath.Join(bin, "s.cdx"), "-o",
			"spdx-json@2.2="+filepath.Join(bin, "s.spdx"),
			"-o", "cyclonedx-xml="+filepath.Join(bin, "s.xml"))
		out["syft-app.cdx"], out["syft-app-2.2.spdx"], out["syft-app.cdx.xml"] = read(t, bin, "s.cdx"), read(t, bin, "s.spdx"),
			read(t, bin, "s.xml")
	})
	t.Run("trivy", func(t *testing.T) {
		trivy := program(t, "trivy")
		for format, name := range map[string]string{"cyclonedx": "trivy-app.cdx", "spdx-json": "trivy-app.spdx",
			"spdx": "trivy-app.spdx.tag"} {
			out[name] = run(t, bin, nil, trivy, "rootfs", "-q", "--offline-scan", "--format", format, ".")
		}
	})
	t.Run("govulncheck", func(t *testing.T) {
		db := t.TempDir()
		write(t, db, vulnerabilityDatabase)
		out["govulncheck.openvex"] = run(t, root, nil, program(t, "govulncheck"), "-mode", "binary", "-format", "openvex", "-db",
			"file://"+db, app)
	})
}

// vulnerabilityDatabase is made up: one entry, in the form of vuln.go.dev.
var vulnerabilityDatabase = map[string]string{
	"index/db.json": `{"modified":"2026-01-01T00:00:00Z"}`,
	"index/modules.json": `[{"path":"github.com/google/uuid","vulns":[{"id":"GO-2026-0001","modified":"2026-01-01T00:00:00Z",` +
		`"fixed":"1.7.0"}]}]`,
	"index/vulns.json": `[{"id":"GO-2026-0001","modified":"2026-01-01T00:00:00Z"}]`,
	"ID/GO-2026-0001.json": `{"schema_version":"1.3.1","id":"GO-2026-0001","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z","details":"made up",
"affected":[{"package":{"name":"github.com/google/uuid","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.7.0"}]}],
"ecosystem_specific":{"imports":[{"path":"github.com/google/uuid","symbols":["New"]}]}}]}`,
}

// base starts a registry with an image without layers, and returns its host.
func base(t *testing.T) string {
	t.Helper()
	srv := registrytest.Start(nil)
	t.Cleanup(srv.Close)
	config := []byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`)
	sum := fmt.Sprintf("sha256:%x", sha256.Sum256(config))
	url := "http://" + srv.Host() + "/v2/base/"
	res, err := http.Post(url+"blobs/uploads/?digest="+sum, "application/octet-stream", bytes.NewReader(config))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[]}`, sum, len(config))
	req, err := http.NewRequest(http.MethodPut, url+"manifests/v1", strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	put, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	put.Body.Close()
	if res.StatusCode != http.StatusCreated || put.StatusCode != http.StatusCreated {
		t.Fatalf("the registry says %s and %s", res.Status, put.Status)
	}
	return srv.Host()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// members reads JSON.
func members(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
