// Package awstest is a small AWS for tests and examples: a server on the loopback that speaks the wire protocols of KMS,
// Signer, ECS and Inspector Scan to the real clients of the AWS SDK, checks their SigV4 signatures, and really signs. Its ECS is that
// of policy/ecsgate/ecstest.
//
//	cloud := awstest.Start(t, nil)
//	client := signer.NewFromConfig(cloud.Config())
//
// Clients of [Server.Config] name the real hosts, such as kms.eu-west-1.amazonaws.com, and are led here when they connect:
// so the server sees which service and region they meant, and refuses those who sign for another. It knows one account and
// one set of credentials. Whatever AWS does wrong at times, [Server.Fail] and [Server.Edit] do on purpose.
package awstest

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/awswire"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// Options of [Start] and [New].
type Options struct {
	Region  string                             // of ARNs that are made here and of Config; empty means us-east-1
	Account string                             // of 12 digits; empty means 111122223333
	Now     func() time.Time                   // at which certificates are made and signatures dated; nil means time.Now
	Page    int                                // most entries in one answer of a listing; zero means as many as AWS gives
	Digest  func(image string) (string, error) // see ecstest.Options
}

// A Server is one account's AWS in all regions. It is safe for concurrent use, and an [http.Handler] for tests that need a
// listener of their own.
type Server struct {
	*awswire.Server
	ECS *ecstest.Server // whose calls, faults and edits are this server's

	opts Options
	pki  *pki

	mu        sync.Mutex
	kms       kmsState
	signer    signerState
	inspector inspectorState
}

// A Fault is what happens to calls instead of an answer, or before it.
type Fault = awswire.Fault

// An Edit changes calls on their way.
type Edit = awswire.Edit

// Faults as the services spell them. ThrottlingException is what KMS and ECS say, TooManyRequestsException what Signer says.
var (
	Throttled        = Fault{Status: 400, Code: "ThrottlingException"}
	TooManyRequests  = Fault{Status: 429, Code: "TooManyRequestsException"}
	Denied           = Fault{Status: 403, Code: "AccessDeniedException"}
	DeniedByKMS      = Fault{Status: 400, Code: "AccessDeniedException"}
	Unavailable      = Fault{Status: 503}
	InternalToSigner = Fault{Status: 500, Code: "InternalServiceErrorException"}
)

type (
	apiError = awswire.APIError
	request  = awswire.Request
	handler  = awswire.Handler
)

var (
	failed = awswire.Failed
	encode = awswire.Encode
)

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
	s := new(Server)
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
	s.ECS = ecstest.New(&ecstest.Options{Region: s.opts.Region, Account: s.opts.Account, Start: s.opts.Now(), Page: s.opts.Page,
		Digest: s.opts.Digest})
	s.Server = awswire.New(s.opts.Region, s.route)
	s.Server.Forward("AmazonEC2ContainerServiceV20141113", s.ECS)
	return s, nil
}

// Close ends the server.
func (s *Server) Close() {
	s.Server.Close()
	s.ECS.Close()
}

// Calls returns how often each operation was called, such as "kms:Sign", in the spelling of IAM policies. Calls that fail
// count too.
func (s *Server) Calls() map[string]int {
	all := s.Server.Calls()
	maps.Copy(all, s.ECS.Calls())
	return all
}

// ResetCalls sets the counts to zero.
func (s *Server) ResetCalls() {
	s.Server.ResetCalls()
	s.ECS.ResetCalls()
}

// Fail makes calls of an operation fail, such as "kms:Sign", or of all with "*". Faults of an operation happen in order.
func (s *Server) Fail(operation string, f Fault) {
	if operation == "*" || strings.HasPrefix(operation, "ecs:") {
		s.ECS.Fail(operation, ecstest.Fault(f))
	}
	s.Server.Fail(operation, f)
}

// Edit makes the service lie about an operation, such as "signer:SignPayload".
func (s *Server) Edit(operation string, e Edit) {
	s.Server.Edit(operation, e)
	s.ECS.Edit(operation, ecstest.Edit(e))
}

// Heal ends all that Fail and Edit began.
func (s *Server) Heal() {
	s.Server.Heal()
	s.ECS.Heal()
}

// route returns the operation that a request names, and who answers it.
func (s *Server) route(r *http.Request) (string, handler) {
	if r.Header.Get("X-Amz-Target") != "" {
		if service, name := awswire.Target(r); service == "TrentService" {
			return "kms:" + name, s.kmsOperation(name)
		}
		return "", nil
	}
	if r.Method == http.MethodPost && r.URL.Path == "/scan/sbom" {
		return "inspector-scan:ScanSbom", s.scanSBOM
	}
	return s.signerOperation(r)
}

// arn makes an ARN of this account.
func (s *Server) arn(service, region, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + s.opts.Account + ":" + resource
}
