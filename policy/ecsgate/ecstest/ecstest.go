// Package ecstest is a small Amazon ECS for tests of gates: a server on the loopback that speaks ECS's wire protocol to the real client
// of the AWS SDK, checks its SigV4 signatures, runs tasks, services and daemons by a clock of its own, asks hooks, and sends events.
//
//	cloud := ecstest.Start(t, nil)
//	client := ecs.NewFromConfig(cloud.Config())
//	cloud.Function("arn:aws:lambda:us-east-1:111122223333:function:gate", hook.Handle)
//	cloud.Subscribe(tasks.Handle, ecstest.TaskStateChange)
//	client.RunTask(ctx, ...)
//	cloud.Advance(time.Minute)
//
// Nothing happens between calls of [Server.Advance]: what takes time takes the server's, and no test sleeps. Clients of [Server.Config]
// name the real host, such as ecs.eu-west-1.amazonaws.com, and are led here when they connect. The server knows one account, one region
// and one set of credentials; SigV4's dates are the real clock's. Whatever ECS does wrong at times, [Server.Fail] and [Server.Edit] do on
// purpose.
//
// # What is known, and how
//
// No part was recorded from an account. Requests and answers are encoded by the types and schemas of service/ecs v1.105.1, so that names
// and enumerations are ECS's own. By AWS's documentation are
//
//	lifecycle hooks     events, answers, callBackDelay, hookDetails kept for a hook and a deployment, all hooks of a stage at once,
//	                    timeouts and their actions, rollback when a function fails (developer guide, "Lifecycle hooks")
//	pause hooks         hookId, ECS Hook State Change, ContinueServiceDeployment, where no action means CONTINUE ("Pause hooks")
//	rollback            the *_TRAFFIC_SHIFT hooks are asked again, with the target unchanged
//	task events         the shape of ECS Task State Change, versions, the digest before the containers run ("Task state change events")
//	CloudTrail          events of calls that change something, with the caller, five minutes later ("CloudTrail record contents")
//	daemons             ECS Daemon Deployment State Change from PENDING on ("Daemon events"), one task for each instance
//	version consistency a service's tags are resolved once for a revision, unless versionConsistency is disabled
//	limits              10 tasks, 10 services, 20 revisions, 20 deployments, 100 tasks in a call, pages, and quotas ([Options].Throttle)
//
// and guessed, because no documentation says it: the seconds that steps take, which stages a rolling deployment passes, the group and
// startedBy of a daemon's tasks (daemon:NAME, the revision's ARN), the family of what Express registers (express-NAME), and the texts of
// errors. Left out are circuit breakers and alarms, capacity, load balancers, tags on tasks, and
// CODE_DEPLOY.
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
	Actor   string    // ARN of who calls, for CloudTrail's events; empty means a role's session
	Page    int       // most entries in one answer of a listing; zero means as many as ECS gives
	// Throttle makes calls fail beyond ECS's quotas, by the server's clock: the Amazon ECS API reference, "Request throttling".
	Throttle bool
	// Digest returns what an image that is named by tag is at this moment, such as what a registry says; an error is one of the pull.
	// Nil means that tags are not resolved: tasks have no digest then.
	Digest func(image string) (string, error)
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
	if s.opts.Actor == "" {
		s.opts.Actor = "arn:aws:sts::" + s.opts.Account + ":assumed-role/developer/alice"
	}
	if s.now = s.opts.Start; s.now.IsZero() {
		s.now = time.Now()
	}
	s.state.levels = map[int]level{}
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
