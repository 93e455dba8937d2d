package ecr_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	awsecrpublic "github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
)

// cloud is AWS on loopback: the API that gives tokens, and a registry for every host that takes only the newest token.
type cloud struct {
	*httptest.Server // the API
	registry         *registrytest.Server

	mu       sync.Mutex
	now      time.Time
	lifetime time.Duration
	calls    []string // for each token: who asked, the region and service that the request was signed for, and the host
	tokens   int
	current  string // Authorization that the registry takes
	failing  bool
	answer   string // instead of a token
	images   *images
}

var signedFor = regexp.MustCompile(`Credential=([A-Z0-9]+)/[0-9]{8}/([a-z0-9-]+)/([a-z-]+)/aws4_request`)

func newCloud(t testing.TB) *cloud {
	c := &cloud{now: time.Now(), lifetime: 12 * time.Hour}
	c.Server = httptest.NewServer(http.HandlerFunc(c.api))
	t.Cleanup(c.Close)
	c.registry = registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			ok := c.current != "" && r.Header.Get("Authorization") == c.current
			c.mu.Unlock()
			if !ok {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Basic realm="https://%s/",service="ecr.amazonaws.com"`, r.Host))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	t.Cleanup(c.registry.Close)
	return c
}

func (c *cloud) api(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := signedFor.FindStringSubmatch(r.Header.Get("Authorization"))
	target := r.Header.Get("X-Amz-Target")
	if m != nil && c.images != nil && !strings.HasSuffix(target, ".GetAuthorizationToken") {
		c.images.serve(w, r, m[2], strings.TrimPrefix(target, "AmazonEC2ContainerRegistry_V20150921."))
		return
	}
	if m == nil || !strings.HasSuffix(target, ".GetAuthorizationToken") {
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
		return
	}
	c.calls = append(c.calls, m[1]+" "+m[2]+" "+r.Host)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case c.failing:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not today"}`)
		return
	case c.answer != "":
		fmt.Fprint(w, c.answer)
		return
	}
	c.tokens++
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:password-%d", c.tokens))
	c.current = "Basic " + token
	data := fmt.Sprintf(`{"authorizationToken":%q,"expiresAt":%d}`, token, c.now.Add(c.lifetime).Unix())
	if m[3] == "ecr" {
		data = "[" + data + "]"
	}
	fmt.Fprintf(w, `{"authorizationData":%s}`, data)
}

func (c *cloud) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.calls = nil }()
	return c.calls
}

// Do sends a request for AWS to the API on loopback.
func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", c.Listener.Addr().String()
	return c.Client().Do(r)
}

func (c *cloud) client(account string) *awsecr.Client {
	return awsecr.New(awsecr.Options{
		Region: "us-west-2", HTTPClient: c, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

func (c *cloud) public() *awsecrpublic.Client {
	return awsecrpublic.New(awsecrpublic.Options{
		Region: "eu-west-1", HTTPClient: c, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("HOME", "secret", ""),
	})
}

func (c *cloud) login() *ecr.Credentials {
	return &ecr.Credentials{Private: c.client("HOME"), Public: c.public(), Now: func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now
	}}
}

func (c *cloud) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open opens a repository by its name at AWS, which leads to the registry on loopback.
func (c *cloud) open(t testing.TB, name string, login *ecr.Credentials) *registry.Repository {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, c.registry.Host())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	r, err := registry.Open(name, &registry.Options{Credential: login.Credential, Transport: transport, PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const home = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

func push(t testing.TB, r *registry.Repository) {
	t.Helper()
	data := []byte(`{"schemaVersion":2}`)
	d := registry.Descriptor{MediaType: "application/octet-stream", Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

func TestRegistry(t *testing.T) {
	c := newCloud(t)
	login := c.login()
	for range 3 {
		push(t, c.open(t, home+"/app", login))
	}
	if got := strings.Join(c.taken(), ", "); got != "HOME eu-central-1 api.ecr.eu-central-1.amazonaws.com" {
		t.Errorf("tokens: %s; want one, of the registry's region", got)
	}
}

// A token that the registry turns down, though it has not expired, is replaced once, however many notice.
func TestRenewedWhenRejected(t *testing.T) {
	c := newCloud(t)
	login := c.login()
	repos := make([]*registry.Repository, 8)
	for i := range repos {
		repos[i] = c.open(t, home+"/app", login)
		push(t, repos[i])
	}
	c.taken()
	c.mu.Lock()
	c.current = "revoked"
	c.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range repos {
		wg.Go(func() {
			if _, err := r.Resolve(t.Context(), "v1"); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%v; want to be let in, and nothing there", err)
			}
		})
	}
	wg.Wait()
	if got := c.taken(); len(got) != 1 {
		t.Errorf("%d tokens, want 1", len(got))
	}
}

func TestRenewedBeforeExpiry(t *testing.T) {
	c := newCloud(t)
	login := c.login()
	get := func() registry.Credential {
		t.Helper()
		got, err := login.Credential(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := get()
	c.later(8 * time.Hour)
	if get() != first {
		t.Error("renewed too early")
	}
	c.later(90 * time.Minute)
	second := get()
	if second == first || second.Username != "AWS" || second.Password != "password-2" {
		t.Errorf("after nine and a half of twelve hours: %v", second)
	}
	// While AWS fails, what is still good is used, and no longer.
	c.mu.Lock()
	c.failing = true
	c.mu.Unlock()
	c.later(10 * time.Hour)
	if get() != second {
		t.Error("a token that is still good was not used")
	}
	c.later(3 * time.Hour)
	if _, err := login.Credential(t.Context(), home); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("with an expired token and no other: %v", err)
	}
}

func TestRegionsAndAccounts(t *testing.T) {
	c := newCloud(t)
	login := c.login()
	login.ForAccount = func(account string) ecr.Client {
		if account == "999999999999" {
			return c.client("AWAY")
		}
		return nil
	}
	for _, tt := range []struct{ host, want string }{
		{home, "HOME eu-central-1 api.ecr.eu-central-1.amazonaws.com"},
		{"210987654321.dkr.ecr.eu-central-1.amazonaws.com", ""}, // the same token is good for it
		{"123456789012.dkr.ecr.us-east-1.amazonaws.com", "HOME us-east-1 api.ecr.us-east-1.amazonaws.com"},
		{"999999999999.dkr.ecr.eu-central-1.amazonaws.com", "AWAY eu-central-1 api.ecr.eu-central-1.amazonaws.com"},
		{"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "HOME us-gov-west-1 api.ecr-fips.us-gov-west-1.amazonaws.com"},
		{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "HOME cn-north-1 api.ecr.cn-north-1.amazonaws.com.cn"},
		{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "HOME eusc-de-east-1 api.ecr.eusc-de-east-1.amazonaws.eu"},
		{"123456789012.dkr-ecr.ap-south-1.on.aws", "HOME ap-south-1 api.ecr.ap-south-1.amazonaws.com"},
		{"vpce-0123456789abcdef0-abcd1234.dkr.ecr.eu-west-1.vpce.amazonaws.com", "HOME eu-west-1 api.ecr.eu-west-1.amazonaws.com"},
		{"vpce-0123456789abcdef0-abcd1234-eu-west-3a.dkr.ecr.eu-west-3.vpce.amazonaws.com",
			"HOME eu-west-3 api.ecr.eu-west-3.amazonaws.com"},
		{"public.ecr.aws", "HOME us-east-1 api.ecr-public.us-east-1.amazonaws.com"},
		{"ecr-public.aws.com", ""},
	} {
		got, err := login.Credential(t.Context(), tt.host)
		if err != nil || got.Username != "AWS" {
			t.Errorf("%s: %v, %v", tt.host, got, err)
		}
		if calls := strings.Join(c.taken(), ", "); calls != tt.want {
			t.Errorf("%s: %q, want %q", tt.host, calls, tt.want)
		}
	}
}

// Nobody else gets a token.
func TestOtherHosts(t *testing.T) {
	c := newCloud(t)
	login := c.login()
	hosts := []string{
		"ghcr.io", "", "amazonaws.com", home + ".example.com", home + "example.com", "x" + home, "example.com." + home,
		home + ":5000", home + ":80", "123456789012.dkr.ecr.evil.example.amazonaws.com", "123456789012.dkr.ecr..amazonaws.com",
		"123456789012.s3.eu-central-1.amazonaws.com", "public.ecr.aws.example.com", "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
		home + "\n", "public.ecr.aws\n",
		"vpce-0123456789abcdef0-abcd1234.dkr.ecr.eu-west-1.vpce.amazonaws.com.example.com",
		"vpce-0123456789abcdef0-abcd1234.s3.eu-west-1.vpce.amazonaws.com",
		"x.vpce-0123456789abcdef0-abcd1234.dkr.ecr.eu-west-1.vpce.amazonaws.com", "dkr.ecr.eu-west-1.vpce.amazonaws.com",
	}
	for _, host := range hosts {
		if got, err := login.Credential(t.Context(), host); err != nil || got != (registry.Credential{}) {
			t.Errorf("%q: %v, %v", host, got, err)
		}
	}
	if got := c.taken(); len(got) != 0 {
		t.Errorf("tokens: %v", got)
	}
	for _, host := range []string{strings.ToUpper(home), home + ":443", home + "."} { // ECR's, in another spelling
		if got, err := c.login().Credential(t.Context(), host); err != nil || got == (registry.Credential{}) {
			t.Errorf("%q: %v, %v", host, got, err)
		}
	}
	login.Others = func(_ context.Context, host string) (registry.Credential, error) {
		return registry.Credential{Username: host}, nil
	}
	if got, _ := login.Credential(t.Context(), "ghcr.io"); got.Username != "ghcr.io" {
		t.Errorf("others: %v", got)
	}
	for _, host := range []string{home, "public.ecr.aws"} {
		if got, err := new(ecr.Credentials).Credential(t.Context(), host); err != nil || got != (registry.Credential{}) {
			t.Errorf("zero value, %s: %v, %v", host, got, err)
		}
	}
}

// What is no token is an error that does not print it.
func TestNoToken(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, data := range map[string]string{
		"no list": `{}`, "empty list": `{"authorizationData":[]}`, "empty entry": `{"authorizationData":[{}]}`,
		"no Base64":   `{"authorizationData":[{"authorizationToken":"!hunter2"}]}`,
		"no colon":    `{"authorizationData":[{"authorizationToken":"` + encode("hunter2") + `"}]}`,
		"no user":     `{"authorizationData":[{"authorizationToken":"` + encode(":hunter2") + `"}]}`,
		"no password": `{"authorizationData":[{"authorizationToken":"` + encode("hunter2:") + `"}]}`,
	} {
		c := newCloud(t)
		c.answer = data
		_, err := c.login().Credential(t.Context(), home)
		if !errors.Is(err, ecr.ErrToken) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), encode("hunter2")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newCloud(t)
	c.answer = `{}`
	if _, err := c.login().Credential(t.Context(), "public.ecr.aws"); !errors.Is(err, ecr.ErrToken) {
		t.Errorf("public: %v", err)
	}
	c = newCloud(t)
	c.answer = `{"authorizationData":[{"authorizationToken":"` + encode("AWS:x") + `"}]}`
	login := c.login()
	for range 2 { // without an end it is used once
		if got, err := login.Credential(t.Context(), home); err != nil || got.Password != "x" {
			t.Errorf("%v, %v", got, err)
		}
	}
	if n := len(c.taken()); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

// Who waits for a token that another asked for waits no longer than its own context.
func TestWaitingEnds(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	login := &ecr.Credentials{Private: slowClient(func() { close(asked); <-answer })}
	done := make(chan error)
	go func() { _, err := login.Credential(context.Background(), home); done <- err }()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := login.Credential(ctx, home); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(answer)
	if err := <-done; !errors.Is(err, ecr.ErrToken) {
		t.Error(err)
	}
}

// slowClient does something before it answers without a token.
type slowClient func()

func (s slowClient) GetAuthorizationToken(context.Context, *awsecr.GetAuthorizationTokenInput,
	...func(*awsecr.Options)) (*awsecr.GetAuthorizationTokenOutput, error) {
	s()
	return nil, nil
}
