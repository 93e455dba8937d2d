package iam

import (
	"maps"
	"slices"
	"strings"
)

var everything = Statement{
	Sid: "Everything", Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"},
	Why: "A boundary allows nothing by itself; what it does not deny is up to the identity policies.",
}

type condition = map[string]map[string][]string

// arn writes an ARN of the guard's account in any region.
func (g *Guard) arn(service, resource string) string {
	region := "*"
	if service == "iam" {
		region = ""
	}
	return "arn:" + g.Partition + ":" + service + ":" + region + ":" + g.Account + ":" + resource
}

func (g *Guard) definitions() []string {
	return []string{g.arn("ecs", "task-definition/"+g.Family+"*")}
}
func (g *Guard) daemons() []string {
	return []string{g.arn("ecs", "daemon-task-definition/"+g.Family+"*")}
}

// unless is a condition that holds for everybody but the roles.
func unless(roles ...string) condition {
	roles = slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == "" })
	if len(roles) == 0 {
		return nil
	}
	return condition{"ArnNotLike": {"aws:PrincipalArn": roles}}
}

// and joins conditions that must all hold. Operators that two of them use have different keys.
func and(conditions ...condition) condition {
	out := make(condition)
	for _, c := range conditions {
		for op, tests := range c {
			if out[op] == nil {
				out[op] = make(map[string][]string)
			}
			maps.Copy(out[op], tests)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// inClusters holds for calls into the gated clusters. A call that does not say its cluster counts as one.
func (g *Guard) inClusters() condition {
	if len(g.Clusters) == 0 {
		return nil
	}
	return condition{"ArnLikeIfExists": {"ecs:cluster": g.Clusters}}
}

// tasks are those of the gated clusters. Systems Manager has no key for the cluster, but its name is in the task's ARN.
func (g *Guard) tasks() (out []string) {
	for _, c := range g.Clusters {
		out = append(out, strings.Replace(c, ":cluster/", ":task/", 1)+"/*")
	}
	if out == nil {
		out = []string{g.arn("ecs", "task/*")}
	}
	return out
}

// denials are what nobody may do, but those who are named. Task definitions are compared as texts: it is not said what ArnNotLike
// answers for a value that is no ARN, and a name alone must be refused too.
func (g *Guard) denials() []Statement {
	register := Statement{
		Sid: "RegisterByRegistrar", Effect: "Deny", Action: []string{"ecs:Register*TaskDefinition"},
		Resource: []string{"*"}, Condition: unless(g.Registrar),
		Why: "Only the registrar makes task definitions, because it judges their images first and names them by digest.",
	}
	if len(g.Clusters) > 0 {
		register.Resource = append(g.definitions(), g.daemons()...)
		register.Why = "Only the registrar makes task definitions in the gated families; others run in the clusters that are not gated."
	}
	undo := unless(g.TaskEvents) // goes back to what ran before the gate; the registrar starts nothing
	denials := []Statement{
		register,
		{
			Sid: "RunGated", Effect: "Deny", Action: []string{"ecs:RunTask",
				"ecs:StartTask"}, NotResource: g.definitions(), Condition: g.inClusters(),
			Why: "A task runs what the registrar made; people, schedules, rules, pipes and state machines start it by these two calls.",
		},
		{
			Sid: "CreateGated", Effect: "Deny",
			Action: []string{"ecs:CreateExpressGatewayService", "ecs:CreateService", "ecs:CreateTaskSet",
				"ecs:UpdateExpressGatewayService"},
			Resource: []string{"*"}, Condition: and(undo, condition{"StringNotLike": {"ecs:task-definition": g.definitions()}},
				g.inClusters()),
			Why: "A service or task set runs what the registrar made; without a task definition, an Express service would take an " +
				"image of the " +
				"caller's.",
		},
		{
			Sid: "UpdateGated", Effect: "Deny", Action: []string{"ecs:UpdateService"}, Resource: []string{"*"},
			Condition: and(undo, condition{"StringNotLike": {"ecs:task-definition": g.definitions()},
				"Null": {"ecs:task-definition": {"false"}}},
				g.inClusters()),
			Why: "A service moves only to what the registrar made; Null is there because a negated operator holds for a missing key, " +
				"with IfExists too, and every change of the number of tasks would be denied.",
		},
		{
			Sid: "RestartGated", Effect: "Deny", Action: []string{"ecs:UpdateService"}, Resource: []string{"*"},
			Condition: and(undo, condition{"Null": {"ecs:task-definition": {"true"}, "aws:ResourceTag/" + g.Tag: {"true"}}},
				g.inClusters()),
			Why: "A service of before the gate may run anything, so whoever scales it or forces a deployment moves it to a gated task " +
				"definition with the same call.",
		},
		{
			Sid: "DaemonsGated", Effect: "Deny", Action: []string{"ecs:CreateDaemon", "ecs:UpdateDaemon"}, Resource: []string{"*"},
			Condition: and(undo, condition{"StringNotLike": {"ecs:daemon-task-definition": g.daemons()}}, g.inClusters()),
			Why:       "A daemon starts on every host before anything else, and no lifecycle hook is asked about it.",
		},
	}
	if g.Pauses != "" {
		denials = append(denials, Statement{
			Sid: "AnswerPauses", Effect: "Deny", Action: []string{"ecs:ContinueServiceDeployment"}, Resource: []string{"*"},
			Condition: and(unless(g.Pauses), g.inClusters()),
			Why:       "A deployment that waits for the gate goes on by the gate's word.",
		})
	}
	return append(append(denials, g.tagDenials()...), g.otherDenials()...)
}

// labels are the tags that the registrar writes: Label* of package ecsgate.
var labels = []string{"lading-decided", "lading-decision", "lading-policy"}

// tagDenials keep the mark of gated services true, and the registrar's labels.
func (g *Guard) tagDenials() []Statement {
	// Keys of aws:ResourceTag are compared without regard to case, so a tag that differs in case would pass for the mark.
	mark := condition{"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": append([]string{g.Tag}, labels...)}}
	return []Statement{
		{
			Sid: "MarkAtCreation", Effect: "Deny", Action: []string{"ecs:TagResource"}, Resource: []string{"*"},
			Condition: and(unless(g.Registrar), mark, condition{"StringNotEquals": {"ecs:CreateAction": {"CreateService"}}}),
			Why: "The tag says that a service was created under the gate, so it comes with CreateService and not later; decisions are " +
				"the registrar's to write.",
		},
		{
			Sid: "KeepMark", Effect: "Deny", Action: []string{"ecs:UntagResource"}, Resource: []string{"*"}, Condition: mark,
			Why: "A sweep tells gated services and decisions by the tags.",
		},
	}
}

// otherDenials are the ways to a running container that begin at no task definition, and those to the gate itself.
func (g *Guard) otherDenials() []Statement {
	batch := Statement{
		Sid: "BatchReleased", Effect: "Deny", Action: []string{"batch:RegisterJobDefinition"}, Resource: []string{"*"},
		Why: "AWS Batch makes task definitions by a role that these policies do not reach, so its images are named here, by digest.",
	}
	if len(g.BatchImages) > 0 {
		batch.Condition = condition{"StringNotLike": {"batch:Image": g.BatchImages}}
	}
	return []Statement{
		batch,
		{
			Sid: "KeepSettings", Effect: "Deny", Action: []string{"ecs:DeleteAccountSetting", "ecs:PutAccountSetting*"},
			Resource:  []string{"*"},
			Condition: unless(g.Admins...),
			Why: "Without tagResourceAuthorization a tag comes with what is created unasked, and without long ARNs a task does not " +
				"name its " +
				"cluster: the mark and the sessions rest on them.",
		},
		{
			Sid: "NoShell", Effect: "Deny", Action: []string{"ecs:ExecuteCommand"}, Resource: []string{"*"},
			Condition: and(unless(g.BreakGlass...),
				g.inClusters()),
			Why: "A command in a running container is code that nobody judged.",
		},
		{
			Sid: "NoSession", Effect: "Deny", Action: []string{"ssm:StartSession"}, Resource: g.tasks(), Condition: unless(g.BreakGlass...),
			Why: "The same shell, asked of Systems Manager instead of ECS.",
		},
		{
			Sid: "KnownHosts", Effect: "Deny", Action: []string{"ecs:RegisterContainerInstance", "ecs:Submit*"}, Resource: []string{"*"},
			Condition: unless(g.Hosts...),
			Why:       "Who owns a host of the cluster runs on it what he likes, and it reports its own digests.",
		},
		{
			Sid: "KeepGate", Effect: "Deny",
			NotAction: []string{"events:Describe*", "events:List*", "iam:Get*", "iam:List*", "lambda:Get*", "lambda:InvokeFunction",
				"lambda:List*"},
			Resource: append(slices.Concat([]string{g.Registrar}, optional(g.TaskEvents), optional(g.Pauses)),
				g.arn("lambda", "function:"+g.Prefix+"*"), g.arn("events", "rule/"+g.Prefix+"*")),
			Condition: unless(g.Admins...),
			Why:       "Who may change or pass the gate's roles, its functions' code or its rules is the gate.",
		},
	}
}

// keepBoundary are the statements that a boundary needs to stay where it is.
func (g *Guard) keepBoundary() []Statement {
	self := []string{g.arn("iam", "policy/"+g.Prefix+"boundary")}
	return []Statement{
		{
			Sid: "SameBoundary", Effect: "Deny",
			Action:   []string{"iam:CreateRole", "iam:CreateUser", "iam:Put*PermissionsBoundary"},
			Resource: []string{"*"}, Condition: and(unless(g.Admins...), condition{"ArnNotLike": {"iam:PermissionsBoundary": self}}),
			Why: "Whoever is made under the boundary has it too.",
		},
		{
			Sid: "KeepBoundary", Effect: "Deny", Action: []string{"iam:Delete*PermissionsBoundary"},
			Resource: []string{"*"}, Condition: unless(g.Admins...),
			Why: "Nobody takes it off.",
		},
		{
			Sid: "SameText", Effect: "Deny", NotAction: []string{"iam:Get*", "iam:List*"}, Resource: self, Condition: unless(g.Admins...),
			Why: "Nobody writes another text into it.",
		},
	}
}
