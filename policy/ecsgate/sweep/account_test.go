package sweep_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
	"github.com/ladingdev/lading/verify"
)

func define(c *ecstest.Server, family string, containers ...types.ContainerDefinition) string {
	return c.PutTaskDefinition(types.TaskDefinition{Family: aws.String(family), ContainerDefinitions: containers})
}

// containerOf is a container as the registrar leaves it.
func containerOf(name, image string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: aws.String(name), Image: aws.String(image), DockerLabels: map[string]string{ecsgate.LabelProposed: image},
	}
}

// starts makes a task that runs one container of a definition.
func starts(c *ecstest.Server, cluster, group, definition, name, image, reported string, change ...func(*types.Task)) string {
	t := types.Task{
		TaskDefinitionArn: aws.String(definition), Group: aws.String(group), LaunchType: types.LaunchTypeFargate,
		Containers: []types.Container{{Name: aws.String(name), Image: aws.String(image)}},
	}
	if _, sum, ok := strings.Cut(reported, "@"); ok {
		t.Containers[0].ImageDigest = aws.String(sum)
	}
	for _, f := range change {
		f(&t)
	}
	return c.PutTask(cluster, t)
}

func hooked(action types.DeploymentLifecycleHookAction, kind types.DeploymentLifecycleHookTargetType,
	function string) *types.DeploymentConfiguration {
	h := types.DeploymentLifecycleHook{
		TargetType: kind, LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp},
		TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{Action: action, TimeoutInMinutes: aws.Int32(10)},
	}
	if function != "" {
		h.HookTargetArn = aws.String("arn:aws:lambda:us-east-1:" + sweeptest.Account + ":function:" + function)
	}
	return &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{h}}
}

// fill makes an account in which everything that a sweep can find is there.
func fill(t testing.TB, cloud *sweeptest.Cloud, s *shop) {
	t.Helper()
	region := cloud.Region("us-east-1")
	c := region.ECS
	good, bad, broken := s.signed(t, "good"), s.unsigned("bad"), s.signed(t, "broken")
	s.broken[registryHost+"/broken"] = true
	moved := s.tag(good, "v1")

	gated := define(c, "gated-web", containerOf("app", good))
	web := define(c, "web", containerOf("app", good), containerOf("proxy", bad))
	shut := hooked(types.DeploymentLifecycleHookActionRollback, types.DeploymentLifecycleHookTargetTypeAwsLambda, "gate:live")
	for name, v := range map[string]types.Service{
		"fine":   {TaskDefinition: &gated, DeploymentConfiguration: shut},
		"hooked": {TaskDefinition: &web, DeploymentConfiguration: shut},
		"open": {TaskDefinition: &gated, DeploymentConfiguration: hooked(types.DeploymentLifecycleHookActionContinue,
			types.DeploymentLifecycleHookTargetTypeAwsLambda, "gate")},
		"other": {TaskDefinition: &web, DeploymentConfiguration: hooked(types.DeploymentLifecycleHookActionRollback,
			types.DeploymentLifecycleHookTargetTypeAwsLambda, "other")},
		"paused": {TaskDefinition: &web, DeploymentConfiguration: hooked(types.DeploymentLifecycleHookActionContinue,
			types.DeploymentLifecycleHookTargetTypePause, "")},
		"naked": {TaskDefinition: &gated, EnableExecuteCommand: true},
		"codedeploy": {TaskDefinition: &gated,
			DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}},
		"sets": {
			DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal},
			TaskSets:             []types.TaskSet{{TaskDefinition: &web, TaskSetArn: aws.String("set")}},
		},
	} {
		v.ServiceName = aws.String(name)
		c.PutService("production", v)
	}

	volumes := c.PutTaskDefinition(types.TaskDefinition{
		Family: aws.String("gated-volumes"),
		Volumes: []types.Volume{
			{Name: aws.String("code"), S3filesVolumeConfiguration: &types.S3FilesVolumeConfiguration{FileSystemArn: aws.String("arn")}},
			{Name: aws.String("scratch")},
			{Name: aws.String("unused"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-1")}},
		},
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("app"), Image: &moved, VersionConsistency: types.VersionConsistencyDisabled,
			MountPoints:      []types.MountPoint{{SourceVolume: aws.String("code")}, {SourceVolume: aws.String("scratch")}},
			EnvironmentFiles: []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::bucket/env")}},
		}},
	})
	starts(c, "production", "service:fine", gated, "app", good, good)
	starts(c, "production", "service:fine", gated, "app", good, good)
	starts(c, "production", "service:hooked", web, "proxy", bad, bad)
	starts(c, "production", "family:gated-volumes", volumes, "app", moved, good)
	starts(c, "jobs", "family:gated-volumes", volumes, "app", moved, "")
	starts(c, "jobs", "family:gated-web", gated, "app", good, bad)
	starts(c, "jobs", "family:gated-web", gated, "app", broken, broken, func(t *types.Task) { t.LaunchType = types.LaunchTypeExternal })
	starts(c, "jobs", "family:gated-web", gated, "app", good, good, func(t *types.Task) {
		t.EnableExecuteCommand = true
		t.Overrides = &types.TaskOverride{TaskRoleArn: aws.String("arn:aws:iam::" + sweeptest.Account + ":role/other"),
			ContainerOverrides: []types.ContainerOverride{
				{Name: aws.String("app"), Command: []string{"sh"}},
			}}
	})
	daemon(t, c, good, bad)
	c.Advance(time.Hour)
	define(c, "forgotten", containerOf("app", bad))
	others(region, good, bad, moved)
}

// daemon makes one that runs, and a definition of another.
func daemon(t testing.TB, c *ecstest.Server, good, bad string) {
	t.Helper()
	client := ecs.NewFromConfig(c.Config())
	for family, image := range map[string]string{"agent": bad, "idle": good} {
		d, err := client.RegisterDaemonTaskDefinition(t.Context(), &ecs.RegisterDaemonTaskDefinitionInput{
			Family: aws.String(family), ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"),
				Image: aws.String(image)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if family == "idle" {
			continue
		}
		if _, err := client.CreateDaemon(t.Context(), &ecs.CreateDaemonInput{
			DaemonName: aws.String("agent"), ClusterArn: aws.String(c.PutCluster("production")),
			DaemonTaskDefinitionArn: d.DaemonTaskDefinitionArn,
			CapacityProviderArns:    []string{"arn:aws:ecs:us-east-1:" + sweeptest.Account + ":capacity-provider/managed"},
			EnableExecuteCommand:    true,
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// others fills what is not ECS.
func others(r *sweeptest.Region, good, bad, moved string) {
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":us-east-1:" + sweeptest.Account + ":" + resource
	}
	r.Functions = []sweeptest.Function{
		{Name: "archive", Version: "$LATEST", PackageType: "Zip"},
		{Name: "image", Version: "$LATEST", PackageType: "Image", ImageURI: moved, ResolvedImageURI: good},
		{Name: "image", Version: "1", PackageType: "Image", ImageURI: bad, ResolvedImageURI: bad},
	}
	r.JobDefinitions = []any{
		sweeptest.M{"jobDefinitionName": "nightly", "jobDefinitionArn": arn("batch", "job-definition/nightly:3"), "revision": 3,
			"type":                "container",
			"containerProperties": sweeptest.M{"image": bad, "enableExecuteCommand": true}},
		sweeptest.M{"jobDefinitionName": "pods", "jobDefinitionArn": arn("batch", "job-definition/pods:1"), "revision": 1,
			"type": "container",
			"eksProperties": sweeptest.M{"podProperties": sweeptest.M{
				"initContainers": []any{sweeptest.M{"name": "setup", "image": good}}, "containers": []any{sweeptest.M{"image": bad}}}}},
		sweeptest.M{"jobDefinitionName": "many", "jobDefinitionArn": arn("batch", "job-definition/many:1"), "revision": 1,
			"type": "multinode",
			"nodeProperties": sweeptest.M{"mainNode": 0, "numNodes": 2, "nodeRangeProperties": []any{sweeptest.M{"targetNodes": "0:1",
				"ecsProperties": sweeptest.M{
					"taskProperties": []any{sweeptest.M{"containers": []any{sweeptest.M{"name": "main", "image": good}}}}}}}}},
	}
	r.AppRunner = []any{
		sweeptest.M{"ServiceName": "site", "ServiceArn": arn("apprunner", "service/site/1"), "Status": "RUNNING",
			"SourceConfiguration": sweeptest.M{
				"AutoDeploymentsEnabled": true, "ImageRepository": sweeptest.M{"ImageIdentifier": moved, "ImageRepositoryType": "ECR"}}},
		sweeptest.M{"ServiceName": "source", "ServiceArn": arn("apprunner", "service/source/2"), "Status": "RUNNING",
			"SourceConfiguration": sweeptest.M{
				"CodeRepository": sweeptest.M{"RepositoryUrl": "https://example.com/x", "SourceCodeVersion": sweeptest.M{"Type": "BRANCH",
					"Value": "main"}}}},
	}
	r.Endpoints = []any{sweeptest.M{"EndpointName": "predict", "EndpointArn": arn("sagemaker", "endpoint/predict"),
		"EndpointStatus": "InService",
		"ProductionVariants": []any{sweeptest.M{"VariantName": "a", "DeployedImages": []any{sweeptest.M{"SpecifiedImage": moved,
			"ResolvedImage": bad}}}}}}
	r.Models = []any{sweeptest.M{"ModelName": "m", "ModelArn": arn("sagemaker", "model/m"), "PrimaryContainer": sweeptest.M{"Image": good}}}
	r.TrainingJobs = []any{sweeptest.M{"TrainingJobName": "train", "TrainingJobArn": arn("sagemaker", "training-job/train"),
		"TrainingJobStatus":      "InProgress",
		"AlgorithmSpecification": sweeptest.M{"TrainingImage": moved, "TrainingInputMode": "File"}}}
	r.ProcessingJobs = []any{sweeptest.M{"ProcessingJobName": "done", "ProcessingJobArn": arn("sagemaker", "processing-job/done"),
		"ProcessingJobStatus": "Completed",
		"AppSpecification":    sweeptest.M{"ImageUri": bad}}}
	r.Projects = []any{
		sweeptest.M{"name": "standard", "arn": arn("codebuild", "project/standard"),
			"environment": sweeptest.M{"image": "aws/codebuild/standard:7.0"}},
		sweeptest.M{"name": "own", "arn": arn("codebuild", "project/own"), "environment": sweeptest.M{"image": good}},
	}
	r.Builds = []any{sweeptest.M{"id": "own:1", "arn": arn("codebuild", "build/own:1"), "projectName": "own", "buildStatus": "IN_PROGRESS",
		"environment": sweeptest.M{"image": bad}}}
	repository, sum, _ := strings.Cut(bad, "@")
	_, repository, _ = strings.Cut(repository, "/")
	r.Clusters[arn("ecr", "repository/"+repository+"/"+sum)] = []any{
		sweeptest.M{"clusterArn": arn("eks", "cluster/kube"), "clusterDetails": []any{sweeptest.M{"runningUnitCount": 4,
			"clusterMetadata": sweeptest.M{
				"awsEksMetadataDetails": sweeptest.M{"namespace": "shop", "workloadInfoList": []any{sweeptest.M{"name": "web",
					"type": "Deployment"}}}}}}},
		sweeptest.M{"clusterArn": arn("ecs", "cluster/production"), "clusterDetails": []any{sweeptest.M{"runningUnitCount": 1,
			"clusterMetadata": sweeptest.M{
				"awsEcsMetadataDetails": sweeptest.M{"detailsGroup": "service:hooked", "taskDefinitionArn": "x"}}}}},
	}
}

// want is what a sweep of that account finds.
var want = []string{
	"by-tag: apprunner service site",
	"by-tag: apprunner service site",
	"by-tag: ecs task family:gated-volumes gated-volumes:1 app",
	"by-tag: lambda function image $LATEST",
	"by-tag: sagemaker endpoint predict variant a",
	"consistency-off: ecs task definition gated-volumes:1",
	"denied: batch job definition nightly nightly:3 default",
	"denied: batch job definition pods pods:1 0",
	"denied: codebuild build own",
	"denied: ecs daemon agent agent:1 agent",
	"denied: ecs service hooked web:1 proxy",
	"denied: ecs service other web:1 proxy",
	"denied: ecs service paused web:1 proxy",
	"denied: ecs task daemon:agent agent:1 agent",
	"denied: ecs task family:gated-web gated-web:1 app",
	"denied: ecs task service:hooked web:1 proxy",
	"denied: ecs task set of service sets web:1 proxy",
	"denied: eks workload shop/Deployment web",
	"denied: lambda function image 1",
	"denied: sagemaker endpoint predict variant a",
	"digest-differs: ecs task family:gated-web gated-web:1 app",
	"exec: batch job definition nightly nightly:3 default",
	"exec: ecs daemon agent agent:1 agent",
	"exec: ecs service naked",
	"exec: ecs task daemon:agent agent:1 agent",
	"exec: ecs task family:gated-web gated-web:1 app",
	"hook-missing: ecs service other",
	"hook-missing: ecs service paused",
	"hook-missing: ecs service sets",
	"hook-open: ecs service open",
	"hook-uncalled: ecs service codedeploy",
	"not-gated: ecs daemon task definition agent:1",
	"not-gated: ecs daemon task definition idle",
	"not-gated: ecs task definition family forgotten",
	"not-gated: ecs task definition web:1",
	"other-code: apprunner service source",
	"other-code: ecs task definition gated-volumes:1",
	"other-code: ecs task definition gated-volumes:1",
	"override: ecs task family:gated-web gated-web:1 app",
	"override: ecs task family:gated-web gated-web:1 app",
	"undecided: ecs external task family:gated-web gated-web:1 app",
	"unknown-digest: ecs task family:gated-volumes gated-volumes:1 app",
	"unknown-digest: sagemaker training job train",
	"unmarked: ecs task definition gated-volumes:1",
}

func TestAccount(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	fill(t, cloud, s)
	sw := newSweep(t, cloud, s)
	var last sweep.Progress
	sw.Progress = func(p sweep.Progress) { last = p }
	r := run(t, sw)
	if last.Done != last.Units {
		t.Errorf("progress ends with %+v", last)
	}
	got := findings(r)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if r.Status() != 3 {
		t.Errorf("status %d, %v", r.Status(), r.Err())
	}
	for _, k := range sweep.Kinds() {
		if k != sweep.Unreadable && !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, string(k)+":") }) {
			t.Errorf("no finding %s in an account that has everything", k)
		}
	}
	for _, row := range r.Rows {
		if row.Resource == "fine" && row.Kind == "service" && len(row.Findings) > 0 {
			t.Errorf("a service with nothing wrong: %+v", row)
		}
		if row.Kind == "task" && row.Resource == "service:fine" &&
			(row.Count != 2 || len(row.Examples) != 2 || row.Verdict.String() != "ALLOW") {
			t.Errorf("two tasks alike: %+v", row)
		}
	}
}

// TestPlatform runs an image of an index: the index was judged, and what its host reports is one of its images.
func TestPlatform(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	index := s.signed(t, "index")
	child := descriptor("arm64")
	s.children[descriptor("index").Digest] = []verify.Descriptor{child}
	c := cloud.Region("us-east-1").ECS
	d := define(c, "gated-web", containerOf("app", index))
	starts(c, "production", "family:gated-web", d, "app", index, "x@"+string(child.Digest))
	if r := run(t, newSweep(t, cloud, s)); r.Err() != nil {
		t.Errorf("%v: %+v", r.Err(), r.Rows)
	}
}

// TestDeployment sweeps a service between two revisions, one of which is refused, and tasks that have no digest yet.
func TestDeployment(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	c := cloud.Region("us-east-1").ECS
	good, bad := s.signed(t, "good"), s.unsigned("bad")
	before, after := define(c, "gated-web", containerOf("app", good)), define(c, "gated-web", containerOf("app", bad))
	past := define(c, "gated-web", containerOf("app", bad))
	c.PutService("production", types.Service{ServiceName: aws.String("web"), TaskDefinition: &before, Deployments: []types.Deployment{
		{Status: aws.String("PRIMARY"), TaskDefinition: &before, RunningCount: 1}, {Status: aws.String("ACTIVE"), TaskDefinition: &after,
			PendingCount: 1},
		{Status: aws.String("INACTIVE"), TaskDefinition: &past},
	}})
	starts(c, "production", "service:web", before, "app", good, "") // pinned: what will run is known
	c.PutTask("production", types.Task{TaskDefinitionArn: &before, Group: aws.String("service:web"),
		LastStatus: aws.String("PROVISIONING")})
	want := []string{"denied: ecs deployment of service web gated-web:2 app", "unknown-digest: ecs task service:web gated-web:1"}
	if diff := cmp.Diff(want, findings(run(t, newSweep(t, cloud, s)))); diff != "" {
		t.Error(diff)
	}
}

// TestManyClusters sweeps more clusters than a page has, some lists of which begin with an empty page.
func TestManyClusters(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	region := cloud.Region("us-east-1")
	good := s.signed(t, "good")
	d := define(region.ECS, "gated-web", containerOf("app", good))
	for i := range 120 {
		starts(region.ECS, fmt.Sprint("cluster-", i), "family:gated-web", d, "app", good, good)
	}
	empty := true
	region.ECS.Edit("ecs:ListClusters", ecstest.Edit{Reply: func(m map[string]any) {
		if empty {
			m["clusterArns"], m["nextToken"], empty = []any{}, "0", false
		}
	}})
	sw := newSweep(t, cloud, s)
	sw.Services = []string{"ecs"}
	r := run(t, sw)
	if len(r.Rows) != 120 || r.Err() != nil {
		t.Errorf("%d rows of 120 clusters: %v", len(r.Rows), r.Err())
	}
	if n := region.Calls()["ecs:DescribeTaskDefinition"]; n != 1 {
		t.Errorf("one task definition was asked for %d times", n)
	}
}

// TestSideBySide judges many images of a page at the same time, each once, and more than one page later still once.
func TestSideBySide(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	c := cloud.Region("us-east-1").ECS
	const images = 150
	for i := range 2 * images {
		image := s.unsigned(fmt.Sprint("image-", i%images))
		if i%2 == 0 {
			image = s.signed(t, fmt.Sprint("image-", i%images))
		}
		starts(c, "production", "family:gated-web", define(c, "gated-web", containerOf("app", image)), "app", image, image)
	}
	sw := newSweep(t, cloud, s)
	sw.Services = []string{"ecs"}
	r := run(t, sw)
	if s.opened != images {
		t.Errorf("%d images were asked for %d times", images, s.opened)
	}
	if got := findings(r); len(got) != images { // each second one is not signed, in two definitions
		t.Errorf("%d refused: %v", len(got), got)
	}
}

// TestRegistrar registers by the registrar, and past it into the family that is its own, runs both, and sweeps.
func TestRegistrar(t *testing.T) {
	cloud, s := sweeptest.Start(t), newShop(t)
	c := cloud.Region("us-east-1").ECS
	client := ecs.NewFromConfig(c.Config())
	moved := s.tag(s.signed(t, "good"), "v1")
	runs := func(definition string) {
		t.Helper()
		out, err := client.RunTask(t.Context(),
			&ecs.RunTaskInput{Cluster: aws.String(c.PutCluster("production")), TaskDefinition: &definition})
		if err != nil || len(out.Failures) > 0 {
			t.Fatal(err, out)
		}
		c.Advance(2 * time.Minute)
	}
	registrar := &ecsgate.Registrar{Client: client, Checker: s.checker(t), Family: "gated-"}
	made, err := registrar.Register(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &moved}},
	})
	if err != nil {
		t.Fatal(err)
	}
	runs(made.Definition)
	if r := run(t, newSweep(t, cloud, s)); r.Err() != nil || len(findings(r)) > 0 {
		t.Errorf("what the registrar made: %v, %v", r.Err(), findings(r))
	}
	good := s.signed(t, "good")
	past, err := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("gated-web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &good}},
	})
	if err != nil {
		t.Fatal(err)
	}
	runs(*past.TaskDefinition.TaskDefinitionArn)
	if diff := cmp.Diff([]string{"unmarked: ecs task definition gated-web:2"}, findings(run(t, newSweep(t, cloud, s)))); diff != "" {
		t.Error(diff)
	}
}
