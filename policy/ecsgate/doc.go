// Package ecsgate keeps images that a policy does not allow out of Amazon ECS services: it answers ECS's deployment
// lifecycle hook.
//
// ECS calls the hook, a Lambda function, before it starts the first task of a new service revision. [Hook.Handle] is
// that function: it looks up which task definition the revision runs, asks a [policy.Gate] about every container in it,
// and lets the deployment go on or has ECS roll it back.
//
//	hook := &ecsgate.Hook{
//		Client: ecs.NewFromConfig(cfg),
//		Gate:   gate, // verifiers, policy, and where evidence is: see package policy
//		Log:    slog.Default(),
//	}
//	lambda.Start(hook.Handle)
//
// Configure the function for the stage PRE_SCALE_UP, which is where it decides, and give it half a minute or more: the
// last two seconds are for the answer. Its role needs ecs:DescribeServiceDeployments, ecs:DescribeServiceRevisions,
// ecs:DescribeTaskDefinition, and what the gate's registry asks for. The repository's examples/aws/lambda is such a
// function, whole.
//
// # What it answers
//
//	every container's image is allowed          SUCCEEDED
//	some image is denied                        FAILED
//	some image has no digest (app:v1)           FAILED, whatever the tag stands for: nobody has looked up yet what it
//	                                            will run, and the tag may move between this answer and the pull
//	could not tell, within Hook.Retry           IN_PROGRESS: ECS asks again after [CallBackDelay]
//	could not tell, otherwise                   FAILED
//	the event cannot be read                    FAILED
//	the deployment is being rolled back         SUCCEEDED: a gate must not stand in the way of recovery
//	a stage after the tasks have started        SUCCEEDED, nothing is asked: too late to keep anything out
//	RECONCILE_SERVICE                           SUCCEEDED, nothing is asked: PRE_SCALE_UP is still to come
//	a stage that is not known here              as PRE_SCALE_UP
//
// One denied image denies, even if others could not be judged. Whether a deployment is being rolled back is what ECS
// says about it (its status), never what the event's traffic weights suggest. All containers of the task definition
// count, those that run before others or beside them too, and so does every image that ECS lists for the revision,
// such as a proxy that it adds by itself.
//
// ECS takes no reason. It goes to Hook.Log and Hook.Observe, with the decision on each container.
//
// # What it is not for
//
// It sees service deployments only, not RunTask, and whoever may call ecs:UpdateService may take the hook off the
// service: pair it with IAM conditions on ecs:task-definition. Leave the hook's timeout action at ROLLBACK; with
// CONTINUE, a function that never ends lets everything in.
package ecsgate
