package ecstest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// state is what a region's ECS has.
type state struct {
	clusters          []string // names
	definitions       []*types.TaskDefinition
	daemonDefinitions []*types.DaemonTaskDefinition
	tags              map[string][]types.Tag // by ARN
	services          []*service
	revisions         []*types.ServiceRevision
	deployments       []*deployment
	tasks             []*task
	daemons           []*daemon
	functions         map[string]Function
	targets           []target
	events            []*envelope
	queue             []*job
	jobs, serial      int
	levels            map[int]level // of buckets
}

// out is the answer of an operation.
type out = smithy.Serializable

// op answers an operation with the SDK's own types.
func op[In any](s *Server, name string, call func(*In) (smithy.Serializable, error)) awswire.Handler {
	return func(r *awswire.Request) ([]byte, error) {
		in := new(In)
		if err := decode(r.Body, in); err != nil {
			return nil, awswire.Failed("SerializationException", "%v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case r.Region != s.opts.Region:
			return nil, awswire.Failed("ClusterNotFoundException", "Cluster not found.")
		case s.throttled(name):
			return nil, awswire.Failed("ThrottlingException", "Rate exceeded")
		}
		out, err := call(in)
		if err != nil {
			return nil, err
		}
		reply, err := awswire.Encode(out)
		if err == nil {
			s.called(name, r.Body, reply)
		}
		return reply, err
	}
}

// decode reads a request into the SDK's type of it: encoding/json takes names in any case. Two members need help: documents, whose type
// is an interface, and times, which are numbers.
func decode(body []byte, in any) error {
	if !bytes.Contains(body, []byte(`"hookDetails"`)) && !bytes.Contains(body, []byte(`"createdAt"`)) {
		return json.Unmarshal(body, in)
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return err
	}
	delete(members, "createdAt")
	config, _ := members["deploymentConfiguration"].(map[string]any)
	hooks, _ := config["lifecycleHooks"].([]any)
	details := make([]any, len(hooks))
	for i, h := range hooks {
		if h, ok := h.(map[string]any); ok {
			details[i] = h["hookDetails"]
			delete(h, "hookDetails")
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, in); err != nil {
		return err
	}
	if v, ok := in.(interface {
		hooks() []types.DeploymentLifecycleHook
	}); ok {
		for i := range v.hooks() {
			if details[i] != nil {
				v.hooks()[i].HookDetails = document.NewLazyDocument(details[i])
			}
		}
	}
	return nil
}

// cluster returns a cluster's ARN and makes the cluster if there is none. The caller holds the lock.
func (s *Server) cluster(name string) string {
	if !slices.Contains(s.state.clusters, name) {
		s.state.clusters = append(s.state.clusters, name)
	}
	return s.arn("cluster/" + name)
}

// inCluster returns the ARN of the cluster that a request names, by name or ARN, or leaves to the default.
func (s *Server) inCluster(name string) (string, error) {
	if name == "" {
		name = "default"
	}
	name = strings.TrimPrefix(name, s.arn("cluster/"))
	if !slices.Contains(s.state.clusters, name) {
		return "", awswire.Failed("ClusterNotFoundException", "Cluster not found.")
	}
	return s.cluster(name), nil
}

// named tells whether a request's text is an ARN or the name at its end.
func named(text, arn string) bool {
	return text == arn || arn[strings.LastIndexByte(arn, '/')+1:] == text
}

func missing(text string) types.Failure {
	return types.Failure{Arn: aws.String(text), Reason: aws.String("MISSING")}
}

// page cuts a listing: the token is where the next page begins.
func (s *Server) page(all []string, token *string, size *int32, most int) ([]string, *string, error) {
	n := most
	if s.opts.Page > 0 {
		n = min(n, s.opts.Page)
	}
	if size != nil {
		if *size < 1 || int(*size) > 100 {
			return nil, nil, awswire.Failed("InvalidParameterException", "maxResults %d; 1 to 100 may be asked for", *size)
		}
		n = min(n, int(*size))
	}
	start := 0
	if token != nil {
		var err error
		if start, err = strconv.Atoi(*token); err != nil || start < 0 || start > len(all) {
			return nil, nil, awswire.Failed("InvalidParameterException", "Invalid token.")
		}
	}
	end := min(start+n, len(all))
	out := append([]string{}, all[start:end]...)
	if end < len(all) {
		return out, aws.String(strconv.Itoa(end)), nil
	}
	return out, nil, nil
}

// next is a number that was not given before.
func (s *Server) next() int {
	s.state.serial++
	return s.state.serial
}
