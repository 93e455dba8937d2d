package iam

// cluster is a condition for statements that allow: the call names a gated cluster.
func (g *Guard) cluster() condition {
	if len(g.Clusters) == 0 {
		return nil
	}
	return condition{"ArnLike": {"ecs:cluster": g.Clusters}}
}

// services are where a deployer acts.
func (g *Guard) services() []string { return []string{g.arn("ecs", "service/*")} }

// deployer is what who deploys needs, and no more.
func (g *Guard) deployer() []Statement {
	gated := condition{"ArnLike": {"ecs:task-definition": g.definitions()}}
	statements := []Statement{
		{
			Sid: "Look", Effect: "Allow", Action: []string{"ecs:Describe*", "ecs:List*"}, Resource: []string{"*"},
			Why: "To see what runs.",
		},
		{
			Sid: "Propose", Effect: "Allow", Action: []string{"lambda:InvokeFunction"}, Resource: []string{g.arn("lambda",
				"function:"+g.Prefix+"registrar")},
			Why: "A task definition is proposed to the registrar, which answers with the one that it made.",
		},
		{
			Sid: "Run", Effect: "Allow", Action: []string{"ecs:RunTask", "ecs:StartTask"}, Resource: g.definitions(),
			Condition: g.cluster(),
			Why:       "Jobs.",
		},
		{
			Sid: "Deploy", Effect: "Allow",
			Action: []string{"ecs:CreateExpressGatewayService", "ecs:CreateService", "ecs:CreateTaskSet",
				"ecs:UpdateExpressGatewayService", "ecs:UpdateService"},
			Resource:  append(g.services(), g.arn("ecs", "task-set/*")),
			Condition: and(gated, g.cluster()),
			Why:       "Services, Express services and task sets of what the registrar made.",
		},
		{
			Sid: "Scale", Effect: "Allow", Action: []string{"ecs:UpdateService"}, Resource: g.services(),
			Condition: and(condition{"Null": {"ecs:task-definition": {"true"}, "aws:ResourceTag/" + g.Tag: {"false"}}}, g.cluster()),
			Why:       "More tasks or fewer, and a new deployment of the same.",
		},
		{
			Sid: "Daemons", Effect: "Allow", Action: []string{"ecs:CreateDaemon", "ecs:UpdateDaemon"},
			Resource:  []string{g.arn("ecs", "daemon/*")},
			Condition: and(condition{"ArnLike": {"ecs:daemon-task-definition": g.daemons()}}, g.cluster()),
			Why:       "Daemons of what the registrar made.",
		},
		{
			Sid: "Undo", Effect: "Allow",
			Action: []string{"ecs:DeleteDaemon", "ecs:DeleteExpressGatewayService", "ecs:DeleteService", "ecs:DeleteTaskSet",
				"ecs:StopServiceDeployment",
				"ecs:StopTask", "ecs:UpdateServicePrimaryTaskSet", "ecs:UpdateTaskSet"},
			Resource: []string{"*"}, Condition: g.cluster(),
			Why: "To stop, to go back and to clean up, which no gate should be in the way of.",
		},
		{
			Sid: "Mark", Effect: "Allow", Action: []string{"ecs:TagResource"}, Resource: []string{"*"},
			Condition: condition{"StringEquals": {"ecs:CreateAction": {"CreateDaemon", "CreateExpressGatewayService", "CreateService",
				"CreateTaskSet", "RunTask", "StartTask"}}},
			Why: "Tags come with what is created, the one that marks gated services too.",
		},
	}
	return append(append(statements, g.pass("ecs-tasks.amazonaws.com", "ecs.amazonaws.com")...), g.batch()...)
}

// pass allows the roles of tasks, and those that Express services build with, to be handed to ECS.
func (g *Guard) pass(services ...string) []Statement {
	if len(g.TaskRoles) == 0 {
		return nil
	}
	return []Statement{{
		Sid: "Pass", Effect: "Allow", Action: []string{"iam:PassRole"}, Resource: g.TaskRoles,
		Condition: condition{"StringEquals": {"iam:PassedToService": services}},
		Why:       "Tasks run with these roles and with no others.",
	}}
}

func (g *Guard) batch() []Statement {
	if len(g.BatchImages) == 0 {
		return nil
	}
	return []Statement{{
		Sid: "Batch", Effect: "Allow", Action: []string{"batch:RegisterJobDefinition"},
		Resource:  []string{g.arn("batch", "job-definition/*")},
		Condition: condition{"StringLike": {"batch:Image": g.BatchImages}},
		Why:       "Jobs of released images.",
	}}
}

// registrar is what the registrar's role needs, and no more.
func (g *Guard) registrar() []Statement {
	made := append(g.definitions(), g.daemons()...)
	return append([]Statement{
		{
			Sid: "Register", Effect: "Allow", Action: []string{"ecs:RegisterDaemonTaskDefinition", "ecs:RegisterTaskDefinition"},
			Resource: made,
			Why:      "It makes task definitions in the gated families alone.",
		},
		{
			Sid: "Label", Effect: "Allow", Action: []string{"ecs:TagResource"}, Resource: made,
			Condition: condition{"StringEquals": {"ecs:CreateAction": {"RegisterDaemonTaskDefinition", "RegisterTaskDefinition"}}},
			Why:       "It writes the decision on them while it makes them.",
		},
		{
			Sid: "Login", Effect: "Allow", Action: []string{"ecr:GetAuthorizationToken"}, Resource: []string{"*"},
			Why: "It reads from Amazon ECR; this call has no resource.",
		},
		{
			Sid: "Evidence", Effect: "Allow", Action: []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
			Resource: []string{g.arn("ecr",
				"repository/*")},
			Why: "It resolves tags and reads signatures and attestations.",
		},
		{
			Sid: "Log", Effect: "Allow", Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resource: []string{g.arn("logs", "log-group:/aws/lambda/"+g.Prefix+"registrar:*")},
			Why:      "It says what it decided, and why.",
		},
	}, g.pass("ecs-tasks.amazonaws.com")...)
}
