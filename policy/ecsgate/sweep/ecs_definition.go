package sweep

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate"
)

// A definition is what a sweep keeps of a task definition, or of one of a daemon.
type definition struct {
	ARN        string      `json:"arn"`
	Containers []container `json:"containers,omitempty"`
	Err        string      `json:"err,omitempty"` // why it could not be looked at
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// define looks up a definition, once, and adds a Row of what is to say about it.
func (r *run) define(ctx context.Context, client *ecs.Client, arn string) *definition {
	if d := r.definitions[arn]; d != nil {
		return d
	}
	row := &Row{Kind: "task definition", Definition: short(arn), Examples: []string{arn}}
	d := &definition{ARN: arn}
	var err error
	if strings.Contains(arn, ":daemon-task-definition/") {
		row.Kind = "daemon task definition"
		err = d.daemon(ctx, client, row)
	} else {
		var marked bool
		if marked, err = d.task(ctx, client, row); err == nil && !marked && r.gated(arn) {
			row.find(Unmarked, "a container lacks the label %s", ecsgate.LabelProposed)
		}
	}
	if ctx.Err() != nil {
		return d
	}
	if err != nil {
		d.Err = why(err)
		row.find(Unreadable, "%s", d.Err)
	}
	if len(r.Families) > 0 && !r.gated(arn) {
		row.find(NotGated, "its family is %s", family(arn))
	}
	if len(row.Findings) > 0 {
		r.row(row)
	}
	r.definitions[arn] = d
	r.page = append(r.page, record{Definition: d})
	return d
}

// task looks up a definition, and tells whether the registrar's label is on each container.
func (d *definition) task(ctx context.Context, client *ecs.Client, row *Row) (marked bool, err error) {
	out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &d.ARN})
	if err != nil {
		return false, err
	}
	t := out.TaskDefinition
	if t == nil || len(t.ContainerDefinitions) == 0 {
		return false, errors.New("ECS says that it has no containers")
	}
	if got := aws.ToString(t.TaskDefinitionArn); !strings.HasSuffix("/"+got, "/"+d.ARN) {
		return false, errors.New("asked about " + d.ARN + ", ECS answers about " + got)
	}
	marked = true
	mounted := map[string]bool{}
	for _, c := range t.ContainerDefinitions {
		name := aws.ToString(c.Name)
		d.Containers = append(d.Containers, container{name, aws.ToString(c.Image)})
		if c.VersionConsistency == types.VersionConsistencyDisabled {
			row.find(ConsistencyOff, "container %s", name)
		}
		row.files(name, c.EnvironmentFiles, c.FirelensConfiguration)
		marked = marked && c.DockerLabels[ecsgate.LabelProposed] != ""
		for _, m := range c.MountPoints {
			mounted[aws.ToString(m.SourceVolume)] = true
		}
	}
	for _, v := range t.Volumes {
		if what := volume(&v); what != "" && mounted[aws.ToString(v.Name)] {
			row.find(OtherCode, "volume %s: %s", aws.ToString(v.Name), what)
		}
	}
	return marked, nil
}

func (d *definition) daemon(ctx context.Context, client *ecs.Client, row *Row) error {
	out, err := client.DescribeDaemonTaskDefinition(ctx, &ecs.DescribeDaemonTaskDefinitionInput{DaemonTaskDefinition: &d.ARN})
	if err != nil {
		return err
	}
	t := out.DaemonTaskDefinition
	if t == nil || len(t.ContainerDefinitions) == 0 {
		return errors.New("ECS says that it has no containers")
	}
	for _, c := range t.ContainerDefinitions {
		name := aws.ToString(c.Name)
		d.Containers = append(d.Containers, container{name, aws.ToString(c.Image)})
		row.files(name, c.EnvironmentFiles, c.FirelensConfiguration)
	}
	for _, v := range t.Volumes {
		if v.Host != nil && aws.ToString(v.Host.SourcePath) != "" {
			row.find(OtherCode, "volume %s: files of the host", aws.ToString(v.Name))
		}
	}
	return nil
}

// files adds what comes from elsewhere than the image when a container starts.
func (r *Row) files(container string, files []types.EnvironmentFile, router *types.FirelensConfiguration) {
	for _, f := range files {
		r.find(OtherCode, "container %s: variables from %s", container, aws.ToString(f.Value))
	}
	if router != nil && router.Options["config-file-type"] == "s3" {
		r.find(OtherCode, "container %s: configuration from %s", container, line(router.Options["config-file-value"]))
	}
}

// volume says where the files of a volume come from; an empty one of the task's own brings none.
func volume(v *types.Volume) string {
	switch {
	case v.S3filesVolumeConfiguration != nil:
		return "files of S3"
	case v.EfsVolumeConfiguration != nil:
		return "files of EFS"
	case v.FsxWindowsFileServerVolumeConfiguration != nil:
		return "files of FSx"
	case v.DockerVolumeConfiguration != nil && v.DockerVolumeConfiguration.Scope == types.ScopeShared:
		return "a Docker volume that outlives its task"
	case aws.ToBool(v.ConfiguredAtLaunch):
		return "chosen when a task is started, a snapshot too"
	case v.Host != nil && aws.ToString(v.Host.SourcePath) != "":
		return "files of the host"
	}
	return ""
}

// images are the containers of a definition with the digests that a revision says, and those that ECS adds by itself.
func (d *definition) images(revision map[string]resolved) (list []resolved) {
	seen := map[string]bool{}
	for _, c := range d.Containers {
		seen[c.Name] = true
		list = append(list, resolved{c.Name, c.Image, revision[c.Name].digest})
	}
	for name, c := range revision {
		if !seen[name] {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b resolved) int { return strings.Compare(a.name, b.name) })
	return list
}

type resolved struct{ name, image, digest string }
