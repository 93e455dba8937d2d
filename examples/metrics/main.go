// Metrics shows what a gate does to Prometheus and to OpenTelemetry: [Prometheus] and [OpenTelemetry] are gate.Counters, to be copied
// into a program that has either. It is a module of its own, so that nobody gets those libraries who does not use them.
//
// The program asks a gate, which knows no image, about the names on its command line, and prints what Prometheus would read.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/verify"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, images []string, stdout io.Writer) error {
	r := prometheus.NewRegistry()
	counters, err := NewPrometheus(r)
	if err != nil {
		return err
	}
	c, err := checker(counters)
	if err != nil {
		return err
	}
	for _, name := range images {
		c.Check(ctx, &gate.Question{Name: name})
	}
	w := httptest.NewRecorder() // in a program: http.Handle("/metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	_, err = io.Copy(stdout, w.Body)
	return err
}

// checker returns one whose registry is empty.
func checker(counters gate.Counters) (*gate.Checker, error) {
	return gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, gate.ErrNotFound },
		Verifiers: []verify.Verifier{nobody{}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, &gate.Options{Counters: counters})
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}
