package lambda

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
)

const emulator = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie"

// A stage is an ECS, a registry with an image that is signed twice, and the functions.
type stage struct {
	testing.TB
	dir      string
	cloud    *ecstest.Server
	requests atomic.Int64 // to the registry
	env      []string
	event    string
}

func newStage(t testing.TB, functions ...string) *stage {
	if runtime.GOOS != "linux" {
		t.Skip("AWS's emulator is for Linux")
	}
	s := &stage{TB: t, dir: t.TempDir(), cloud: ecstest.Start(t, nil)}
	for _, name := range append(functions, emulator) {
		target := "./" + name
		if name == emulator {
			target = name
		}
		build := exec.Command("go", "build", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", s.dir+"/", target)
		build.Env = append(os.Environ(), "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.requests.Add(1); next.ServeHTTP(w, r) })
	}}})
	t.Cleanup(server.Close)

	root, chain, leafKey := newChain(t)
	key, err := sign.GenerateKey(sign.P256)
	s.check(err)
	public, err := sign.MarshalPublicKey(key.Public())
	s.check(err)
	image := s.push(server.Host()+"/shop/web:v1", sign.FromSigner(leafKey), chain, key)
	service := s.cloud.PutService("shop", types.Service{ServiceName: aws.String("web")})
	revision := s.cloud.PutServiceRevision(service,
		types.ServiceRevision{TaskDefinition: aws.String(s.cloud.PutTaskDefinition(types.TaskDefinition{
			Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}},
		}))})
	s.event = fmt.Sprintf(`{"executionId":"1","lifecycleStage":"PRE_SCALE_UP","resourceArn":%q,`+
		`"executionDetails":{"serviceArn":%q,"targetServiceRevisionArn":%q}}`,
		s.cloud.PutServiceDeployment(service, types.ServiceDeployment{}), service, revision)
	id, secret := s.cloud.Credentials()
	s.env = []string{"AWS_ENDPOINT_URL=" + s.cloud.URL(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + id,
		"AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_EC2_METADATA_DISABLED=true", "NOTARY_ROOT=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
			Bytes: root.Raw})), "COSIGN_KEY=" + string(public),
		"GOGC=400", // as the templates of examples/ecs-gate/deploy set it
		"HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	return s
}

func (s *stage) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func newChain(t testing.TB) (root *x509.Certificate, chain []*x509.Certificate, key *ecdsa.PrivateKey) {
	generate := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	issue := func(c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		out, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	rootKey, key := generate(), generate()
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "root"}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root = issue(c, c, rootKey, rootKey)
	name.CommonName = "leaf"
	leaf := issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: name, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, root, key, rootKey)
	return root, []*x509.Certificate{leaf, root}, key
}

// push makes an image and signs it in the Notary Project's format and in cosign's first, which all libraries here read.
func (s *stage) push(name string, notaryKey sign.Key, chain []*x509.Certificate, cosignKey sign.Key) string {
	ctx := context.Background()
	repo, err := registry.Open(name, nil)
	s.check(err)
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, digest.FromBytes(config), len(config))
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	s.check(repo.Push(ctx, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config),
		Size: int64(len(config))}, bytes.NewReader(config)))
	s.check(repo.Push(ctx, image, bytes.NewReader(manifest)))
	s.check(repo.Tag(ctx, image, "v1"))
	statement := sign.About(image, sign.ImageSignature{})
	first, err := (&signnotary.Signer{Key: notaryKey, Chain: chain}).Sign(ctx, statement)
	s.check(err)
	_, err = repo.Attach(ctx, image, first)
	s.check(err)
	statement = sign.About(image, sign.ImageSignature{})
	statement.Subjects[0].Name = repo.Name()
	second, err := (&sign.CosignSigner{Key: cosignKey}).Sign(ctx, statement)
	s.check(err)
	s.check(repo.AttachCosign(ctx, image, second))
	return repo.Name() + "@" + image.Digest.String()
}

// measured is one function's life. The emulator's own Init Duration says nothing: it ends (after 0.05 ms) before the function has asked for
// its first event.
type measured struct {
	cold, warm   time.Duration // from the first event to its answer, with the start of the process; and the second
	processor    time.Duration // that the function needed until its second answer, on all processors
	peak         int64         // most memory of the process, in bytes
	calls        map[string]int
	requests     int64 // to the registry, by the second event
	coldRequests int64
}

// run starts a function in the emulator and sends it two events.
func (s *stage) run(function string) (m measured) {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	api, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	address := listener.Addr().String()
	cmd := exec.Command(filepath.Join(s.dir, "aws-lambda-rie"), "--log-level", "error", "--runtime-interface-emulator-address", address,
		"--runtime-api-address", api.Addr().String(), filepath.Join(s.dir, function))
	listener.Close()
	api.Close()
	var log bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &log, &log
	s.check(cmd.Start())
	defer func() {
		for _, child := range children(cmd.Process.Pid) {
			if p, err := os.FindProcess(child); err == nil {
				p.Kill()
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
	}()
	for range 6000 { // a loaded machine takes its time
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	ask := func() time.Duration {
		began := time.Now()
		answer, err := http.Post("http://"+address+"/2015-03-31/functions/function/invocations", "application/json",
			strings.NewReader(s.event))
		s.check(err)
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		s.check(err)
		took := time.Since(began)
		if !strings.Contains(string(text), `"hookStatus":"SUCCEEDED"`) {
			s.Fatalf("%s answers %s\n%s", function, text, &log)
		}
		return took
	}
	s.requests.Store(0)
	m.cold = ask()
	m.coldRequests = s.requests.Swap(0)
	s.cloud.ResetCalls()
	m.warm = ask()
	m.calls, m.requests = s.cloud.Calls(), s.requests.Load()
	for _, child := range children(cmd.Process.Pid) {
		m.peak = max(m.peak, peak(child))
		m.processor += processorTime(child)
	}
	return m
}

func children(pid int) (out []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		text, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(f); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// processorTime is the time that a process has had on a processor.
func processorTime(pid int) (total time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, t := range tasks {
		text, _ := os.ReadFile(t)
		var ns time.Duration
		fmt.Sscan(string(text), &ns)
		total += ns
	}
	return total
}

// peak is VmHWM: the most memory that a process had, in bytes.
func peak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kB int64
	fmt.Sscan(after, &kB)
	return kB << 10
}

// A warm decision asks AWS about the deployment, and nobody else about anything. The function stays small.
func TestWarm(t *testing.T) {
	s := newStage(t, "ours")
	m := s.run("ours")
	for call := range m.calls {
		if !strings.HasPrefix(call, "ecs:Describe") {
			t.Errorf("a warm decision calls %s", call)
		}
	}
	if m.requests != 0 {
		t.Errorf("a warm decision asks the registry %d times", m.requests)
	}
	if m.peak == 0 || m.peak >= 64<<20 {
		t.Errorf("it has up to %d bytes of memory, 64 MiB are allowed", m.peak)
	}
	t.Logf("first answer after %v with %d requests to the registry, second after %v with %v; memory %.1f MiB", m.cold,
		m.coldRequests, m.warm,
		m.calls, float64(m.peak)/(1<<20))
}

// BenchmarkColdStart has three functions take turns: ours, one on notation-go and cosign's libraries, and one that has the AWS SDK's
// clients, asks ECS about the deployment and decides nothing. Ratios are of the lower quartiles, of the time until the first answer, and of
// the processor's time until the second: others' load moves the first more.
func BenchmarkColdStart(b *testing.B) {
	names := []string{"ours", "peer", "empty"}
	s := newStage(b, names...)
	took, processor, most := map[string][]time.Duration{}, map[string][]time.Duration{}, map[string]int64{}
	for _, name := range names { // the files are read once before
		s.run(name)
	}
	b.ResetTimer()
	for range b.N {
		for _, name := range names {
			m := s.run(name)
			took[name], processor[name] = append(took[name], m.cold), append(processor[name], m.processor)
			most[name] = max(most[name], m.peak)
		}
	}
	quartile := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/4]) / float64(time.Millisecond)
	}
	for _, name := range names {
		b.ReportMetric(quartile(took[name]), name+"-ms")
		b.ReportMetric(quartile(processor[name]), name+"-cpu-ms")
		b.ReportMetric(float64(most[name])/(1<<20), name+"-MiB")
	}
	for _, other := range []string{"peer", "empty"} {
		b.ReportMetric(quartile(took["ours"])/quartile(took[other]), "ours/"+other)
		b.ReportMetric(quartile(processor["ours"])/quartile(processor[other]), "ours/"+other+"-cpu")
	}
	b.ReportMetric(quartile(processor["empty"])/quartile(processor["peer"]), "floor/peer-cpu")
}
