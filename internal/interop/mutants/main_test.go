package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/ladingdev/lading/verify"
)

// TestMutants tries some on each run; MUTANTS says how many.
func TestMutants(t *testing.T) {
	count := 3_000
	if n, err := strconv.Atoi(os.Getenv("MUTANTS")); err == nil {
		count = n
	}
	laxer, err := run(t.Context(), t.Output(), count, 1)
	if err != nil || laxer > 0 {
		t.Errorf("%d laxer, %v", laxer, err)
	}
}

// TestLaxIsFound has a reader that overlooks a signature found out.
func TestLaxIsFound(t *testing.T) {
	samples, err := bundles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := samples[0]
	proven, err := s.ours(t.Context(), s.data)
	if err != nil {
		t.Fatal(err)
	}
	s.ours = func(context.Context, []byte) (*verify.Attestation, error) { return proven, nil }
	got, err := s.try(t.Context(), io.Discard, 100, rand.New(rand.NewPCG(1, 1)))
	if err != nil || got.laxer < 50 || got.mutants != 100 {
		t.Errorf("%+v, %v", got, err)
	}
}
