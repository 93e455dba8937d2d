// Package nodegate is a door at the node: containerd asks it before it pulls an image.
//
// containerd runs each program in a directory before a pull and blocks the pull unless all of them end with status 0 (its
// docs/image-verification.md; Bottlerocket hosts of EKS and ECS have the same). A [Gate] is such a program:
//
//	checker, err := gate.New(&gate.Rules{Gate: g}, nil) // package policy/gate
//	os.Exit((&nodegate.Gate{Checker: checker}).Run(ctx, os.Args[1:], os.Stdin, os.Stdout))
//
// examples/node-gate is a whole one.
//
// # What is judged
//
// The digest, in the repository that the name says. The tag is not judged and never looked up again: behind a mirror the
// digest may be the mirror's, and the CRI drops the tag of a name that has a digest. So a policy by tag cannot work on a node.
// The policy sees a [policy.Request] with the gate "node" and nothing else, for containerd says nothing of the pod, the
// namespace, or who asks.
//
// # What the user reads
//
// One line of at most 1 KiB, without control characters, because containerd prints it as it comes. Its first words tell
// apart what kubelet shows alike: "lading refused" is a verdict, "lading could not decide" is an outage, and worth another
// try. What an allowing verifier prints is seen in containerd's log at level debug only: what a policy warns of belongs into a
// gate.Log.
//
// # Whether it is asked at all
//
// Eight settings of containerd make the CRI pull images without asking any verifier, some of them in public node templates;
// a setting too many, and the door stands open without a word. A [Doctor] reads the configuration that containerd has, looks
// into the directory, and pulls a canary through the CRI that must be refused. Nothing less proves the door.
package nodegate
