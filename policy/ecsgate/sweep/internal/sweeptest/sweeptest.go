// Package sweeptest is a small AWS for tests of sweeps: Lambda, Batch, App Runner, SageMaker, CodeBuild and Inspector, each in the
// protocol of its real client, with the limits that its API reference has for pages, beside the ECS of package ecstest.
//
// By documentation alone are the limits, the names of fields in JSON (the clients would not find others), and what Inspector counts as
// in use. Nothing here was compared with answers of AWS itself.
package sweeptest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ladingdev/lading/internal/awswire"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// Account is the one whose cloud this is.
const Account = "111122223333"

// A Cloud is an account in some regions.
type Cloud struct {
	regions map[string]*Region
	// Before is told of every request before it is sent; nil means nobody. An error is the answer.
	Before func(r *http.Request) error
}

// A Region has the services of one. What is in its fields may be changed between sweeps.
type Region struct {
	ECS  *ecstest.Server
	Down bool // nobody answers
	wire *awswire.Server
	name string

	Functions      []Function
	JobDefinitions []any // as DescribeJobDefinitions has them
	AppRunner      []any // as DescribeService has them
	Endpoints      []any // as DescribeEndpoint has them
	Models         []any
	TrainingJobs   []any
	ProcessingJobs []any
	Projects       []any // as BatchGetProjects has them
	Builds         []any
	Clusters       map[string][]any // what Inspector says of an image in use, by its resource identifier
}

// A Function is a version of one in Lambda.
type Function struct {
	Name, Version, PackageType string
	ImageURI, ResolvedImageURI string
}

// M is an object of JSON.
type M = map[string]any

// Start returns a cloud that ends with the test. Without regions it has us-east-1.
func Start(t testing.TB, regions ...string) *Cloud {
	t.Helper()
	c := New(regions...)
	t.Cleanup(c.Close)
	return c
}

// New returns a cloud that the caller closes.
func New(regions ...string) *Cloud {
	c := &Cloud{regions: map[string]*Region{}}
	if len(regions) == 0 {
		regions = []string{"us-east-1"}
	}
	for _, name := range regions {
		r := &Region{name: name, ECS: ecstest.New(&ecstest.Options{Region: name, Account: Account}), Clusters: map[string][]any{}}
		r.wire = awswire.New(name, r.route)
		c.regions[name] = r
	}
	return c
}

// Close ends the cloud.
func (c *Cloud) Close() {
	for _, r := range c.regions {
		r.ECS.Close()
		r.wire.Close()
	}
}

// Region returns one that the cloud has.
func (c *Cloud) Region(name string) *Region { return c.regions[name] }

// Config is for the SDK's clients of all regions; its own is the first that the cloud has by name.
func (c *Cloud) Config() aws.Config {
	var names []string
	for name := range c.regions {
		names = append(names, name)
	}
	config := c.regions[slices.Min(names)].ECS.Config()
	config.HTTPClient = c
	return config
}

// Do sends a request to the service and region that its host names.
func (c *Cloud) Do(req *http.Request) (*http.Response, error) {
	if c.Before != nil {
		if err := c.Before(req); err != nil {
			return nil, err
		}
	}
	for name, r := range c.regions {
		if !strings.Contains(req.URL.Host, "."+name+".") {
			continue
		}
		if r.Down {
			return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: syscall.ECONNREFUSED}
		}
		if strings.HasPrefix(req.URL.Host, "ecs.") {
			return r.ECS.Config().HTTPClient.Do(req)
		}
		return r.wire.Config().HTTPClient.Do(req)
	}
	return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New("no such host")}
}

// Calls returns how often each operation was called, such as "lambda:GetFunction" or "ecs:ListTasks".
func (r *Region) Calls() map[string]int {
	calls := r.ECS.Calls()
	for name, n := range r.wire.Calls() {
		calls[name] = n
	}
	return calls
}

// ResetCalls sets the counts to zero.
func (r *Region) ResetCalls() {
	r.ECS.ResetCalls()
	r.wire.ResetCalls()
}

// Fail makes calls of an operation fail, such as "batch:DescribeJobDefinitions".
func (r *Region) Fail(operation string, f ecstest.Fault) {
	if strings.HasPrefix(operation, "ecs:") {
		r.ECS.Fail(operation, f)
		return
	}
	r.wire.Fail(operation, awswire.Fault(f))
}

// Heal ends what Fail began.
func (r *Region) Heal() {
	r.ECS.Heal()
	r.wire.Heal()
}

func (r *Region) route(req *http.Request) (string, awswire.Handler) {
	if target := req.Header.Get("X-Amz-Target"); target != "" {
		service, name, _ := strings.Cut(target, ".")
		service = map[string]string{"AppRunner": "apprunner", "SageMaker": "sagemaker", "CodeBuild_20161006": "codebuild"}[service]
		call := map[string]func(M) (any, error){
			"apprunner:ListServices":          r.listAppRunner,
			"apprunner:DescribeService":       r.describeAppRunner,
			"sagemaker:ListEndpoints":         lister("Endpoints", "Endpoint", &r.Endpoints, ""),
			"sagemaker:ListModels":            lister("Models", "Model", &r.Models, ""),
			"sagemaker:ListTrainingJobs":      lister("TrainingJobSummaries", "TrainingJob", &r.TrainingJobs, "InProgress"),
			"sagemaker:ListProcessingJobs":    lister("ProcessingJobSummaries", "ProcessingJob", &r.ProcessingJobs, "InProgress"),
			"sagemaker:DescribeEndpoint":      describer("EndpointName", &r.Endpoints),
			"sagemaker:DescribeModel":         describer("ModelName", &r.Models),
			"sagemaker:DescribeTrainingJob":   describer("TrainingJobName", &r.TrainingJobs),
			"sagemaker:DescribeProcessingJob": describer("ProcessingJobName", &r.ProcessingJobs),
			"codebuild:ListProjects":          r.listProjects,
			"codebuild:BatchGetProjects":      batchGetter("names", "name", "projects", &r.Projects),
			"codebuild:ListBuilds":            r.listBuilds,
			"codebuild:BatchGetBuilds":        batchGetter("ids", "id", "builds", &r.Builds),
		}[service+":"+name]
		return answer(service+":"+name, call)
	}
	switch {
	case req.Method == http.MethodGet && req.URL.Path == "/2015-03-31/functions":
		return "lambda:ListFunctions", r.listFunctions
	case req.Method == http.MethodGet && strings.HasPrefix(req.URL.Path, "/2015-03-31/functions/"):
		return "lambda:GetFunction", r.getFunction
	case req.Method == http.MethodPost && req.URL.Path == "/v1/describejobdefinitions":
		return answer("batch:DescribeJobDefinitions", r.describeJobDefinitions)
	case req.Method == http.MethodPost && req.URL.Path == "/coverage/list":
		return answer("inspector2:ListCoverage", r.listCoverage)
	case req.Method == http.MethodPost && req.URL.Path == "/cluster/get":
		return answer("inspector2:GetClustersForImage", r.clustersForImage)
	}
	return "", nil
}

func answer(operation string, call func(M) (any, error)) (string, awswire.Handler) {
	if call == nil {
		return operation, nil
	}
	return operation, func(r *awswire.Request) ([]byte, error) {
		in := M{}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		out, err := call(in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// page cuts a list: the token is where the next page begins. Of limits, as it is in the request, and by the service, the less counts.
func page[T any](all []T, token, limit any, usual, most int) (part []T, next any, err error) {
	n := usual
	if l, ok := limit.(float64); ok {
		if n = int(l); n < 1 || n > most {
			return nil, nil, awswire.Failed("ValidationException", "%d results; 1 to %d may be asked for", n, most)
		}
	}
	start := 0
	if text, ok := token.(string); ok && text != "" {
		if start, err = strconv.Atoi(text); err != nil || start < 0 || start > len(all) {
			return nil, nil, awswire.Failed("ValidationException", "the token is none")
		}
	}
	end := min(start+n, len(all))
	part = append([]T{}, all[start:end]...)
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return part, next, nil
}

func (r *Region) function(f Function) M {
	arn := "arn:aws:lambda:" + r.name + ":" + Account + ":function:" + f.Name + ":" + f.Version
	return M{"FunctionName": f.Name, "FunctionArn": arn, "Version": f.Version, "PackageType": f.PackageType}
}

func first(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// listFunctions answers at most 50, however many are asked for.
func (r *Region) listFunctions(req *awswire.Request) ([]byte, error) {
	if first(req.Query["FunctionVersion"]) != "ALL" {
		return nil, awswire.Failed("InvalidParameterValueException", "the stand-in knows FunctionVersion ALL alone")
	}
	part, next, err := page(r.Functions, first(req.Query["Marker"]), nil, 50, 50)
	if err != nil {
		return nil, err
	}
	list := []M{}
	for _, f := range part {
		list = append(list, r.function(f))
	}
	return json.Marshal(M{"Functions": list, "NextMarker": next})
}

func (r *Region) getFunction(req *awswire.Request) ([]byte, error) {
	name := strings.TrimPrefix(req.Path, "/2015-03-31/functions/")
	for _, f := range r.Functions {
		if f.Name == name && f.Version == first(req.Query["Qualifier"]) {
			return json.Marshal(M{"Configuration": r.function(f), "Code": M{
				"RepositoryType": "ECR", "ImageUri": f.ImageURI, "ResolvedImageUri": f.ResolvedImageURI,
			}})
		}
	}
	return nil, &awswire.APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found"}
}

func (r *Region) describeJobDefinitions(in M) (any, error) {
	part, next, err := page(r.JobDefinitions, in["nextToken"], in["maxResults"], 100, 100)
	return M{"jobDefinitions": part, "nextToken": next}, err
}

func (r *Region) listAppRunner(in M) (any, error) {
	var all []M
	for _, s := range r.AppRunner {
		m := s.(M)
		all = append(all, M{"ServiceArn": m["ServiceArn"], "ServiceName": m["ServiceName"], "Status": m["Status"]})
	}
	part, next, err := page(all, in["NextToken"], in["MaxResults"], 20, 20)
	return M{"ServiceSummaryList": part, "NextToken": next}, err
}

func (r *Region) describeAppRunner(in M) (any, error) {
	for _, s := range r.AppRunner {
		if s.(M)["ServiceArn"] == in["ServiceArn"] {
			return M{"Service": s}, nil
		}
	}
	return nil, awswire.Failed("ResourceNotFoundException", "no such service")
}

// lister lists what SageMaker has, ten by itself and a hundred at most.
func lister(member, kind string, all *[]any, status string) func(M) (any, error) {
	return func(in M) (any, error) {
		var list []M
		for _, v := range *all {
			m := v.(M)
			if status == "" || in["StatusEquals"] == nil || m[kind+"Status"] == in["StatusEquals"] {
				list = append(list, M{kind + "Name": m[kind+"Name"], kind + "Arn": m[kind+"Arn"], kind + "Status": m[kind+"Status"]})
			}
		}
		part, next, err := page(list, in["NextToken"], in["MaxResults"], 10, 100)
		return M{member: part, "NextToken": next}, err
	}
}

func describer(key string, all *[]any) func(M) (any, error) {
	return func(in M) (any, error) {
		for _, v := range *all {
			if v.(M)[key] == in[key] {
				return v, nil
			}
		}
		return nil, awswire.Failed("ValidationException", "Could not find it")
	}
}

func names(all []any, key string) (list []any) {
	for _, v := range all {
		list = append(list, v.(M)[key])
	}
	return list
}

// listProjects and listBuilds answer a hundred at most; nobody can ask for another number.
func (r *Region) listProjects(in M) (any, error) {
	part, next, err := page(names(r.Projects, "name"), in["nextToken"], nil, 100, 100)
	return M{"projects": part, "nextToken": next}, err
}

func (r *Region) listBuilds(in M) (any, error) {
	part, next, err := page(names(r.Builds, "id"), in["nextToken"], nil, 100, 100)
	return M{"ids": part, "nextToken": next}, err
}

func batchGetter(asked, key, member string, all *[]any) func(M) (any, error) {
	return func(in M) (any, error) {
		wanted, _ := in[asked].([]any)
		if len(wanted) == 0 || len(wanted) > 100 {
			return nil, awswire.Failed("InvalidInputException", "%d; 1 to 100 may be asked for", len(wanted))
		}
		found := []any{}
		for _, v := range *all {
			if slices.Contains(wanted, v.(M)[key]) {
				found = append(found, v)
			}
		}
		return M{member: found}, nil
	}
}

func (r *Region) listCoverage(in M) (any, error) {
	var all []M
	for id := range r.Clusters {
		all = append(all, M{"resourceId": id, "resourceType": "AWS_ECR_CONTAINER_IMAGE", "accountId": Account, "scanType": "PACKAGE"})
	}
	slices.SortFunc(all, func(a, b M) int { return strings.Compare(a["resourceId"].(string), b["resourceId"].(string)) })
	part, next, err := page(all, in["nextToken"], in["maxResults"], 100, 200)
	return M{"coveredResources": part, "nextToken": next}, err
}

func (r *Region) clustersForImage(in M) (any, error) {
	filter, _ := in["filter"].(M)
	id, _ := filter["resourceId"].(string)
	part, next, err := page(r.Clusters[id], in["nextToken"], in["maxResults"], 100, 100)
	return M{"cluster": part, "nextToken": next}, err
}
