// Package ecsgate keeps images that a policy does not allow out of Amazon ECS. Three doors hold a [gate.Checker]:
//
//	[Hook]       before a service's deployment starts tasks: ECS asks
//	[Pauses]     the same, answered from outside Lambda
//	[Tasks]      whatever way a task or a daemon was started: what runs and is denied is stopped, so that it does not come back
//	[Registrar]  before anything is started: the one principal that may register task definitions judges and pins them
//
// The hook sees services alone, and whoever may call ecs:UpdateService takes it off in the same call. What is stopped ran for some seconds.
// The registrar needs IAM policies that make it the only way. Together they leave what docs/doors.md says. The repository's
// examples/ecs-gate is a program with all of them, and package ecstest an ECS to try them on.
//
// # Hook
//
// ECS calls the hook, a Lambda function, before it starts the first task of a new service revision. [Hook.Handle] is
// that function: it looks up which task definition the revision runs, asks the Checker about every container in it,
// and lets the deployment go on or has ECS roll it back.
//
//	hook := &ecsgate.Hook{
//		Client:  ecs.NewFromConfig(cfg),
//		Checker: checker, // verifiers, policy, and where evidence is: see package policy/gate
//		Log:     slog.Default(),
//	}
//	lambda.Start(hook.Handle)
//
// Configure the function for the stage PRE_SCALE_UP, which is where it decides, and give it half a minute or more: the
// last two seconds are for the answer. Its role needs ecs:DescribeServiceDeployments, ecs:DescribeServiceRevisions,
// ecs:DescribeTaskDefinition, with a policy that looks at requests ecs:DescribeServices, and what the gate's registry asks for.
//
// # What it answers
//
//	every container's image is allowed          SUCCEEDED
//	some image is denied                        FAILED
//	some image has no digest (app:v1)           FAILED, whatever the tag stands for: nobody has looked up yet what it
//	                                            will run, and the tag may move between this answer and the pull; see Hook.Tags
//	its own timeout action is CONTINUE          FAILED: a function that never ends would let everything in
//	could not tell, within Hook.Retry           IN_PROGRESS: ECS asks again after [CallBackDelay]
//	could not tell, otherwise                   FAILED
//	the event cannot be read                    FAILED
//	the deployment is being rolled back         SUCCEEDED: a gate must not stand in the way of recovery
//	a stage after the tasks have started        as before, about the digests that run; one that is not what was decided on
//	                                            at PRE_SCALE_UP is refused
//	RECONCILE_SERVICE                           SUCCEEDED, nothing is asked: PRE_SCALE_UP is still to come
//	a stage that is not known here              as PRE_SCALE_UP
//
// One denied image denies, even if others could not be judged. Whether a deployment is being rolled back is what ECS
// says about it (its status), never what the event's traffic weights suggest. All containers of the task definition
// count, those that run before others or beside them too, and so does every image that ECS lists for the revision,
// such as a proxy that it adds by itself, unless Hook.Injected knows it. With rules whose mode is policy.Warn or policy.Audit
// the answer is SUCCEEDED, and Outcome and log say what it would be.
//
// ECS takes no reason. It goes to Hook.Log and Hook.Observe, with the decision on each container. Which hooks a rolling deployment asks is
// not written down by AWS (Lambda hooks are documented for blue/green, linear and canary, pause hooks for rolling too): Outcome.Strategy
// says how the service is deployed, and [Tasks] sees what no hook was asked about.
//
// # What policies see of a request
//
// The cluster, account, region and service, and the attributes of [AttributePlatform] and its neighbours. A policy that looks at none costs
// one question for an image.
package ecsgate
