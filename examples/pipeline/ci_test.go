package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom/vuln/osv"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

// read parses a file of folder ci.
func read(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("ci", name))
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if on, ok := v["on"]; !ok && on != nil {
		t.Fatalf("%s: a key that is a word of YAML", name)
	}
	return v
}

// The files are what the services' published schemas say, and the schemas refuse what is not.
func TestSchemas(t *testing.T) {
	for name, schema := range map[string]string{"github.yml": "github-workflow.json", "gitlab-ci.yml": "gitlab-ci.json"} {
		f, err := os.Open(filepath.Join("testdata", "schema", schema))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		doc, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.UseRegexpEngine(func(text string) (jsonschema.Regexp, error) { // Go has no lookahead, and what needs it is no matter here
			r, err := regexp.Compile(text)
			if err != nil {
				return anything(text), nil
			}
			return r, nil
		})
		if err := c.AddResource(schema, doc); err != nil {
			t.Fatal(err)
		}
		judge, err := c.Compile(schema)
		if err != nil {
			t.Fatal(err)
		}
		v := read(t, name)
		if err := judge.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, section := range []string{"jobs", "release"} {
			jobs, ok := v[section].(map[string]any)
			if !ok {
				continue
			}
			jobs["runs-onn"], jobs["scripts"] = "x", 1
			if judge.Validate(v) == nil {
				t.Errorf("%s: a member that there is not is accepted", name)
			}
		}
	}
}

type anything string

func (a anything) String() string          { return string(a) }
func (a anything) MatchString(string) bool { return true }

// shims stand for the programs that the files call and this machine may not have, or that would leave it: a clone makes an empty
// folder, a build of Lading's programs is the one under test, a build of the user's is a program that is at hand, and advisories
// are two.
const shims = `#!/bin/bash
set -euo pipefail
echo "$(basename "$0") $*" >> "$SHIMS/calls"
case "$(basename "$0")" in
git) test "$1" = clone; mkdir -p "$SHIMS/clone"; exit ;;
docker) test "$1" = login; cat > /dev/null; exit ;;
curl) cp "$SHIMS/go.zip" go.zip; exit ;;
esac
out=
while [ $# -gt 0 ]; do
	if [ "$1" = -o ]; then out=$2; fi
	shift
done
case "$(basename "$out")" in
app) cp "$PROGRAM" app ;;
pipeline | scan) # behind a path, such as "$RUNNER_TEMP/pipeline", or on the path
	case "$out" in "$SHIMS"/*) ln -sf "$SHIMS/$(basename "$out")" "$out" ;; esac ;;
*) exit 1 ;;
esac
`

// prepare makes a folder with the shims, and the environment that jobs run in.
func prepare(t *testing.T) (dir string, env map[string]string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the files are for the bash of a CI service on Linux")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	dir, env = t.TempDir(), surroundings(t)
	env["SHIMS"], env["HOME"] = dir, filepath.Join(dir, "home")
	for _, d := range []string{"home", "work", "runner"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"git", "go", "docker", "curl"} {
		write(name, shims)
	}
	// Keyless, the program would ask the public Sigstore.
	write(
		"pipeline",
		"#!/bin/bash\nmore=()\ncase \"$*\" in *keyless*) more=(-sigstore \"$SIGSTORE\") ;; esac\nexec -a pipeline \""+env["PROGRAM"]+
			"\" \"$@\" \"${more[@]}\"\n",
	)
	write("scan", "#!/bin/bash\nexec -a scan \""+env["PROGRAM"]+"\" \"$@\"\n")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, id := range []string{"GO-2026-0001", "GO-2026-0002"} {
		f, err := w.Create(id + ".json")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, `{"id": %q, "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Go", "name": `+
			`"example.com/%s"},`+
			`"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}`, id, id)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write("go.zip", b.String())
	return dir, env
}

// shell runs a step as the services do.
func shell(t *testing.T, dir string, env map[string]string, text string) string {
	t.Helper()
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", text)
	cmd.Dir = filepath.Join(dir, "work")
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", text, err, out)
	}
	return string(out)
}

// released proves that a file's run released the image.
func released(t *testing.T, dir, summary, says string) {
	t.Helper()
	pinned, err := os.ReadFile(filepath.Join(dir, "work", "pinned.txt"))
	if err != nil || !regexp.MustCompile(`^127\.0\.0\.1:[0-9]+/acme/app@sha256:[0-9a-f]{64}\n$`).Match(pinned) {
		t.Errorf("%v, %q", err, pinned)
	}
	text, err := os.ReadFile(summary)
	if err != nil || !bytes.Contains(text, []byte("**Released:** `"+strings.TrimSpace(string(pinned))+"`")) ||
		!bytes.Contains(text, []byte(says)) {
		t.Errorf("%v\n%s", err, text)
	}
	t.Logf("%s", text)
}

var expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)

// expand replaces GitHub's expressions.
func expand(t *testing.T, text string) string {
	t.Helper()
	known := map[string]string{"github.repository": "acme/app", "github.ref_name": "v1.0", "secrets.GITHUB_TOKEN": "secret"}
	return expression.ReplaceAllStringFunc(text, func(m string) string {
		v, ok := known[expression.FindStringSubmatch(m)[1]]
		if !ok {
			t.Errorf("%s is not known", m)
		}
		return v
	})
}

func TestGitHub(t *testing.T) {
	dir, env := prepare(t)
	job := read(t, "github.yml")["jobs"].(map[string]any)["release"].(map[string]any)
	for name, value := range job["env"].(map[string]any) {
		env[name] = expand(t, value.(string))
	}
	env["IMAGE"] = strings.Replace(env["IMAGE"], "ghcr.io", env["REGISTRY"], 1)
	env["RUNNER_TEMP"], env["GITHUB_ACTOR"] = filepath.Join(dir, "runner"), "somebody"
	env["GITHUB_STEP_SUMMARY"], env["GITHUB_OUTPUT"] = filepath.Join(dir, "summary.md"), filepath.Join(dir, "output")
	ran := 0
	for _, s := range job["steps"].([]any) {
		step := s.(map[string]any)
		text, ok := step["run"].(string)
		if !ok {
			continue
		}
		ran++
		own := map[string]string{}
		for name, value := range env {
			own[name] = value
		}
		more, _ := step["env"].(map[string]any)
		for name, value := range more {
			own[name] = expand(t, value.(string))
		}
		shell(t, dir, own, expand(t, text))
	}
	released(t, dir, env["GITHUB_STEP_SUMMARY"], "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0")
	output, err := os.ReadFile(env["GITHUB_OUTPUT"])
	if err != nil || !strings.HasPrefix(string(output), "image=127.0.0.1:") || ran < 4 {
		t.Errorf("%v, %q, %d steps", err, output, ran)
	}
	if permissions := read(t, "github.yml")["permissions"].(map[string]any); permissions["id-token"] != "write" {
		t.Error("no permission for a token")
	}
}

func TestGitLab(t *testing.T) {
	dir, env := prepare(t)
	job := read(t, "gitlab-ci.yml")["release"].(map[string]any)
	for name := range env {
		if strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "ACTIONS_") {
			delete(env, name)
		}
	}
	sigstore := keylesstest.Start()
	defer sigstore.Close()
	for name, data := range map[string][]byte{"trusted_root.json": sigstore.TrustedRoot(),
		"signing_config.json": sigstore.SigningConfig(keylesstest.Tiles)} {
		if err := os.WriteFile(filepath.Join(env["SIGSTORE"], name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/acme/app",
		"CI_SERVER_URL":  "https://gitlab.com",
		"CI_CONFIG_PATH": ".gitlab-ci.yml", "CI_COMMIT_TAG": "v1.0", "CI_COMMIT_REF_NAME": "v1.0",
		"CI_COMMIT_SHA": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"CI_REGISTRY":   env["REGISTRY"], "CI_REGISTRY_IMAGE": env["REGISTRY"] + "/acme/app", "CI_REGISTRY_USER": "u",
		"CI_REGISTRY_PASSWORD": "p", "CI_PROJECT_ID": "7",
		"CI_JOB_URL": "https://gitlab.com/acme/app/-/jobs/1", "CI_JOB_NAME": "release", "CI_RUNNER_ID": "1", "CI_RUNNER_VERSION": "18.0.0",
		"CI_PIPELINE_SOURCE": "push",
		"CI_JOB_STARTED_AT":  "2026-11-29T04:00:00Z"} {
		env[name] = value
	}
	for name := range job["id_tokens"].(map[string]any) {
		env[name] = sigstore.Token(
			map[string]any{"iss": "https://gitlab.com", "sub": "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1.0"},
		)
	}
	for name, value := range job["variables"].(map[string]any) {
		env[name] = os.Expand(value.(string), func(v string) string { return env[v] })
	}
	var lines []string
	for _, line := range job["script"].([]any) {
		lines = append(lines, line.(string))
	}
	shell(t, dir, env, strings.Join(lines, "\n"))
	released(t, dir, filepath.Join(dir, "work", "summary.md"), "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1.0")
	if login, err := os.ReadFile(filepath.Join(env["HOME"], ".docker", "config.json")); err != nil ||
		!bytes.Contains(login, []byte(`"auth":"dTpw"`)) {
		t.Errorf("%v, %s", err, login)
	}
}

func TestCodeBuild(t *testing.T) {
	dir, env := prepare(t)
	spec := read(t, "buildspec.yml")
	for name := range env {
		if strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "ACTIONS_") {
			delete(env, name)
		}
	}
	for name, value := range codeBuild {
		env[name] = value
	}
	settings := spec["env"].(map[string]any)
	for name, value := range settings["variables"].(map[string]any) {
		env[name] = value.(string)
	}
	// AWS Signer's root here is not AWS's, so that the policy would not believe a profile.
	env["IMAGE"], env["PROFILE"] = env["REGISTRY"]+"/acme/app", "awskms:///alias/release"
	var lines []string
	phases := spec["phases"].(map[string]any)
	for _, phase := range []string{"install", "build"} {
		for _, line := range phases[phase].(map[string]any)["commands"].([]any) {
			lines = append(lines, line.(string))
		}
	}
	out := shell(t, dir, env, strings.Join(append(lines, `echo "pinned: $PINNED"`), "\n"))
	released(t, dir, filepath.Join(dir, "work", "summary.md"), "image signature by key")
	if !regexp.MustCompile(`pinned: 127\.0\.0\.1:[0-9]+/acme/app@sha256:`).MatchString(out) ||
		!strings.Contains(out, "arn:aws:codebuild:us-east-1:111122223333:project/shop") ||
		!slices.Contains(settings["exported-variables"].([]any), any("PINNED")) {
		t.Error(out)
	}
}

// tagged leaves CloudFormation's short forms of functions as they are, which this needs none of.
func tagged(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		n.Tag = ""
	}
	for _, c := range n.Content {
		tagged(c)
	}
}

// The buildspec in the stack of CodePipeline releases an image that ECRBuildAndPublish has pushed.
func TestCodePipeline(t *testing.T) {
	dir, env := prepare(t)
	data, err := os.ReadFile("ci/codepipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var top yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	tagged(&top)
	var stack struct {
		Resources struct {
			Release struct {
				Properties struct {
					Source struct {
						BuildSpec string `yaml:"BuildSpec"`
					} `yaml:"Source"`
				} `yaml:"Properties"`
			} `yaml:"Release"`
		} `yaml:"Resources"`
	}
	if err := top.Decode(&stack); err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Phases map[string]struct{ Commands []string } `yaml:"phases"`
	}
	if err := yaml.Unmarshal([]byte(stack.Resources.Release.Properties.Source.BuildSpec), &spec); err != nil {
		t.Fatal(err)
	}
	for name := range env {
		if strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "ACTIONS_") {
			delete(env, name)
		}
	}
	for name, value := range codeBuild {
		env[name] = value
	}
	env["IMAGE"], env["PROFILE"], env["LADING"] = env["REGISTRY"]+"/acme/app:9c1185a", "awskms:///alias/release", "v0.1.0"
	repo, err := registry.Open(env["IMAGE"], nil)
	if err != nil {
		t.Fatal(err)
	}
	program, err := self()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pushImage(t.Context(), repo, "9c1185a", program); err != nil {
		t.Fatal(err)
	}
	lines := append(spec.Phases["install"].Commands, spec.Phases["build"].Commands...)
	if len(lines) < 4 {
		t.Fatalf("%q", lines)
	}
	shell(t, dir, env, strings.Join(lines, "\n"))
	released(t, dir, filepath.Join(dir, "work", "summary.md"), "image signature by key")
}

// indexer stands for examples/scan -build.
func indexer() {
	if len(os.Args) != 4 || os.Args[1] != "-build" {
		os.Exit(2)
	}
	if _, err := osv.Build(context.Background(), os.Args[2], nil, os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
