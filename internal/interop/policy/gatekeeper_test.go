package policy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/frameworks/constraint/pkg/apis/externaldata/unversioned"
	"github.com/open-policy-agent/frameworks/constraint/pkg/externaldata"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// TestGatekeeper has Gatekeeper's own client ask the gate as a provider of external data, for validation and for mutation.
func TestGatekeeper(t *testing.T) {
	names := map[string]string{} // of images with tags, to their digests
	door, host := gatekeeperDoor(t, names)
	at, bundle := serve(t, door)
	ask := func(path string, keys ...string) *externaldata.ProviderResponse {
		t.Helper()
		provider := &unversioned.Provider{Spec: unversioned.ProviderSpec{URL: "https://" + at + path, Timeout: 10,
			CABundle: base64.StdEncoding.EncodeToString(bundle)}}
		provider.Name = strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
		if err := externaldata.NewCache().Upsert(provider); err != nil { // Gatekeeper's check of a Provider
			t.Fatal(err)
		}
		answer, status, err := externaldata.DefaultSendRequestToProvider(t.Context(), provider, keys, nil)
		if err != nil || status != http.StatusOK || answer.Kind != "ProviderResponse" {
			t.Fatalf("%d %+v %v", status, answer, err)
		}
		if _, err := externaldata.PrepareRegoResponse(externaldata.NewRegoResponse(status, answer)); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	signed, unsigned, gone := host+"/shop/signed:1", host+"/shop/unsigned:1", host+"/shop/gone:1"
	for path, want := range map[string]map[string]string{ // the error of each key, or none
		k8sgate.PathExternalValidate: {signed: "", unsigned: "no image signature", gone: "not found",
			"No Image": "not the name of an image"},
		k8sgate.PathExternalPin: {signed: "", unsigned: "", gone: "not found", "No Image": "not the name of an image"},
	} {
		answer := ask(path, signed, unsigned, gone, "No Image")
		// mutation takes nothing else
		if !answer.Response.Idempotent || answer.Response.SystemError != "" || len(answer.Response.Items) != len(want) {
			t.Errorf("%s: %+v", path, answer)
		}
		for _, item := range answer.Response.Items {
			switch value, _ := item.Value.(string); {
			case want[item.Key] == "" && (item.Error != "" || value != item.Key+"@"+names[item.Key]):
				t.Errorf("%s: %+v", path, item)
			case want[item.Key] != "" && (item.Value != nil || !strings.Contains(item.Error, want[item.Key])):
				t.Errorf("%s: %+v", path, item)
			}
		}
	}
	if answer := ask(k8sgate.PathExternalValidate, make([]string, 501)...); answer.Response.SystemError == "" ||
		len(answer.Response.Items) > 0 {
		t.Errorf("too many keys: %+v", answer.Response)
	}
}

// gatekeeperDoor is a gate that demands an image signature, and a registry with a signed and an unsigned image.
func gatekeeperDoor(t *testing.T, names map[string]string) (*k8sgate.Gate, string) {
	t.Helper()
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"signed", "unsigned"} {
		repo, err := registry.Open(server.Host()+"/shop/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],"annotations":{"n":"` +
			name + `"}}`
		image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(text), Size: int64(len(text))}
		err = repo.Push(t.Context(), image, strings.NewReader(text))
		if err == nil {
			err = repo.Tag(t.Context(), image, "1")
		}
		if err == nil && name == "signed" {
			var e registry.Descriptor
			if e, err = (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err == nil {
				_, err = repo.Attach(t.Context(), image, e)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		names[server.Host()+"/shop/"+name+":1"] = string(image.Digest)
	}
	c, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &k8sgate.Gate{Checker: c}, server.Host()
}

// serve serves a gate until the test ends, and returns its address and its authority.
func serve(t *testing.T, door *k8sgate.Gate) (at string, bundle []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	certificate := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	go func() {
		done <- k8sgate.Serve(ctx, l, door, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
			&k8sgate.ServeOptions{Drain: time.Millisecond})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
