package sweep_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
	"github.com/ladingdev/lading/verify"
)

// A killing runs sweeps in processes of their own, whose requests come here. The cloud and the shop are ours.
type killing struct {
	cloud    *sweeptest.Cloud
	proxy    *httptest.Server
	dir      string
	requests atomic.Int64

	mu     sync.Mutex
	left   int // requests until the process is killed; zero means never
	victim *os.Process
}

// newKilling writes down what a child needs of the shop: its key and its evidence.
func newKilling(t testing.TB, cloud *sweeptest.Cloud, s *shop) *killing {
	t.Helper()
	k := &killing{cloud: cloud, dir: t.TempDir()}
	k.proxy = httptest.NewServer(k)
	t.Cleanup(k.proxy.Close)
	key, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(childShop{
		Key: key, Proxy: k.proxy.Listener.Addr().String(), Tags: s.tags, Evidence: s.evidence, Broken: s.broken,
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(k.dir, "shop"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type childShop struct {
	Key      []byte
	Proxy    string
	Tags     map[string]verify.Descriptor
	Evidence map[digest.Digest][]verify.Descriptor
	Broken   map[string]bool
}

// ServeHTTP passes a request on to the cloud, and kills who sent it when it is time.
func (k *killing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.requests.Add(1)
	k.mu.Lock()
	if k.left > 0 {
		if k.left--; k.left == 0 {
			k.victim.Kill()
			k.mu.Unlock()
			return
		}
	}
	k.mu.Unlock()
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "https", r.Host
	resp, err := k.cloud.Do(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// sweep runs one process, kills it after some requests, and tells whether it was killed before it came to its end.
func (k *killing) sweep(t testing.TB, state string, requests int) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SWEEP_TEST_DIR="+k.dir, "SWEEP_TEST_STATE="+state)
	cmd.Stderr = os.Stderr
	k.mu.Lock()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.left, k.victim = requests, cmd.Process
	k.mu.Unlock()
	err := cmd.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	killed = requests > 0 && k.left == 0 && err != nil
	k.left = 0
	if err != nil && !killed {
		t.Fatal(err)
	}
	return killed
}

// report runs a process to its end and returns what it wrote.
func (k *killing) report(t testing.TB, state string) []byte {
	t.Helper()
	k.sweep(t, state, 0)
	data, err := os.ReadFile(filepath.Join(k.dir, "report"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// child is the process: it sweeps, and writes the report.
func child(dir string) error {
	var c childShop
	data, err := os.ReadFile(filepath.Join(dir, "shop"))
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return err
	}
	key, err := x509.ParsePKIXPublicKey(c.Key)
	if err != nil {
		return err
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return errors.New("no key of ECDSA")
	}
	s := &shop{key: publicOnly{public}, tags: c.Tags, evidence: c.Evidence, broken: c.Broken}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", c.Proxy)
	}
	config := aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "not a secret"}, nil
		}),
		HTTPClient: &http.Client{Transport: plainBody{&http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}}},
	}
	checker, err := s.newChecker()
	if err != nil {
		return err
	}
	sw := &sweep.Sweep{
		Config: config, Regions: []string{"eu-west-1", "us-east-1"}, Checker: checker, Families: []string{"gated-*"},
		State: os.Getenv("SWEEP_TEST_STATE"), Now: func() time.Time { return began },
	}
	r, err := sw.Run(context.Background())
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "report"))
	if err != nil {
		return err
	}
	for _, write := range []func(io.Writer) error{r.Text, r.HTML, r.SARIF, r.JSON} {
		if err := write(f); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// publicOnly is a key that signs nothing.
type publicOnly struct{ key *ecdsa.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }

// plainBody hides from a transport that bodies of requests have a WriteTo: the SDK closes them as soon as it has an answer.
type plainBody struct{ http.RoundTripper }

func (p plainBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(struct{ io.Reader }{req.Body})
	}
	return p.RoundTripper.RoundTrip(req)
}
