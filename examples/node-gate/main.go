// Node-gate is an image verifier for containerd, whole: containerd runs it before each pull, and blocks the pull if it says no.
// Bottlerocket hosts of EKS and ECS run it the same way.
//
//	node-gate -name IMAGE -digest DIGEST -stdin-media-type TYPE     as containerd calls it
//	node-gate check IMAGE@DIGEST...                                 what it would say
//	node-gate doctor [-canary IMAGE]                                whether the door is guarded
//
// README.md takes a node from nothing to a guarded door. The program is as short as it can be, to be copied and changed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// containerd passes no arguments of ours, so everything has its place. A trial has others, by the environment.
var (
	configDir = place("LADING_CONFIG", "/etc/lading")    // policy.yaml, trusted_root.json, config.json as docker login writes it
	stateDir  = place("LADING_STATE", "/var/lib/lading") // evidence that was read, decisions.jsonl
	plainHTTP = os.Getenv("LADING_PLAIN_HTTP") != ""     // registries of a trial on this machine
)

// listingLifetime is how long a list of evidence is believed, and so how long a node does not see what is attached or removed.
const listingLifetime = 5 * time.Minute

// misused is the exit status where the command line is wrong, or nothing could be looked at.
const misused = 3

func place(variable, usual string) string {
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	return usual
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "doctor" {
		return doctor(ctx, args[1:], stdout, stderr)
	}
	g, err := newGate()
	if err != nil {
		fmt.Fprintf(stdout, "lading could not decide: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nodegate.ExitUndecided
	}
	if len(args) > 0 && args[0] == "check" {
		if len(args) == 1 {
			fmt.Fprintln(stderr, "node-gate check: name the images, by digest")
			return misused
		}
		return check(ctx, g, args[1:], stdout)
	}
	return g.Run(ctx, args, stdin, stdout)
}

// newGate reads the policy and returns what judges.
func newGate() (*nodegate.Gate, error) {
	file := filepath.Join(configDir, "policy.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	p, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{"github": github}}) // bring other kinds of trust here
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	options := &registry.Options{PlainHTTP: plainHTTP,
		Cache: &registry.Cache{Dir: filepath.Join(stateDir, "evidence"), ListingLifetime: listingLifetime}}
	if _, err := os.Stat(filepath.Join(configDir, "config.json")); err == nil {
		if err := os.Setenv("DOCKER_CONFIG", configDir); err != nil {
			return nil, err
		}
		if options.Credential, err = registry.DockerCredentials(); err != nil {
			return nil, err
		}
	}
	rules := &gate.Rules{
		Gate:         &policy.Gate{Open: gate.Open(options), Verifiers: p.Verifiers(), Policy: p},
		PolicyDigest: digest.Digest(doc.Digest()), TrustDigest: digest.Digest(doc.Digest()),
	}
	opts := &gate.Options{PlainHTTP: plainHTTP}
	if log, err := gate.OpenFile(filepath.Join(stateDir, "decisions.jsonl"), 10<<20); err == nil {
		opts.Log = log // without a place to write, the node judges all the same
	}
	checker, err := gate.New(rules, opts)
	if err != nil {
		return nil, err
	}
	return &nodegate.Gate{Checker: checker, PlainHTTP: plainHTTP}, nil
}

// github is the kind of trust in workflows of GitHub Actions: repository, workflow, and tags or a branch.
func github(t *document.Trust) (verify.Verifier, error) {
	var with struct {
		Repository string `yaml:"repository,required"`
		Workflow   string `yaml:"workflow,required"`
		Tags       string
		Branch     string
	}
	if err := t.Decode(&with); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(configDir, "trusted_root.json"))
	if err != nil {
		return nil, err
	}
	root, err := sigstore.ParseRoot(data, nil)
	if err != nil {
		return nil, err
	}
	entry, err := sigstore.GitHub{Repository: with.Repository, Workflow: with.Workflow, Tags: with.Tags, Branch: with.Branch}.Entry(t.Name)
	if err != nil {
		return nil, err
	}
	return sigstore.New(root, []sigstore.Entry{entry}, nil)
}

// check says what the gate would say of images that are named by digest.
func check(ctx context.Context, g *nodegate.Gate, names []string, stdout io.Writer) (status int) {
	for _, name := range names {
		_, sum, _ := strings.Cut(name, "@")
		fmt.Fprintf(stdout, "%s\n  ", name)
		status = max(status, g.Run(ctx, []string{"-name", name, "-digest", sum}, nil, stdout))
	}
	return status
}

func doctor(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("node-gate doctor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dump := flags.String("dump", "", "`file` with the output of containerd config dump; else it is run")
	socket := flags.String("socket", "/run/containerd/containerd.sock", "of the runtime's CRI")
	canary := flags.String("canary", "", "`image` that the policy refuses, to be pulled through the CRI")
	verifier := flags.String("verifier", "lading", "name of this program in containerd's directory of verifiers")
	root := flags.String("root", "/", "where the node's files are")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return misused
	}
	if flags.NArg() > 0 { // flags behind it would be ignored
		fmt.Fprintf(stderr, "node-gate doctor: unexpected argument %q\n", flags.Arg(0))
		return misused
	}
	d := &nodegate.Doctor{Root: *root, Verifier: *verifier, Canary: *canary, Pull: nodegate.CRI(*socket)}
	var err error
	if *dump != "" {
		d.Dump, err = os.ReadFile(*dump)
	} else {
		d.Dump, err = exec.CommandContext(ctx, "containerd", "config", "dump").Output()
	}
	if err != nil {
		fmt.Fprintf(stderr, "node-gate: containerd's configuration: %v\n", err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(stderr, "Run it on the node, or give the output of containerd config dump with -dump FILE.")
		}
		return misused
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	findings := d.Examine(ctx)
	if err := nodegate.Print(stdout, findings); err != nil {
		return misused
	}
	switch nodegate.Verdict(findings) {
	case nodegate.Guarded:
		return 0
	case nodegate.Open, nodegate.Blocked:
		return 1
	}
	return 2
}
