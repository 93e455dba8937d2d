package ecstest

import (
	"slices"
	"time"
)

// A job is what happens at a moment of the server's clock.
type job struct {
	at time.Time
	n  int // of jobs at the same moment, the first made comes first
	do func() (unlocked func())
}

// after has something happen later. What do returns, if anything, is called without the lock, so that it may call the server.
func (s *Server) after(d time.Duration, do func() func()) {
	s.state.jobs++
	s.state.queue = append(s.state.queue, &job{s.now.Add(d), s.state.jobs, do})
}

// then is after for what calls nobody.
func (s *Server) then(d time.Duration, do func()) { s.after(d, func() func() { do(); return nil }) }

// Now returns what the server's clock shows. It stands still between calls of [Server.Advance].
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Advance moves the clock: tasks start and stop, deployments go on, hooks are asked and events delivered, in the order of their time.
// Functions of [Server.Function] and [Server.Subscribe] are called before it returns, one at a time.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.now.Add(d)
	for {
		next := -1
		for i, j := range s.state.queue {
			if j.at.After(end) || next >= 0 && !earlier(j, s.state.queue[next]) {
				continue
			}
			next = i
		}
		if next < 0 {
			break
		}
		j := s.state.queue[next]
		s.state.queue = slices.Delete(s.state.queue, next, next+1)
		if j.at.After(s.now) {
			s.now = j.at
		}
		if call := j.do(); call != nil {
			s.mu.Unlock()
			call()
			s.mu.Lock()
		}
	}
	if end.After(s.now) {
		s.now = end
	}
}

func earlier(a, b *job) bool { return a.at.Before(b.at) || a.at.Equal(b.at) && a.n < b.n }

// A bucket is one of ECS's quotas: the Amazon ECS API reference, "Request throttling".
type bucket struct {
	most, refill float64 // requests, and requests a second
	operations   []string
}

var buckets = []bucket{
	{50, 20, []string{"DescribeClusters", "ListClusters"}},
	{20, 1, []string{"RegisterTaskDefinition", "DeregisterTaskDefinition"}},
	{50, 20, []string{"DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"}},
	{20, 10, []string{"TagResource", "UntagResource"}},
	{50, 20, []string{"ListTagsForResource"}},
	{100, 40, []string{"RunTask", "StartTask", "StopTask", "ExecuteCommand"}},
	{100, 20, []string{"DescribeTasks", "ListTasks"}},
	{50, 5, []string{"CreateService", "DeleteService", "UpdateService"}},
	{100, 20, []string{"DescribeServices", "ListServices"}},
	{50, 20, []string{"DescribeServiceDeployments", "ListServiceDeployments"}},
	{50, 20, []string{"DescribeServiceRevisions"}},
}

// A level is how full a bucket is.
type level struct {
	tokens float64
	at     time.Time
}

// throttled takes a token of the operation's bucket, if it has one. Operations that AWS names no quota of have none here.
func (s *Server) throttled(operation string) bool {
	if !s.opts.Throttle {
		return false
	}
	for i, b := range buckets {
		if !slices.Contains(b.operations, operation) {
			continue
		}
		l, ok := s.state.levels[i]
		if !ok {
			l = level{b.most, s.now}
		}
		l.tokens = min(b.most, l.tokens+s.now.Sub(l.at).Seconds()*b.refill)
		l.at = s.now
		empty := l.tokens < 1
		if !empty {
			l.tokens--
		}
		s.state.levels[i] = l
		return empty
	}
	return false
}
