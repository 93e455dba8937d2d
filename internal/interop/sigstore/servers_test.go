package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify"
	oursigstore "github.com/ladingdev/lading/verify/sigstore"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignsign "github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

// A deployment is a Sigstore instance of the real servers: Fulcio with an authority in memory, a certificate transparency log, a log of the
// second generation on a local disk, and a timestamp authority in memory. Its identity provider is keylesstest's.
//
// Rekor of the first generation is not among them: it keeps its entries in Trillian, which wants a database server.
type deployment struct {
	issuer, roles     *keylesstest.Server // of workflows, and of AWS roles
	fulcio, rekor, ts string
	root, config      []byte
}

// names of the logs, which they sign with.
const rekorName, ctName = "rekor.example.com", "ct.example.com"

// deploy starts the servers that build.sh has built in the folder that LADING_SIGSTORE names.
func deploy(t *testing.T) *deployment {
	t.Helper()
	dir := os.Getenv("LADING_SIGSTORE")
	if dir == "" {
		t.Skip("LADING_SIGSTORE names no folder with what build.sh builds")
	}
	d := &deployment{issuer: keylesstest.Start(), roles: keylesstest.Start()}
	t.Cleanup(d.issuer.Close)
	t.Cleanup(d.roles.Close)
	tmp := t.TempDir()
	ctKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, logKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ctKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(logKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, data []byte) string {
		path := filepath.Join(tmp, name)
		if kind != "" {
			data = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ct, fulcio, fulcioRPC, fulcioMetrics := port(t), port(t), port(t), port(t)
	rekor, rekorRPC, rekorMetrics, ts := port(t), port(t), port(t), port(t)
	d.fulcio, d.rekor, d.ts = "http://127.0.0.1:"+fulcio, "http://127.0.0.1:"+rekor, "http://127.0.0.1:"+ts
	start(t, dir, "timestamp-server", "serve", "--host", "127.0.0.1", "--port", ts, "--scheme", "http", "--disable-ntp-monitoring")
	start(
		t,
		dir,
		"rekor-server",
		"serve",
		"--http-address",
		"127.0.0.1",
		"--http-port",
		rekor,
		"--grpc-address",
		"127.0.0.1",
		"--grpc-port",
		rekorRPC,
		"--http-metrics-port",
		rekorMetrics,
		"--hostname",
		rekorName,
		"--storage-dir",
		filepath.Join(tmp, "rekor"),
		"--signer-filepath",
		file("rekor.pem", "PRIVATE KEY", pkcs8),
		"--checkpoint-interval",
		"1s",
		"--batch-max-age",
		"100ms",
	)
	start(
		t,
		dir,
		"fulcio",
		"serve",
		"--ca",
		"ephemeralca",
		"--host",
		"127.0.0.1",
		"--port",
		fulcio,
		"--grpc-host",
		"127.0.0.1",
		"--grpc-port",
		fulcioRPC,
		"--legacy-unix-domain-socket",
		socket(t),
		"--metrics-port",
		fulcioMetrics,
		"--ct-log-url",
		"http://127.0.0.1:"+ct,
		"--ct-log-origin",
		ctName,
		"--config-path",
		file("config.yaml", "", []byte(fulcioConfig(d.issuer.Issuer(), d.roles.Issuer()))),
	)
	ca := d.trustBundle(t)
	start(
		t,
		dir,
		"tesseract",
		"--http_endpoint",
		"127.0.0.1:"+ct,
		"--origin",
		ctName,
		"--storage_dir",
		filepath.Join(tmp, "ct"),
		"--private_key",
		file("ct.pem", "EC PRIVATE KEY", sec1),
		"--roots_pem_file",
		file("roots.pem", "", pemOf(ca)),
		"--ext_key_usages",
		"CodeSigning",
	)
	tsa := certificates(t, get(t, d.ts+"/api/v1/timestamp/certchain"))
	get(t, d.rekor+"/healthz")
	get(t, "http://127.0.0.1:"+ct+"/healthz")
	d.root = trustedRoot(t, d, ca, tsa, &ctKey.PublicKey, logKey.Public().(ed25519.PublicKey))
	d.config = signingConfig(t, d)
	return d
}

// port returns one that is free.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// socket returns the path of one, which may not be long.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fulcio")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// start starts a server, which ends with the test. What it says is shown if the test fails.
func start(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s was not built: %v", name, err)
	}
	said := new(bytes.Buffer)
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text := said.Bytes(); t.Failed() {
			t.Logf("%s said:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

// get asks until there is an answer.
func get(t *testing.T, url string) []byte {
	t.Helper()
	var why string
	for range 300 {
		resp, err := http.Get(url)
		if err != nil {
			why = err.Error()
		} else {
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && resp.StatusCode == http.StatusOK {
				return body
			}
			why = fmt.Sprint(resp.Status, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: %s", url, why)
	return nil
}

func certificates(t *testing.T, text []byte) (out [][]byte) {
	t.Helper()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		out = append(out, block.Bytes)
	}
	if len(out) == 0 {
		t.Fatalf("no certificates in %q", text)
	}
	return out
}

func pemOf(list [][]byte) (out []byte) {
	for _, der := range list {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

func (d *deployment) trustBundle(t *testing.T) [][]byte {
	t.Helper()
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(get(t, d.fulcio+"/api/v2/trustBundle"), &bundle); err != nil || len(bundle.Chains) != 1 {
		t.Fatalf("%v, %+v", err, bundle)
	}
	return certificates(t, []byte(strings.Join(bundle.Chains[0].Certificates, "\n")))
}

// fulcioConfig knows tokens as GitHub Actions and AWS STS make them, from one issuer each.
func fulcioConfig(workflows, roles string) string {
	return fmt.Sprintf(`oidc-issuers:
  %[1]s: {issuer-url: %[1]s, client-id: sigstore, type: ci-provider, ci-provider: github-workflow}
  %[2]s: {issuer-url: %[2]s, client-id: sigstore, type: ci-provider, ci-provider: aws}
ci-issuer-metadata:
  github-workflow:
    default-template-values: {url: "https://github.com"}
    extension-templates:
      build-signer-uri: "{{ .url }}/{{ .job_workflow_ref }}"
      runner-environment: runner_environment
      source-repository-uri: "{{ .url }}/{{ .repository }}"
      source-repository-digest: sha
      source-repository-ref: ref
      build-config-uri: "{{ .url }}/{{ .workflow_ref }}"
      build-trigger: event_name
    subject-alternative-name-template: "{{ .url }}/{{ .job_workflow_ref }}"
  aws:
    subject-alternative-name-template: "{{ .sub }}"
`, workflows, roles)
}

type object = map[string]any

func trustedRoot(t *testing.T, d *deployment, ca, tsa [][]byte, ct *ecdsa.PublicKey, log ed25519.PublicKey) []byte {
	t.Helper()
	always := object{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
	key := func(url, details, origin string, public crypto.PublicKey) object {
		spki, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		id := sha256.Sum256(spki)
		if raw, ok := public.(ed25519.PublicKey); ok { // C2SP, signed-note
			id = sha256.Sum256(append([]byte(origin+"\n\x01"), raw...))
		}
		return object{
			"baseUrl":       url,
			"hashAlgorithm": "SHA2_256",
			"publicKey":     object{"rawBytes": spki, "keyDetails": details, "validFor": always},
			"logId":         object{"keyId": id[:]},
		}
	}
	chain := func(uri string, list [][]byte) object {
		var out []object
		for _, der := range list {
			out = append(out, object{"rawBytes": der})
		}
		return object{
			"subject":   object{"organization": "local", "commonName": "local"},
			"uri":       uri,
			"certChain": object{"certificates": out},
			"validFor":  always,
		}
	}
	data, err := json.Marshal(object{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":                  []object{key("https://"+rekorName, "PKIX_ED25519", rekorName, log)},
		"ctlogs":                 []object{key("https://"+ctName, "PKIX_ECDSA_P256_SHA_256", "", ct)},
		"certificateAuthorities": []object{chain(d.fulcio, ca)}, "timestampAuthorities": []object{chain(d.ts, tsa)}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func signingConfig(t *testing.T, d *deployment) []byte {
	t.Helper()
	service := func(url string, version int) []object {
		return []object{{"url": url, "majorApiVersion": version, "operator": "local",
			"validFor": object{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}}}
	}
	data, err := json.Marshal(object{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls": service(d.fulcio, 1),
		"oidcUrls": service(d.issuer.Issuer(), 1), "rekorTlogUrls": service(d.rekor, 2), "tsaUrls": service(d.ts+"/api/v1/timestamp", 1),
		"rekorTlogConfig": object{"selector": "ANY"}, "tsaConfig": object{"selector": "ANY"}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// token is one of a workflow's, by the deployment's own issuer.
func (d *deployment) token() string {
	claims := run()
	claims["iss"] = d.issuer.Issuer()
	return d.issuer.Token(claims)
}

// The real servers take what we ask of them, and what they make of it everybody verifies; what others have them make, we do.
func TestServers(t *testing.T) {
	quiet(t)
	d := deploy(t)
	other := keylesstest.Start()
	defer other.Close()
	here, elsewhere := trustsOf(t, d.root), trustsOf(t, other.TrustedRoot())
	instance, err := keyless.ParseInstance(d.root, d.config)
	if err != nil {
		t.Fatal(err)
	}
	stranger := setup(t, keyTypes[0])
	for name, key := range map[string]*keyType{"certificate": nil, "P-256": &keyTypes[0], "P-384": &keyTypes[1], "RSA": &keyTypes[3]} {
		j := &judged{fixture: &fixture{}, here: here, elsewhere: elsewhere, stranger: stranger,
			keylessSigner: &keyless.Signer{Instance: instance, Token: keyless.Token(d.token())}}
		if key != nil {
			j.fixture, j.hash = setup(t, *key), key.hash
			j.keylessSigner = &sign.BundleSigner{Key: j.key, Witness: &keyless.Witnesses{Instance: instance}}
		}
		j.issuer = d.issuer.Issuer()
		t.Run("ours/"+name, func(t *testing.T) {
			t.Run("blob", j.blob)
			for _, kind := range []string{"signature", "attestation", "statement"} {
				t.Run(kind, func(t *testing.T) { j.statement(t, kind) })
			}
		})
	}
	v := d.verifier(t, oursigstore.Entry{Name: "release", URI: oursigstore.Exactly(workflow),
		Issuer: oursigstore.Exactly(d.issuer.Issuer())})
	wrong := d.verifier(
		t,
		oursigstore.Entry{Name: "release", URI: oursigstore.Exactly(workflow + "1"), Issuer: oursigstore.Exactly(d.issuer.Issuer())},
	)
	t.Run("cosign", func(t *testing.T) { d.cosignSigns(t, v, wrong) })
	t.Run("sigstore-go", func(t *testing.T) { d.sigstoreGoSigns(t, v, wrong) })
	t.Run("AWS", func(t *testing.T) { d.role(t, instance) })
	t.Run("refused", func(t *testing.T) { d.refuses(t, instance) })
	t.Run("sigstore-js", func(t *testing.T) {
		signed, err := (&keyless.Signer{Instance: instance, Token: keyless.Token(d.token())}).SignBlob(
			t.Context(),
			strings.NewReader("a release"),
		)
		if err != nil {
			t.Fatal(err)
		}
		askNode(t, asks(t, "file", signed.Data, d.root, other.TrustedRoot(), d.issuer.Issuer(), nil, stranger.key, []byte("a release")))
	})
}

func (d *deployment) verifier(t *testing.T, e oursigstore.Entry) *oursigstore.Verifier {
	t.Helper()
	trust, err := oursigstore.ParseRoot(d.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := oursigstore.New(trust, []oursigstore.Entry{e}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// cosignSigns has cosign sign and attest.
func (d *deployment) cosignSigns(t *testing.T, v, wrong *oursigstore.Verifier) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	config, err := root.NewSigningConfigFromJSON(d.config)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := root.NewTrustedRootFromJSON(d.root)
	if err != nil {
		t.Fatal(err)
	}
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ko := options.KeyOpts{SigningConfig: config, TrustedMaterial: trusted, IDToken: d.token(), NewBundleFormat: true,
		SkipConfirmation: true}
	f := &fixture{}
	f.fresh(t)
	so := options.SignOptions{Upload: true, NewBundleFormat: true, SkipConfirmation: true}
	if err := cosignsign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, so, []string{f.image.String()}); err != nil {
		t.Fatalf("cosign sign: %v", err)
	}
	a := &attest.AttestCommand{
		KeyOpts:        ko,
		PredicatePath:  predicate,
		PredicateType:  predicateType,
		RekorEntryType: "dsse",
		Timeout:        time.Minute,
	}
	if err := a.Exec(ctx, f.image.String()); err != nil {
		t.Fatalf("cosign attest: %v", err)
	}
	evidence := f.evidence(t, "")
	if len(evidence) != 2 {
		t.Errorf("%d candidates", len(evidence))
	}
	for _, e := range evidence {
		att, err := v.Verify(ctx, f.subject, e)
		if err != nil {
			t.Error(err)
		} else if att.Signers[0].TimeSource < verify.TimeStamped {
			t.Errorf("%+v", att.Signers[0])
		}
		if _, err := wrong.Verify(ctx, f.subject, e); err == nil {
			t.Error("as of another workflow")
		}
	}
}

// sigstoreGoSigns has sigstore-go sign a file.
func (d *deployment) sigstoreGoSigns(t *testing.T, v, wrong *oursigstore.Verifier) {
	trusted, err := root.NewTrustedRootFromJSON(d.root)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sgsign.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := sgsign.Bundle(&sgsign.PlainData{Data: []byte("a release")}, key, sgsign.BundleOptions{
		CertificateProvider:        sgsign.NewFulcio(&sgsign.FulcioOptions{BaseURL: d.fulcio}),
		CertificateProviderOptions: &sgsign.CertificateProviderOptions{IDToken: d.token()},
		TimestampAuthorities: []*sgsign.TimestampAuthority{sgsign.NewTimestampAuthority(
			&sgsign.TimestampAuthorityOptions{URL: d.ts + "/api/v1/timestamp"})},
		TransparencyLogs: []sgsign.Transparency{sgsign.NewRekor(&sgsign.RekorOptions{BaseURL: d.rekor, Version: 2})},
		TrustedRoot:      trusted, Context: t.Context(),
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := protojson.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	e := verify.Descriptor{MediaType: bundleType, Data: data}
	if _, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"), e); err != nil {
		t.Error(err)
	}
	if _, err := v.VerifyBlob(t.Context(), strings.NewReader("another release"), e); err == nil {
		t.Error("of another file")
	}
	if _, err := wrong.VerifyBlob(t.Context(), strings.NewReader("a release"), e); err == nil {
		t.Error("as of another workflow")
	}
}

// role signs as an AWS role does, with a token as AWS STS makes it and Fulcio's configuration of package awsoidc.
func (d *deployment) role(t *testing.T, instance *keyless.Instance) {
	const arn = "arn:aws:iam::111122223333:role/release"
	signer := &keyless.Signer{Instance: instance, Token: keyless.Token(d.roles.Token(object{"sub": arn,
		"https://sts.amazonaws.com/": object{"aws_account": "111122223333", "principal_tags": object{"team": "a"}}}))}
	signed, err := signer.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{arn: true, arn + "2": false} {
		v := d.verifier(t, oursigstore.Entry{Name: "role", URI: oursigstore.Exactly(name), Issuer: oursigstore.Exactly(d.roles.Issuer())})
		if _, err := v.Verify(t.Context(), image, signed); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refuses: what the real servers refuse is told, with what they say.
func (d *deployment) refuses(t *testing.T, instance *keyless.Instance) {
	stranger := keylesstest.Start() // Fulcio does not know its issuer
	defer stranger.Close()
	claims := run()
	claims["iss"] = stranger.Issuer()
	_, err := (&keyless.Signer{Instance: instance, Token: keyless.Token(stranger.Token(claims))}).Sign(
		t.Context(),
		sign.About(image, sign.ImageSignature{}),
	)
	wants(t, err, keyless.ErrCertificate, http.StatusBadRequest)
	claims["iss"] = d.issuer.Issuer() // signed by a key that is not the issuer's
	_, err = (&keyless.Signer{Instance: instance, Token: keyless.Token(stranger.Token(claims))}).Sign(
		t.Context(),
		sign.About(image, sign.ImageSignature{}),
	)
	wants(t, err, keyless.ErrCertificate, http.StatusBadRequest)
}

func wants(t *testing.T, err, kind error, status int) {
	t.Helper()
	var service *keyless.ServiceError
	if !errors.Is(err, kind) || !errors.As(err, &service) || service.Status != status || service.Message == "" {
		t.Errorf("%v", err)
	}
	t.Log(err)
}
