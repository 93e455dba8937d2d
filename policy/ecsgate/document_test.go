package ecsgate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
)

// A policy document knows the doors by name, and each does what it says.
func TestPolicyDocument(t *testing.T) {
	w := newWorld(t)
	pem, err := sign.MarshalPublicKey(w.key.Public())
	w.check(err)
	text := fmt.Sprintf(`version: 1
name: shop
serial: 1
expires: 2099-01-01
trust:
  - name: release
    key: |
      %s
gates:
  hook: {mode: deny}
  registrar: {mode: warn}
  runtime: {mode: audit}
images:
  - name: shop
    match: ["%s/shop/**"]
    require:
      - name: signed
        signature: {by: [release]}
`, strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n      "), w.registry.Host())
	doc, err := document.Parse([]byte(text))
	w.check(err)
	p, err := doc.Load(nil)
	w.check(err)
	w.gate = &policy.Gate{Open: open, Verifiers: p.Verifiers(), Policy: p}
	w.hook.Checker, err = gate.New(&gate.Rules{Gate: w.gate, PolicyDigest: digest.Digest(doc.Digest())},
		&gate.Options{AllowFor: 1, DenyFor: -1})
	w.check(err)
	w.restart()

	// The hook refuses what nobody signed.
	w.expect(w.deploy(w.signed), "SUCCEEDED", "is allowed")
	w.expect(w.deploy(w.bad), "FAILED", "signed: no image signature")
	// The registrar registers it, warns, and labels it.
	reg, err := w.registrar().Register(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("job"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &w.bad}}})
	w.check(err)
	_, tags := w.described(reg.Definition)
	if len(reg.Warnings) != 1 || !strings.Contains(reg.Warnings[0], "no image signature") || tags[ecsgate.LabelPolicy] != doc.Digest() {
		t.Errorf("%+v, %v", reg, tags)
	}
	// Task events only write it down.
	_, err = w.client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &reg.Definition})
	w.check(err)
	w.cloud.Advance(time.Minute)
	if len(w.running("family:gated-job")) != 1 || len(w.did()) != 0 {
		t.Errorf("%q, %+v", w.did(), w.outcomes)
	}
}
