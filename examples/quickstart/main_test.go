package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/opencontainers/go-digest"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"quickstart": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// The scripts in testdata run the program as a person does. REGISTRY is a registry with two images: app, with the
// service in it, and plain, without any package.
func TestQuickstart(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	binary, _, err := buildService(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string][]byte{
		"app":   {"usr/bin/service": binary, "etc/motd": []byte("hello")},
		"plain": {"etc/motd": []byte("hello")},
	} {
		repo, err := registry.Open(server.Host()+"/yours/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pushImage(t.Context(), repo, "v1", files); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"REGISTRY": server.Host(), "HERE": here}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOWORK", "GOTOOLCHAIN"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env[name] = strings.TrimSpace(string(out))
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for k, v := range env {
				e.Setenv(k, v)
			}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("LAYOUT", filepath.Join(e.WorkDir, "layout"))
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition != "heavy" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			return os.Getenv("LADING_HEAVY") != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// layout DIR N: the directory holds one tagged image with N referrers.
			"layout": func(ts *testscript.TestScript, neg bool, args []string) {
				repo, err := registry.OpenLayout(ts.MkAbs(args[0]))
				ts.Check(err)
				image, err := repo.Resolve(t.Context(), "v1")
				ts.Check(err)
				n := 0
				for _, err := range repo.Referrers(t.Context(), image) {
					ts.Check(err)
					n++
				}
				if got := string(rune('0' + n)); got != args[1] {
					ts.Fatalf("%s referrers in the layout, want %s", got, args[1])
				}
			},
		},
	})
}

// The image is the same for the same files, so that an example's digest can be spoken of.
func TestImageIsReproducible(t *testing.T) {
	files := map[string][]byte{"b": []byte("2"), "a": []byte("1")}
	one, diff, err := packLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := packLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) || diff == digest.FromBytes(one) {
		t.Error("two layers of the same files differ, or the diff id is that of the compressed layer")
	}
}

// What an image was built from is told of what was built here and of nothing else.
func TestProvenanceIsOfWhatWasBuiltHere(t *testing.T) {
	server := registrytest.Start(nil)
	defer server.Close()
	repo, err := registry.Open(server.Host()+"/yours/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, facts := range []*provenance.Provenance{nil, buildFacts(&buildinfo.BuildInfo{GoVersion: "go1.26.3"})} {
		image, err := pushImage(t.Context(), repo, "v1", map[string][]byte{"app": fmt.Append(nil, facts)})
		if err != nil {
			t.Fatal(err)
		}
		b := &bill{p: newPrinter(io.Discard), repo: repo, image: image, facts: facts, keyName: "key"}
		if b.key, err = sign.GenerateKey(sign.P256); err != nil {
			t.Fatal(err)
		}
		if b.document, err = sbom.GoBinary(bytes.NewReader(binary), nil); err != nil {
			t.Fatal(err)
		}
		gate, err := b.write(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.pass(t.Context(), gate, server.Host()+"/yours/app:v1"); err != nil {
			t.Error(err)
		}
		v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: b.key.Public()}}}
		for _, a := range verify.Collect(t.Context(), image, repo, v).Attestations {
			if a.PredicateType == provenance.Type && facts == nil {
				t.Errorf("an image from elsewhere has provenance: %s", a.Predicate)
			}
		}
	}
}

// A commit is told only if the files are those of the commit.
func TestBuildFacts(t *testing.T) {
	const commit = "27ff1b6c5df0adbf4ae44ac2b1b1b8d90c9a2d7e"
	for _, tt := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, ""},
		{[]debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "false"}},
			commit},
		{[]debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "true"}}, ""},
		{[]debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}}, ""},
		{[]debug.BuildSetting{{Key: "vcs", Value: "hg"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "false"}}, ""},
	} {
		got := ""
		for _, r := range buildFacts(&buildinfo.BuildInfo{Settings: tt.settings}).ResolvedDependencies {
			got += r.Digest["gitCommit"]
		}
		if got != tt.want {
			t.Errorf("%v: %q", tt.settings, got)
		}
	}
}

// Nothing is broken inside a word while there is a place to break, and nothing is lost.
func TestFold(t *testing.T) {
	for _, text := range []string{
		"", "one", "one two three", "sha256:" + strings.Repeat("0", 64),
		"built 111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:" + strings.Repeat("0", 64) + " for linux",
		"pkg:golang/github.com/ladingdev/lading/examples@v0.0.0-20261125232654-1f9e0024ea6c", "pr\u00fcfen \u00e4ndern",
	} {
		for _, width := range []int{40, 66, 120} {
			lines := fold(text, width-14, width-5)
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > width-5 && strings.ContainsAny(line[1:len(line)-1], " /@") {
					t.Errorf("%d columns: %q", width, line)
				}
			}
			if strip := func(s string) string { return strings.ReplaceAll(s, " ", "") }; strip(strings.Join(lines, "")) != strip(text) {
				t.Errorf("%q became %q", text, lines)
			}
		}
	}
}
