// Package sweep tells what runs in an AWS account, by which decision, and what came around the gate.
//
//	s := &sweep.Sweep{
//		Config:   cfg,                       // of the SDK: credentials, region, retries
//		Checker:  checker,                   // package policy/gate: the policy of the gates
//		Families: []string{"gated-*"},       // what the registrar makes
//		State:    "sweep.state",             // where it goes on if it is ended
//	}
//	report, err := s.Run(ctx)
//	if err != nil {
//		return err
//	}
//	report.Text(os.Stdout)
//	os.Exit(report.Status())
//
// Gates keep out what comes by the doors that they stand at. A sweep looks at everything that runs, or is set to run, however it came:
// the services, tasks, daemons and task definition families of ECS, functions of Lambda from images, job definitions of Batch, services
// of App Runner, endpoints, models and jobs of SageMaker, projects and builds of CodeBuild, and, where Amazon Inspector scans, the
// workloads of EKS. Each image is judged by digest, once. docs/doors.md says for every way into ECS which finding sweeps it.
//
// # What it asks for
//
// Pages of the services' lists, as long as they come, one description for each page that needs one, and one for each distinct task
// definition; retries are the SDK's own, so that a Config with aws.RetryModeAdaptive is the slower and kinder. What cannot be looked
// at, be it a service without permission, a region that is down or one image, is an Unreadable or Undecided finding: the rest goes on,
// and Status tells.
//
// It keeps one row for what is alike, with a count and three examples: memory grows with what is different, not with what runs.
//
// # Going on
//
// With a State, whatever was looked at is written down, page by page, and a sweep that was ended goes on there by itself: it makes the
// report that it would have made, and asks at most one page again. A sweep that came to its end begins anew the next time. What a State
// says is believed: keep it where nobody else writes. It is for one process at a time.
//
// # What it is not for
//
// It stops nothing and changes nothing. The digest of a task is its host's word: on Fargate and Managed Instances AWS's, elsewhere the
// host's. A container that is started past ECS and Kubernetes is seen by nobody here.
package sweep
