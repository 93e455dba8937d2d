package ecstest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// state holds one region's ECS; other regions have no clusters.
type state struct {
	clusters    []string // names
	definitions []ecstypes.TaskDefinition
	services    []ecstypes.Service
	revisions   []ecstypes.ServiceRevision
	tasks       []ecstypes.Task
}

// PutTaskDefinition registers the next revision of a family and returns its ARN. Family is required.
func (s *Server) PutTaskDefinition(d ecstypes.TaskDefinition) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Revision = 1
	for _, old := range s.state.definitions {
		if *old.Family == *d.Family {
			d.Revision = old.Revision + 1
		}
	}
	if d.Status == "" {
		d.Status = ecstypes.TaskDefinitionStatusActive
	}
	d.TaskDefinitionArn = aws.String(s.arn(fmt.Sprintf("task-definition/%s:%d", *d.Family, d.Revision)))
	s.state.definitions = append(s.state.definitions, d)
	return *d.TaskDefinitionArn
}

// cluster returns a cluster's ARN and makes the cluster if there is none. The caller holds the lock.
func (s *Server) cluster(name string) string {
	if !slices.Contains(s.state.clusters, name) {
		s.state.clusters = append(s.state.clusters, name)
	}
	return s.arn("cluster/" + name)
}

// PutService makes or replaces a service of a cluster, by ServiceName, which is required, and returns its ARN.
func (s *Server) PutService(cluster string, v ecstypes.Service) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ClusterArn = aws.String(s.cluster(cluster))
	v.ServiceArn = aws.String(s.arn("service/" + cluster + "/" + *v.ServiceName))
	if v.Status == nil {
		v.Status = aws.String("ACTIVE")
	}
	s.state.services = append(slices.DeleteFunc(s.state.services, func(old ecstypes.Service) bool { return *old.ServiceArn == *v.ServiceArn }), v)
	return *v.ServiceArn
}

// PutServiceRevision makes a revision of the service of this ARN and returns the revision's own.
func (s *Server) PutServiceRevision(serviceARN string, v ecstypes.ServiceRevision) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ServiceArn = aws.String(serviceARN)
	cluster, _, _ := strings.Cut(serviceARN[strings.Index(serviceARN, ":service/")+len(":service/"):], "/")
	v.ClusterArn = aws.String(s.cluster(cluster))
	now := s.now
	v.CreatedAt = &now
	v.ServiceRevisionArn = aws.String(fmt.Sprintf("%s/%d", strings.Replace(serviceARN, ":service/", ":service-revision/", 1), 1000000000000000000+len(s.state.revisions)))
	s.state.revisions = append(s.state.revisions, v)
	return *v.ServiceRevisionArn
}

// PutTask makes a task of a cluster, running unless it says otherwise, and returns its ARN.
func (s *Server) PutTask(cluster string, v ecstypes.Task) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ClusterArn = aws.String(s.cluster(cluster))
	v.TaskArn = aws.String(s.arn("task/" + cluster + "/" + strings.ToLower(rand.Text())))
	if v.LastStatus == nil {
		v.LastStatus = aws.String("RUNNING")
	}
	if v.DesiredStatus == nil {
		v.DesiredStatus = aws.String("RUNNING")
	}
	s.state.tasks = append(s.state.tasks, v)
	return *v.TaskArn
}

// Tasks returns all tasks as they are now: a stopped one has DesiredStatus STOPPED and a StoppedReason.
func (s *Server) Tasks() []ecstypes.Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.tasks)
}

// input has the members of all operations' requests that are understood here.
type input struct {
	Cluster, ServiceName, Family, DesiredStatus, NextToken, Task, Reason, TaskDefinition string
	Services, Tasks, ServiceRevisionArns                                                 []string
	MaxResults                                                                           int
}

func (s *Server) operation(name string) awswire.Handler {
	call := map[string]func(*input) (smithy.Serializable, error){
		"DescribeTaskDefinition":   s.describeTaskDefinition,
		"DescribeServices":         s.describeServices,
		"DescribeServiceRevisions": s.describeServiceRevisions,
		"DescribeTasks":            s.describeTasks,
		"ListClusters":             s.listClusters,
		"ListServices":             s.listServices,
		"ListTasks":                s.listTasks,
		"StopTask":                 s.stopTask,
	}[name]
	if call == nil {
		return nil
	}
	return func(r *awswire.Request) ([]byte, error) {
		var in input
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Region != s.opts.Region {
			return nil, awswire.Failed("ClusterNotFoundException", "Cluster not found.")
		}
		out, err := call(&in)
		if err != nil {
			return nil, err
		}
		return awswire.Encode(out)
	}
}

// inCluster returns the ARN of the cluster that a request names, by name or ARN, or leaves to the default.
func (s *Server) inCluster(in *input) (string, error) {
	name := in.Cluster
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

func missing(text string) ecstypes.Failure {
	return ecstypes.Failure{Arn: aws.String(text), Reason: aws.String("MISSING")}
}

func (s *Server) describeTaskDefinition(in *input) (smithy.Serializable, error) {
	var found *ecstypes.TaskDefinition
	for i, d := range s.state.definitions { // a family alone means its latest active revision
		if named(in.TaskDefinition, *d.TaskDefinitionArn) || in.TaskDefinition == *d.Family && d.Status == ecstypes.TaskDefinitionStatusActive {
			found = &s.state.definitions[i]
		}
	}
	if found == nil {
		return nil, awswire.Failed("ClientException", "Unable to describe task definition.")
	}
	return &awsecs.DescribeTaskDefinitionOutput{TaskDefinition: found}, nil
}

func (s *Server) describeServices(in *input) (smithy.Serializable, error) {
	cluster, err := s.inCluster(in)
	if err != nil {
		return nil, err
	}
	if len(in.Services) == 0 || len(in.Services) > 10 {
		return nil, awswire.Failed("InvalidParameterException", "%d services; 1 to 10 may be described", len(in.Services))
	}
	out := &awsecs.DescribeServicesOutput{Services: []ecstypes.Service{}, Failures: []ecstypes.Failure{}}
	for _, text := range in.Services {
		i := slices.IndexFunc(s.state.services, func(v ecstypes.Service) bool { return *v.ClusterArn == cluster && named(text, *v.ServiceArn) })
		if i < 0 {
			out.Failures = append(out.Failures, missing(text))
			continue
		}
		out.Services = append(out.Services, s.state.services[i])
	}
	return out, nil
}

func (s *Server) describeServiceRevisions(in *input) (smithy.Serializable, error) {
	if len(in.ServiceRevisionArns) == 0 || len(in.ServiceRevisionArns) > 20 {
		return nil, awswire.Failed("InvalidParameterException", "%d service revisions; 1 to 20 may be described", len(in.ServiceRevisionArns))
	}
	out := &awsecs.DescribeServiceRevisionsOutput{ServiceRevisions: []ecstypes.ServiceRevision{}, Failures: []ecstypes.Failure{}}
	for _, arn := range in.ServiceRevisionArns {
		i := slices.IndexFunc(s.state.revisions, func(v ecstypes.ServiceRevision) bool { return *v.ServiceRevisionArn == arn })
		if i < 0 {
			out.Failures = append(out.Failures, missing(arn))
			continue
		}
		out.ServiceRevisions = append(out.ServiceRevisions, s.state.revisions[i])
	}
	return out, nil
}

// task finds a task of a cluster, or returns -1.
func (s *Server) task(cluster, text string) int {
	return slices.IndexFunc(s.state.tasks, func(v ecstypes.Task) bool { return *v.ClusterArn == cluster && named(text, *v.TaskArn) })
}

func (s *Server) describeTasks(in *input) (smithy.Serializable, error) {
	cluster, err := s.inCluster(in)
	if err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 || len(in.Tasks) > 100 {
		return nil, awswire.Failed("InvalidParameterException", "%d tasks; 1 to 100 may be described", len(in.Tasks))
	}
	out := &awsecs.DescribeTasksOutput{Tasks: []ecstypes.Task{}, Failures: []ecstypes.Failure{}}
	for _, text := range in.Tasks {
		if i := s.task(cluster, text); i >= 0 {
			out.Tasks = append(out.Tasks, s.state.tasks[i])
		} else {
			out.Failures = append(out.Failures, missing(text))
		}
	}
	return out, nil
}

// page cuts a listing: the token is where the next page begins.
func (s *Server) page(all []string, in *input, most int) ([]string, *string, error) {
	n := most
	if s.opts.Page > 0 {
		n = min(n, s.opts.Page)
	}
	if in.MaxResults > 0 {
		n = min(n, in.MaxResults)
	}
	start := 0
	if in.NextToken != "" {
		var err error
		if start, err = strconv.Atoi(in.NextToken); err != nil || start < 0 || start > len(all) {
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

func (s *Server) listClusters(in *input) (smithy.Serializable, error) {
	var all []string
	for _, name := range s.state.clusters {
		all = append(all, s.cluster(name))
	}
	arns, next, err := s.page(all, in, 100)
	return &awsecs.ListClustersOutput{ClusterArns: arns, NextToken: next}, err
}

func (s *Server) listServices(in *input) (smithy.Serializable, error) {
	cluster, err := s.inCluster(in)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, v := range s.state.services {
		if *v.ClusterArn == cluster {
			all = append(all, *v.ServiceArn)
		}
	}
	arns, next, err := s.page(all, in, 10)
	return &awsecs.ListServicesOutput{ServiceArns: arns, NextToken: next}, err
}

func (s *Server) listTasks(in *input) (smithy.Serializable, error) {
	cluster, err := s.inCluster(in)
	if err != nil {
		return nil, err
	}
	status := in.DesiredStatus
	if status == "" {
		status = "RUNNING"
	}
	var all []string
	for _, v := range s.state.tasks {
		group, arn := aws.ToString(v.Group), aws.ToString(v.TaskDefinitionArn)
		family, _, _ := strings.Cut(arn[strings.LastIndexByte(arn, '/')+1:], ":")
		if *v.ClusterArn == cluster && *v.DesiredStatus == status && (in.Family == "" || family == in.Family) &&
			(in.ServiceName == "" || group == "service:"+in.ServiceName[strings.LastIndexByte(in.ServiceName, '/')+1:]) {
			all = append(all, *v.TaskArn)
		}
	}
	arns, next, err := s.page(all, in, 100)
	return &awsecs.ListTasksOutput{TaskArns: arns, NextToken: next}, err
}

func (s *Server) stopTask(in *input) (smithy.Serializable, error) {
	cluster, err := s.inCluster(in)
	if err != nil {
		return nil, err
	}
	i := s.task(cluster, in.Task)
	if i < 0 {
		return nil, awswire.Failed("InvalidParameterException", "The referenced task was not found.")
	}
	t := &s.state.tasks[i]
	t.DesiredStatus, t.StopCode = aws.String("STOPPED"), ecstypes.TaskStopCodeUserInitiated
	if in.Reason != "" {
		t.StoppedReason = aws.String(in.Reason)
	}
	return &awsecs.StopTaskOutput{Task: t}, nil
}
