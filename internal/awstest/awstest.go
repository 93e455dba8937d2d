// Package awstest is a small AWS for tests and examples: a server on the loopback that speaks the wire protocols of KMS,
// Signer, ECS and Inspector Scan to the real clients of the AWS SDK, checks their SigV4 signatures, and really signs.
//
//	cloud := awstest.Start(t, nil)
//	client := signer.NewFromConfig(cloud.Config())
//
// Clients of [Server.Config] name the real hosts, such as kms.eu-west-1.amazonaws.com, and are led here when they connect:
// so the server sees which service and region they meant, and refuses those who sign for another. It knows one account and
// one set of credentials. Whatever AWS does wrong at times, [Server.Fail] and [Server.Edit] do on purpose.
package awstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	kmsschemas "github.com/aws/aws-sdk-go-v2/service/kms/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// What the server takes for the credentials of its account.
const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "not a secret"
)

// Options of [Start] and [New].
type Options struct {
	Region  string           // of ARNs that are made here and of Config; empty means us-east-1
	Account string           // of 12 digits; empty means 111122223333
	Now     func() time.Time // at which certificates are made and signatures dated; nil means time.Now
	Page    int              // most entries in one answer of a listing; zero means as many as AWS gives
}

// A Server is one account's AWS in all regions. It is safe for concurrent use, and an [http.Handler] for tests that need a
// listener of their own.
type Server struct {
	opts Options
	http *httptest.Server
	pki  *pki

	mu     sync.Mutex
	calls  map[string]int
	faults map[string][]*Fault
	edits  map[string][]Edit

	kms       kmsState
	signer    signerState
	ecs       ecsState
	inspector inspectorState
}

// Start returns a server that ends with the test.
func Start(t testing.TB, o *Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New returns a server that the caller closes.
func New(o *Options) (*Server, error) {
	s := &Server{calls: map[string]int{}, faults: map[string][]*Fault{}, edits: map[string][]Edit{}}
	if o != nil {
		s.opts = *o
	}
	if s.opts.Region == "" {
		s.opts.Region = "us-east-1"
	}
	if s.opts.Account == "" {
		s.opts.Account = "111122223333"
	}
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	var err error
	if s.pki, err = newPKI(s.opts.Now()); err != nil {
		return nil, fmt.Errorf("awstest: %w", err)
	}
	s.http = httptest.NewServer(s)
	return s, nil
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// URL is the server's address, for AWS_ENDPOINT_URL. GetRevocationStatus puts "data-" before its host, and so needs Config.
func (s *Server) URL() string { return s.http.URL }

// Credentials returns what the server takes, as in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
func (s *Server) Credentials() (id, secret string) { return accessKey, secretKey }

// Config is for the SDK's clients. It retries as the SDK does by itself, without waiting.
func (s *Server) Config() aws.Config {
	d := new(net.Dialer)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", s.http.Listener.Addr().String())
	}
	return aws.Config{
		Region: s.opts.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
		}),
		// No proxy, and no TLS: what says it is a TLS connection is a plain one to this process.
		HTTPClient: &http.Client{Transport: plainBody{&http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}}},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

// plainBody hides from a transport that bodies of requests have a WriteTo and a Close. The SDK closes them as soon as it has
// an answer, and both return io.EOF after that: to net/http a request half written, for which it drops the connection and
// the answer on it. A server as near as this one answers before the transport is done with the body.
type plainBody struct{ http.RoundTripper }

func (p plainBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(struct{ io.Reader }{req.Body})
	}
	return p.RoundTripper.RoundTrip(req)
}

// Calls returns how often each operation was called, such as "kms:Sign", in the spelling of IAM policies. Calls that fail
// count too.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// ResetCalls sets the counts to zero.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

// A Fault is what happens to calls instead of an answer, or before it.
type Fault struct {
	Times  int           // how many calls it happens to; zero means all
	Delay  time.Duration // to wait, or until the client is gone
	Status int           // of HTTP; zero with a Code means 400; zero without one goes on with the call after Delay
	Code   string        // of the error; empty with a Status sends text that is no AWS error
}

// Faults as the services spell them. ThrottlingException is what KMS and ECS say, TooManyRequestsException what Signer says.
var (
	Throttled        = Fault{Status: 400, Code: "ThrottlingException"}
	TooManyRequests  = Fault{Status: 429, Code: "TooManyRequestsException"}
	Denied           = Fault{Status: 403, Code: "AccessDeniedException"}
	DeniedByKMS      = Fault{Status: 400, Code: "AccessDeniedException"}
	Unavailable      = Fault{Status: 503}
	InternalToSigner = Fault{Status: 500, Code: "InternalServiceErrorException"}
)

// Fail makes calls of an operation fail, such as "kms:Sign", or of all with "*". Faults of an operation happen in order.
func (s *Server) Fail(operation string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = append(s.faults[operation], &f)
}

// Heal ends all that Fail and Edit began.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
	clear(s.edits)
}

// An Edit changes calls on their way: the members of the request before the service sees them, those of the answer before
// the client does. Bytes are base64, as on the wire. Either may be nil.
type Edit struct {
	Request, Reply func(members map[string]any)
}

// Edit makes the service lie about an operation, such as "signer:SignPayload".
func (s *Server) Edit(operation string, e Edit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits[operation] = append(s.edits[operation], e)
}

// An apiError is an error of a service, with the code that its clients know.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func failed(code, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

const maxBody = 16 << 20

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	operation, call := s.route(r)
	if call == nil {
		s.fail(w, &apiError{http.StatusNotFound, "UnknownOperationException", r.Method + " " + r.URL.Path})
		return
	}
	region, err := s.authorised(r, operation, body)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.mu.Lock()
	s.calls[operation]++
	fault, edits := s.fault(operation), s.edits[operation]
	s.mu.Unlock()
	if fault != nil {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
			return
		}
		switch {
		case fault.Code != "":
			status := fault.Status
			if status == 0 {
				status = http.StatusBadRequest
			}
			s.fail(w, &apiError{status, fault.Code, "as the test wants"})
			return
		case fault.Status != 0:
			http.Error(w, "<html>as the test wants</html>", fault.Status)
			return
		}
	}
	for _, e := range edits {
		if e.Request != nil {
			body = edit(body, e.Request)
		}
	}
	reply, err := call(&request{region: region, body: body, query: r.URL.Query(), path: r.URL.Path})
	if err != nil {
		s.fail(w, err)
		return
	}
	for _, e := range edits {
		if e.Reply != nil {
			reply = edit(reply, e.Reply)
		}
	}
	w.Header().Set("Content-Type", contentType(r))
	w.Header().Set("x-amzn-RequestId", rand.Text())
	w.Write(reply)
}

func contentType(r *http.Request) string {
	if r.Header.Get("X-Amz-Target") != "" {
		return "application/x-amz-json-1.1"
	}
	return "application/json"
}

func edit(data []byte, f func(map[string]any)) []byte {
	members := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if len(data) > 0 && d.Decode(&members) != nil {
		return data
	}
	f(members)
	out, err := json.Marshal(members)
	if err != nil {
		panic(err) // the test put something into it that is no JSON
	}
	return out
}

// fail writes an error as both protocols have it: the header is REST-JSON's, the member JSON 1.1's.
func (s *Server) fail(w http.ResponseWriter, err error) {
	e, ok := err.(*apiError)
	if !ok {
		e = &apiError{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", rand.Text())
	w.Header().Set("x-amzn-ErrorType", e.code)
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(map[string]string{"__type": e.code, "message": e.message})
}

// fault returns what is to happen to a call now. The caller holds the lock.
func (s *Server) fault(operation string) *Fault {
	for _, name := range []string{operation, "*"} {
		list := s.faults[name]
		if len(list) == 0 {
			continue
		}
		f := *list[0]
		if list[0].Times > 0 {
			if list[0].Times--; list[0].Times == 0 {
				s.faults[name] = list[1:]
			}
		}
		return &f
	}
	return nil
}

// A request is a call whose sender is known.
type request struct {
	region string
	path   string
	query  map[string][]string
	body   []byte
}

func (r *request) decode(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return failed("SerializationException", "%v", err)
	}
	return nil
}

type handler func(*request) ([]byte, error)

// encode writes an answer by the SDK's own schemas, so that it is as the service has it.
func encode(out smithy.Serializable) ([]byte, error) {
	r := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	unit := smithy.NewOperationSchema(kmsschemas.Sign, kmsschemas.SignResponse, kmsschemas.SignResponse) // names a header that is not used
	if err := awsjson.New11(kmsschemas.TrentService).SerializeRequest(context.Background(), unit, out, r); err != nil {
		return nil, err
	}
	return io.ReadAll(r.GetStream())
}

// route returns the operation that a request names, and who answers it.
func (s *Server) route(r *http.Request) (string, handler) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
			return "", nil
		}
		service, name, _ := strings.Cut(target, ".")
		switch service {
		case "TrentService":
			return "kms:" + name, s.kmsOperation(name)
		case "AmazonEC2ContainerServiceV20141113":
			return "ecs:" + name, s.ecsOperation(name)
		}
		return "", nil
	}
	if r.Method == http.MethodPost && r.URL.Path == "/scan/sbom" {
		return "inspector-scan:ScanSbom", s.scanSBOM
	}
	return s.signerOperation(r)
}

// hosts of the services, as SigV4 names those: Signer has two.
var hosts = regexp.MustCompile(`^(kms|signer|data-signer|ecs|inspector-scan)\.([a-z0-9-]+)\.amazonaws\.com$`)

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,]+)/([0-9]{8})/([a-z0-9-]+)/([a-z-]+)/aws4_request, ?` +
	`SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

// authorised returns the region that the request was signed for, if the signature is the account's.
func (s *Server) authorised(r *http.Request, operation string, body []byte) (string, error) {
	deny := func(code, format string, args ...any) (string, error) {
		return "", &apiError{http.StatusForbidden, code, fmt.Sprintf(format, args...)}
	}
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return deny("MissingAuthenticationTokenException", "no SigV4 signature in Authorization")
	}
	id, day, region, service, signature := m[1], m[2], m[3], m[4], m[6]
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || at.Format("20060102") != day {
		return deny("IncompleteSignatureException", "X-Amz-Date %q, scope of %s", r.Header.Get("X-Amz-Date"), day)
	}
	if d := time.Since(at).Abs(); d > 15*time.Minute {
		return deny("RequestExpired", "signed %v from now", d)
	}
	if want, _, _ := strings.Cut(operation, ":"); service != want {
		return deny("InvalidSignatureException", "signed for service %s, sent to %s", service, want)
	}
	if h := hosts.FindStringSubmatch(r.Host); h != nil && (strings.TrimPrefix(h[1], "data-") != service || h[2] != region) {
		return deny("InvalidSignatureException", "signed for %s in %s, sent to %s", service, region, r.Host)
	}
	if id != accessKey {
		return deny("UnrecognizedClientException", "the security token included in the request is invalid")
	}

	// The signature holds if the same request, signed again, has the same.
	again, err := http.NewRequest(r.Method, "https://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return deny("InvalidSignatureException", "%v", err)
	}
	for name := range strings.SplitSeq(m[5], ";") {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header[http.CanonicalHeaderKey(name)]
		}
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, again,
		hex.EncodeToString(sum[:]), service, region, at); err != nil {
		return deny("InvalidSignatureException", "%v", err)
	}
	if n := authorization.FindStringSubmatch(again.Header.Get("Authorization")); n == nil || n[5] != m[5] || n[6] != signature {
		return deny("InvalidSignatureException", "the signature does not match the request")
	}
	return region, nil
}

// arn makes an ARN of this account.
func (s *Server) arn(service, region, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + s.opts.Account + ":" + resource
}
