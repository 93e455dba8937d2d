// Package awswire is what stand-ins for services of AWS share: a server on the loopback that speaks AWS JSON 1.1 and REST-JSON to the
// real clients of the AWS SDK, checks their SigV4 signatures, counts calls, and makes them fail where a test wants that.
package awswire

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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	ecsschemas "github.com/aws/aws-sdk-go-v2/service/ecs/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// What the server takes for the credentials of its account.
const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "not a secret"
)

// A Route returns the operation that a request names, such as "kms:Sign", and who answers it; nil if nobody does.
type Route func(r *http.Request) (operation string, h Handler)

// A Server answers what its Route knows. It is safe for concurrent use, and an [http.Handler].
type Server struct {
	region string
	route  Route
	http   *httptest.Server
	others map[string]http.Handler // by service, as AWS JSON 1.1 names it

	mu     sync.Mutex
	calls  map[string]int
	faults map[string][]*Fault
	edits  map[string][]Edit
}

// New returns a server whose clients are of a region. The caller closes it.
func New(region string, route Route) *Server {
	s := &Server{region: region, route: route, calls: map[string]int{}, faults: map[string][]*Fault{}, edits: map[string][]Edit{}}
	s.http = httptest.NewServer(s)
	return s
}

// Forward has another server answer the calls of a service, as AWS JSON 1.1 names it. It is called before the first call comes.
func (s *Server) Forward(service string, h http.Handler) {
	if s.others == nil {
		s.others = map[string]http.Handler{}
	}
	s.others[service] = h
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
		Region: s.region,
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

// An APIError is an error of a service, with the code that its clients know.
type APIError struct {
	Status  int
	Code    string
	Message string
}

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// Failed returns an error of status 400.
func Failed(code, format string, args ...any) error {
	return &APIError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

const maxBody = 16 << 20

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if service, _ := Target(r); s.others[service] != nil {
		s.others[service].ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	operation, call := s.route(r)
	if call == nil {
		s.fail(w, &APIError{http.StatusNotFound, "UnknownOperationException", r.Method + " " + r.URL.Path})
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
			s.fail(w, &APIError{status, fault.Code, "as the test wants"})
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
	reply, err := call(&Request{Region: region, Body: body, Query: r.URL.Query(), Path: r.URL.Path})
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
	e, ok := err.(*APIError)
	if !ok {
		e = &APIError{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", rand.Text())
	w.Header().Set("x-amzn-ErrorType", e.Code)
	w.WriteHeader(e.Status)
	json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
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

// A Request is a call whose sender is known.
type Request struct {
	Region string
	Path   string
	Query  map[string][]string
	Body   []byte
}

func (r *Request) Decode(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return Failed("SerializationException", "%v", err)
	}
	return nil
}

// A Handler answers a call.
type Handler func(*Request) ([]byte, error)

// Encode writes an answer by the SDK's own schemas, so that it is as the service has it.
func Encode(out smithy.Serializable) ([]byte, error) {
	r := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	unit := smithy.NewOperationSchema(
		ecsschemas.StopTask,
		ecsschemas.StopTaskResponse,
		ecsschemas.StopTaskResponse,
	) // names a header that is not used
	if err := awsjson.New11(ecsschemas.AmazonEC2ContainerServiceV20141113).SerializeRequest(context.Background(), unit, out,
		r); err != nil {
		return nil, err
	}
	return io.ReadAll(r.GetStream())
}

// Target returns the service and the operation that a call of AWS JSON 1.1 names; both are empty if it is none.
func Target(r *http.Request) (service, operation string) {
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		return "", ""
	}
	service, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return service, operation
}

// Hosts of the services, as SigV4 names those: Signer has two.
var Hosts = regexp.MustCompile(`^(kms|signer|data-signer|ecs|inspector-scan)\.([a-z0-9-]+)\.amazonaws\.com$`)

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?` +
	`SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

// authorised returns the region that the request was signed for, if the signature is the account's.
func (s *Server) authorised(r *http.Request, operation string, body []byte) (string, error) {
	deny := func(code, format string, args ...any) (string, error) {
		return "", &APIError{http.StatusForbidden, code, fmt.Sprintf(format, args...)}
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
	if h := Hosts.FindStringSubmatch(r.Host); h != nil && (strings.TrimPrefix(h[1], "data-") != service || h[2] != region) {
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
