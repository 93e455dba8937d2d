// Package containerd holds policy/nodegate and examples/node-gate against a real containerd, where LADING_CONTAINERD names a folder with
// containerd and ctr. build.sh builds both, in ten minutes. It needs root, for a mount namespace of its own: containerd, the gate
// and the README's commands have their usual places there, and nothing of it is left on the machine.
package containerd
