// Package ecstest is a small Amazon ECS for tests of gates: a server on the loopback that speaks ECS's wire protocol to the real client
// of the AWS SDK and checks its SigV4 signatures.
//
//	cloud := ecstest.Start(t, nil)
//	client := ecs.NewFromConfig(cloud.Config())
//
// Clients of [Server.Config] name the real host, such as ecs.eu-west-1.amazonaws.com, and are led here when they connect. The server
// knows one account, one region and one set of credentials. Whatever ECS does wrong at times, [Server.Fail] and [Server.Edit] do on
// purpose.
package ecstest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ladingdev/lading/internal/awswire"
)

// Options of [Start] and [New].
type Options struct {
	Region  string    // empty means us-east-1
	Account string    // of 12 digits; empty means 111122223333
	Start   time.Time // what the server's clock shows at first; zero means the present
	Page    int       // most entries in one answer of a listing; zero means as many as ECS gives
}

// A Server is one account's ECS in one region. It is safe for concurrent use, and an [http.Handler] for tests that need a listener of
// their own.
type Server struct {
	opts Options
	wire *awswire.Server

	mu    sync.Mutex
	now   time.Time
	state state
}

// Start returns a server that ends with the test.
func Start(t testing.TB, o *Options) *Server {
	t.Helper()
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

// New returns a server that the caller closes.
func New(o *Options) *Server {
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
	if s.now = s.opts.Start; s.now.IsZero() {
		s.now = time.Now()
	}
	s.wire = awswire.New(s.opts.Region, func(r *http.Request) (string, awswire.Handler) {
		service, name := awswire.Target(r)
		if service != "AmazonEC2ContainerServiceV20141113" {
			return "", nil
		}
		return "ecs:" + name, s.operation(name)
	})
	return s
}

// Close ends the server.
func (s *Server) Close() { s.wire.Close() }

// URL is the server's address, for AWS_ENDPOINT_URL.
func (s *Server) URL() string { return s.wire.URL() }

// Credentials returns what the server takes, as in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
func (s *Server) Credentials() (id, secret string) { return s.wire.Credentials() }

// Config is for the SDK's clients. It retries as the SDK does by itself, without waiting.
func (s *Server) Config() aws.Config { return s.wire.Config() }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.wire.ServeHTTP(w, r) }

// Calls returns how often each operation was called, such as "ecs:RunTask", in the spelling of IAM policies. Calls that fail count too.
func (s *Server) Calls() map[string]int { return s.wire.Calls() }

// ResetCalls sets the counts to zero.
func (s *Server) ResetCalls() { s.wire.ResetCalls() }

// A Fault is what happens to calls instead of an answer, or before it.
type Fault struct {
	Times  int           // how many calls it happens to; zero means all
	Delay  time.Duration // to wait, by the real clock, or until the client is gone
	Status int           // of HTTP; zero with a Code means 400; zero without one goes on with the call after Delay
	Code   string        // of the error; empty with a Status sends text that is no AWS error
}

// Faults as ECS spells them.
var (
	Throttled   = Fault{Status: 400, Code: "ThrottlingException"}
	Denied      = Fault{Status: 400, Code: "AccessDeniedException"}
	Unavailable = Fault{Status: 503}
)

// Fail makes calls of an operation fail, such as "ecs:StopTask", or of all with "*". Faults of an operation happen in order.
func (s *Server) Fail(operation string, f Fault) { s.wire.Fail(operation, awswire.Fault(f)) }

// An Edit changes calls on their way: the members of the request before the service sees them, those of the answer before the client
// does. Bytes are base64, as on the wire. Either may be nil.
type Edit struct {
	Request, Reply func(members map[string]any)
}

// Edit makes the service lie about an operation, such as "ecs:DescribeTasks".
func (s *Server) Edit(operation string, e Edit) { s.wire.Edit(operation, awswire.Edit(e)) }

// Heal ends all that Fail and Edit began.
func (s *Server) Heal() { s.wire.Heal() }

// arn makes an ARN of this account and region.
func (s *Server) arn(resource string) string {
	return "arn:aws:ecs:" + s.opts.Region + ":" + s.opts.Account + ":" + resource
}
