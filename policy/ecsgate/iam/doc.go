// Package iam writes the AWS policies that make ecsgate's registrar the only way to start a container on Amazon ECS.
//
// ECS has no condition on images, but on task definitions. So images are judged where task definitions are made: one role, the
// registrar's, may register task definitions, and everybody else may run only those. A [Guard] names who is who, and [Guard.Documents]
// returns the documents:
//
//	g := &iam.Guard{
//		Account:   "111122223333",
//		Family:    "gated-",
//		Registrar: "arn:aws:iam::111122223333:role/lading-registrar",
//		Admins:    []string{"arn:aws:iam::111122223333:role/platform"},
//	}
//	documents, err := g.Documents()
//	...
//	for _, d := range documents {
//		os.WriteFile(d.Name+".json", d.JSON(), 0o644)
//	}
//
// The same Guard gives the same bytes. Each [Statement] says in a sentence why it is there.
//
//	scp-1, scp-2...  service control policies for the organizational unit of the accounts; keep FullAWSAccess attached beside them
//	boundary         if Account is set, the same as a permissions boundary, for where there is no organization: every role and user
//	                 of the account needs it, and the root user cannot have it
//	deployer         identity policy of who deploys, people or pipelines
//	registrar        identity policy of the registrar's role
//	trust            who may assume the registrar's role: AWS Lambda
//
// # What remains
//
// Service-linked roles and the organization's management account are under no service control policy. AWS Batch runs its tasks by such
// a role, so it is stopped at its job definitions. Nothing here sees a container that a host starts without ECS, an image that a tag is
// moved to, a proxy that ECS adds to a task, or an override of a command: for these are the hook and the task events of package ecsgate,
// the node gate of package nodegate, and immutable tags.
//
// Name task definitions by their ARN in calls: a name that AWS does not make one of before it looks at the policies is refused.
//
// A condition of UpdateService on the deployment's configuration does not exist: who may call it may take the lifecycle hook off a
// service in the same call. With these policies the task definition is judged nevertheless.
package iam
