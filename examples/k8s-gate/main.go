// K8s-gate is an admission gate for Kubernetes, whole: it keeps images that your policy does not allow out of a cluster.
//
//	k8s-gate serve --policy policy.yaml      answers the API server; makes its own certificate
//	k8s-gate check --policy policy.yaml IMAGE...    what the gate would say
//	k8s-gate sweep --policy policy.yaml      what runs in the cluster now, and should not
//	k8s-gate doctor                          tries whether the door is guarded
//
// README.md takes a cluster from nothing to enforcement. The program is as short as it can be, to be copied and changed.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/registry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the command line says.
type options struct {
	policy, mode, see         string
	listen, cert, key         string
	namespace, service        string
	platforms, log            string
	canary, static            string
	outage, allowFor, denyFor time.Duration
	args                      []string
	api                       k8sgate.API // of the cluster; a test has its own
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, *options, io.Writer, *slog.Logger) error{
		"serve": serve, "check": check, "sweep": sweep, "doctor": doctor,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprintln(stderr, "usage: k8s-gate serve|check|sweep|doctor [flags]; k8s-gate serve -h lists them")
		return 3
	}
	o, flags := new(options), flag.NewFlagSet("k8s-gate "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.policy, "policy", "policy.yaml", "policy document; read again when it changes")
	flags.StringVar(&o.mode, "mode", "deny", "what a refusal does: deny, warn, audit")
	flags.StringVar(&o.see, "see", "gate,operation,namespace", "what of a request the policy sees; the more, the less is kept")
	flags.StringVar(&o.listen, "listen", ":8443", "address to serve at")
	flags.StringVar(&o.cert, "cert", "", "certificate in a file, as cert-manager keeps it; else the gate makes its own")
	flags.StringVar(&o.key, "key", "", "its key")
	flags.StringVar(&o.namespace, "namespace", "lading", "the gate's namespace")
	flags.StringVar(&o.service, "service", "lading-gate", "the gate's Service")
	flags.StringVar(&o.platforms, "platforms", "index", "what is judged of an index: index, each, or a list such as linux/amd64,"+
		"linux/arm64")
	flags.StringVar(&o.log, "log", "", "file for a line of JSON for each decision; - is standard output")
	flags.StringVar(&o.canary, "canary", "", "doctor: an image that the policy refuses, by digest")
	flags.StringVar(&o.static, "static", "", "doctor: directory of the static manifests, on the host of the API server")
	flags.DurationVar(&o.outage, "outage", 0, "how long what was allowed is allowed while its registry does not answer")
	flags.DurationVar(&o.allowFor, "allow-for", 0, "how long an allowed image is not looked at again (default 5m)")
	flags.DurationVar(&o.denyFor, "deny-for", 0, "how long a denial is repeated (default 5s)")
	if err := flags.Parse(args[1:]); err != nil {
		return 3
	}
	switch o.args = flags.Args(); {
	case args[0] == "check" && len(o.args) == 0:
		fmt.Fprintln(stderr, "k8s-gate check: name the images")
		return 3
	case args[0] != "check" && len(o.args) > 0: // flags behind it would be ignored
		fmt.Fprintf(stderr, "k8s-gate %s: unexpected argument %q\n", args[0], o.args[0])
		return 3
	}
	if err := commands[args[0]](ctx, o, stdout, slog.New(slog.NewJSONHandler(stderr, nil))); err != nil {
		fmt.Fprintln(stderr, "k8s-gate:", err)
		return 1
	}
	return 0
}

// load reads the policy document and returns the rules that it makes.
func load(o *options) (*gate.Rules, error) {
	data, err := os.ReadFile(o.policy)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.policy, err)
	}
	p, err := doc.Load(nil) // bring other kinds of trust here: document.Options
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.policy, err)
	}
	var credentials func(context.Context, string) (registry.Credential, error)
	if os.Getenv("DOCKER_CONFIG") != "" {
		if credentials, err = registry.DockerCredentials(); err != nil {
			return nil, err
		}
	}
	rules := &gate.Rules{PolicyDigest: digest.Digest(doc.Digest()), TrustDigest: digest.Digest(doc.Digest())}
	if err := rules.Mode.UnmarshalText([]byte(o.mode)); err != nil {
		return nil, err
	}
	if rules.See, err = gate.See(strings.Split(o.see, ",")...); err != nil {
		return nil, err
	}
	open := gate.Open(&registry.Options{Credential: credentials, Cache: new(registry.Cache)})
	rules.Gate = &policy.Gate{Open: open, Verifiers: p.Verifiers(), Policy: p}
	return rules, nil
}

// newChecker returns what judges.
func newChecker(o *options, stdout io.Writer, log *slog.Logger) (*gate.Checker, error) {
	rules, err := load(o)
	if err != nil {
		return nil, err
	}
	opts := &gate.Options{Outage: o.outage, AllowFor: o.allowFor, DenyFor: o.denyFor}
	switch o.platforms {
	case "index":
	case "each":
		opts.Platforms = gate.PlatformsEach
	default:
		opts.Platforms, opts.Listed = gate.PlatformsListed, strings.Split(o.platforms, ",")
	}
	switch o.log {
	case "":
	case "-":
		opts.Log = logTo{slog.New(slog.NewJSONHandler(stdout, nil))}
	default:
		f, err := gate.OpenFile(o.log, 100<<20)
		if err != nil {
			return nil, err
		}
		f.Failed = func(_ *gate.Record, err error) { log.Error("decision not logged", "error", err) }
		opts.Log = f
	}
	return gate.New(rules, opts)
}

type logTo struct{ *slog.Logger }

func (l logTo) Decided(ctx context.Context, r *gate.Record) {
	l.InfoContext(ctx, "decision", "image", r.Image, "judged", r.Judged, "verdict", r.Verdict, "allowed", r.Allowed, "mode", r.Mode,
		"reason", r.Reason, "cached", r.Cached, "outage", r.Outage, "policy", r.Policy, "request", r.Request)
}

// reload takes the policy again whenever the file changes. One that cannot be used leaves the former.
func reload(ctx context.Context, o *options, c *gate.Checker, log *slog.Logger) {
	sum := func() [32]byte {
		data, _ := os.ReadFile(o.policy)
		return sha256.Sum256(data)
	}
	last := sum()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		now := sum()
		if now == last {
			continue
		}
		last = now
		rules, err := load(o)
		if err == nil {
			err = c.Use(rules)
		}
		if err != nil {
			log.Error("the policy was changed and cannot be used: the former one stays", "error", err)
			continue
		}
		log.Info("the policy was changed", "digest", rules.PolicyDigest)
	}
}

func serve(ctx context.Context, o *options, stdout io.Writer, log *slog.Logger) error {
	checker, err := newChecker(o, stdout, log)
	if err != nil {
		return err
	}
	door := &k8sgate.Gate{Checker: checker, Log: log} // name the kinds of custom resources with images in Places
	var certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	if o.cert != "" {
		files := &k8sgate.Files{Certificate: o.cert, Key: o.key}
		certificate, door.Ready = files.GetCertificate, files.Ready
	} else {
		api, err := cluster(o)
		if err != nil {
			return err
		}
		own := &k8sgate.Certificates{
			API: api, Namespace: o.namespace, Secret: o.service + "-tls", Validating: []string{"lading"}, Mutating: []string{"lading"},
			Names: []string{o.service + "." + o.namespace + ".svc", o.service + "." + o.namespace + ".svc.cluster.local"},
		}
		certificate, door.Ready = own.GetCertificate, own.Ready
		go own.Run(ctx, func(err error) { log.Error("certificate", "error", err) })
	}
	go reload(ctx, o, checker, log)
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	log.Info("serving", "address", l.Addr().String(), "policy", checker.Rules().PolicyDigest, "mode", o.mode)
	return k8sgate.Serve(ctx, l, door, certificate, &k8sgate.ServeOptions{Log: log})
}

func cluster(o *options) (k8sgate.API, error) {
	if o.api != nil {
		return o.api, nil
	}
	if url := os.Getenv("K8S_GATE_API"); url != "" { // such as http://127.0.0.1:8001, of kubectl proxy
		return &k8sgate.Client{URL: url}, nil
	}
	api, _, err := k8sgate.InCluster()
	return api, err
}

func check(ctx context.Context, o *options, stdout io.Writer, log *slog.Logger) error {
	c, err := newChecker(o, stdout, log)
	if err != nil {
		return err
	}
	refused := 0
	for _, name := range o.args {
		a := c.Check(ctx, &gate.Question{Name: name,
			Request: &policy.Request{Gate: "admission", Operation: "CREATE", Namespace: "default"}})
		fmt.Fprintf(stdout, "%s: %s: %s\n", a.Name, a.Decision.Verdict, a.Reason)
		if a.Decision.Err() != nil {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d images would be refused", refused, len(o.args))
	}
	return nil
}

func sweep(ctx context.Context, o *options, stdout io.Writer, log *slog.Logger) error {
	c, err := newChecker(o, stdout, log)
	if err != nil {
		return err
	}
	api, err := cluster(o)
	if err != nil {
		return err
	}
	all, problems := 0, 0
	for r, err := range k8sgate.Sweep(ctx, api, c) {
		if err != nil {
			return err
		}
		if all++; r.Problem != "" {
			problems++
			fmt.Fprintf(stdout, "%s/%s %s: %s: %s\n", r.Namespace, r.Pod, r.Container, r.Image, r.Problem)
		}
	}
	fmt.Fprintf(stdout, "%d containers, %d with a problem\n", all, problems)
	if problems > 0 {
		return errors.New("images run that should not")
	}
	return nil
}

func doctor(ctx context.Context, o *options, stdout io.Writer, _ *slog.Logger) error {
	api, err := cluster(o)
	if err != nil {
		return err
	}
	d := &k8sgate.Doctor{
		API: api, Validating: "lading", Mutating: "lading", Exempt: []string{o.namespace, "kube-system"}, Canary: o.canary,
		Static: o.static,
	}
	findings := d.Examine(ctx)
	for _, f := range findings {
		fmt.Fprintln(stdout, f)
	}
	switch k8sgate.Verdict(findings) {
	case k8sgate.Guarded:
		return nil
	case k8sgate.Open:
		return errors.New("the door is open")
	}
	return errors.New("the door is not proven to be guarded")
}
