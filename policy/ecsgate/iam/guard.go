package iam

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Guard says which task definitions are gated and who may do what. Names of roles are ARNs without wildcards, the role's and not its
// session's; with Account empty, the account part may be *.
type Guard struct {
	Partition string // "" means aws
	// Account has the 12 digits of the account. Empty means every account below the organizational unit, each with its own registrar, and
	// then there is no boundary.
	Account string
	// Family is what the names of gated task definitions and daemon task definitions begin with, such as "gated-". It ends with a dash
	// or an underscore, and no family of before may begin with it: whatever is in it may run. It must be set.
	Family string
	// Clusters are the ARNs of the clusters that are gated; * may stand in them, and about two fit into a boundary. None means all, and
	// then nobody but the registrar
	// registers task definitions at all, whatever their family.
	Clusters []string
	// Registrar is the role that registers. It must be set.
	Registrar string
	// TaskEvents is the role of the function that undoes what should not run: it may set services to no tasks, and services and daemons
	// back to a revision of before. Empty means that there is none.
	TaskEvents string
	// Pauses is the role of the function that answers pause hooks; then nobody else continues a deployment that waits, whoever else it
	// waits for. Empty means that deployments wait for people.
	Pauses string
	// Admins are the roles that may change the gate: its roles, functions, rules and, in an account alone, the boundary. None means
	// that nobody may, from below these policies.
	Admins []string
	// BreakGlass are the roles that may open a shell in a running container (ecs:ExecuteCommand, ssm:StartSession); none means nobody.
	BreakGlass []string
	// Hosts are the roles of the instances that may join clusters and report what runs on them: of Amazon EC2, of ECS Anywhere, and of the
	// instance profile of ECS Managed Instances, which join by it too. None means nobody, as for Fargate.
	Hosts []string
	// TaskRoles are the task and execution roles that task definitions may name; * may stand in their names. None means no role.
	TaskRoles []string
	// BatchImages are the images that AWS Batch may run, as patterns, such as
	// 111122223333.dkr.ecr.eu-west-1.amazonaws.com/released/*@sha256:*.
	// None means that nobody registers job definitions.
	BatchImages []string
	// Prefix is what the names of the gate's functions and EventBridge rules, and of the boundary begin with; "" means lading-.
	Prefix string
	// Tag marks the services that were created under these policies; "" means lading-gate. They may be scaled and restarted without
	// naming their task definition. Nobody but the registrar gives the tag to what exists already.
	Tag string
}

var (
	account   = regexp.MustCompile(`^[0-9]{12}$`)
	partition = regexp.MustCompile(`^aws(?:-[a-z]+)*$`)
	family    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}[_-]$`)
	prefix    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,30}$`)
	role      = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::([0-9]{12}|\*):role/[a-zA-Z0-9_+=,.@/-]+$`)
	roles     = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::([0-9]{12}|\*):role/[a-zA-Z0-9_+=,.@/*-]+$`)
	clusters  = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):ecs:[a-z0-9*-]+:([0-9]{12}|\*):cluster/[a-zA-Z0-9_*-]+$`)
	image     = regexp.MustCompile(`^[a-z0-9][a-z0-9.:*-]*/[a-z0-9._/*-]+@sha256:(?:\*|[0-9a-f]{64})$`)
)

// ErrGuard is what is wrong with the fields of a Guard.
var ErrGuard = errors.New("iam: the guard cannot be written")

const everyAccount = "*"

func (g *Guard) withDefaults() *Guard {
	d := *g
	for _, f := range []struct {
		field *string
		value string
	}{{&d.Partition, "aws"}, {&d.Account, everyAccount}, {&d.Prefix, "lading-"}, {&d.Tag, "lading-gate"}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	return &d
}

// Validate returns what is wrong with the Guard, an [ErrGuard].
func (g *Guard) Validate() error {
	d := g.withDefaults()
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrGuard, fmt.Sprintf(format, args...))
	}
	switch {
	case !partition.MatchString(d.Partition):
		return fault("Partition %q is none, such as aws or aws-us-gov", g.Partition)
	case d.Account != everyAccount && !account.MatchString(d.Account):
		return fault("Account %q has not 12 digits", g.Account)
	case !family.MatchString(d.Family):
		return fault("Family %q must be letters, digits, - and _, and end with - or _, so that no other name begins with it", g.Family)
	case !prefix.MatchString(d.Prefix):
		return fault("Prefix %q must be up to 31 letters, digits, - and _", g.Prefix)
	case !prefix.MatchString(d.Tag):
		return fault("Tag %q must be up to 31 letters, digits, - and _", g.Tag)
	case d.Registrar == "":
		return fault("Registrar is empty: name the role that registers task definitions")
	}
	for _, list := range []struct {
		field   string
		values  []string
		pattern *regexp.Regexp
		example string
	}{
		{"Registrar", []string{d.Registrar}, role,
			"arn:aws:iam::111122223333:role/lading-registrar, the role's and not its session's, without *"},
		{"TaskEvents", optional(d.TaskEvents), role,
			"arn:aws:iam::111122223333:role/lading-task-events, the role's and not its session's, without *"},
		{"Pauses", optional(d.Pauses), role, "arn:aws:iam::111122223333:role/lading-pauses, the role's and not its session's, without *"},
		{"Admins", d.Admins, role, "arn:aws:iam::111122223333:role/platform, without * in the name"},
		{"BreakGlass", d.BreakGlass, role, "arn:aws:iam::111122223333:role/oncall, without * in the name"},
		{"Hosts", d.Hosts, role, "arn:aws:iam::111122223333:role/ecsInstanceRole, without * in the name"},
		{"TaskRoles", d.TaskRoles, roles, "arn:aws:iam::111122223333:role/task/*"},
		{"Clusters", d.Clusters, clusters, "arn:aws:ecs:eu-west-1:111122223333:cluster/production"},
	} {
		for i, v := range list.values {
			m := list.pattern.FindStringSubmatch(v)
			switch {
			case m == nil:
				return fault("%s: %q is not such as %s", list.field, v, list.example)
			case m[1] != d.Partition:
				return fault("%s: %q is of the partition %s, not %s", list.field, v, m[1], d.Partition)
			case d.Account != everyAccount && m[2] != d.Account:
				return fault("%s: %q is of the account %s, not %s; leave Account empty for an organization", list.field, v, m[2], d.Account)
			case slices.Contains(list.values[:i], v):
				return fault("%s: %q stands there twice", list.field, v)
			}
		}
	}
	return d.validateImages(fault)
}

func (g *Guard) validateImages(fault func(string, ...any) error) error {
	for i, v := range g.BatchImages {
		switch {
		case !image.MatchString(v):
			return fault("BatchImages: %q is not such as registry.example/released/*@sha256:*; without a digest a tag could be moved", v)
		case strings.HasPrefix(v, "*"):
			return fault("BatchImages: %q names no registry", v)
		case slices.Contains(g.BatchImages[:i], v):
			return fault("BatchImages: %q stands there twice", v)
		}
	}
	if slices.Contains(g.Admins, g.Registrar) {
		return fault("Admins: the registrar's own role could change the gate that it runs in")
	}
	return nil
}

func optional(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
