package containerd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy/nodegate"
)

const (
	registries = "[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/etc/containerd/certs.d'\n"
	v3         = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n"
	// In version 2, what is in containerd counts only where a runtime is configured, too: else containerd's migration leaves it out
	// (plugins/cri/images/plugin.go, migrateConfig).
	v2 = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.registry]\nconfig_path = '/etc/containerd/certs.d'\n" +
		"[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n" +
		"[plugins.'io.containerd.grpc.v1.cri'.containerd]\n"
)

// templates are configurations of nodes with the settings that matter here, as public templates have them in November 2026, and what
// becomes of an image that the policy refuses.
var templates = []struct {
	name, config string
	status       int // of the doctor: 0 guarded, 1 open or blocked, 2 not proven
	prints       string
}{
	{"none, as packages of containerd leave it", "", 0, "The door is GUARDED"},
	{"kubeadm, and AKS: a directory of registries", "version = 3\n" + registries, 0, "The door is GUARDED"},
	{"Bottlerocket: snapshot annotations off, local pulls off", v3 + "use_local_image_pull = false\ndisable_snapshot_annotations = true\n" +
		registries, 0, "The door is GUARDED"},
	{"EKS, AL2023 (awslabs/amazon-eks-ami, nodeadm, config2.template.toml)", v3 + "discard_unpacked_layers = true\n" + registries, 1,
		"discard_unpacked_layers"},
	{"kind, and many guides: configuration version 2", v2 + "discard_unpacked_layers = true\n", 1, "discard_unpacked_layers"},
	{"configuration version 2 without a runtime, which loses the setting", strings.Replace(v2, "runtimes.runc", "other", 1) +
		"discard_unpacked_layers = true\n", 0, "The door is GUARDED"},
	{"Talos", v3 + "use_local_image_pull = true\ndiscard_unpacked_layers = true\n" + registries, 1, "use_local_image_pull"},
	{"lazy pulling: SOCI, stargz, CVMFS", v2 + "disable_snapshot_annotations = false\n", 1, "disable_snapshot_annotations"},
	{"GCE (kubernetes/cluster, configure-helper.sh): a mirror in the configuration",
		"version = 2\n[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.'docker.io']\n" +
			"endpoint = ['http://127.0.0.1:1']\n[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.'ORIGIN']\n" +
			"endpoint = ['http://ORIGIN']\n", 1, "registry.mirrors"},
	{"k3s with credentials in registries.yaml", "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry.configs.'ORIGIN'.auth]\n" +
		"username = 'u'\npassword = 'p'\n", 1, "registry.configs"},
	{"more downloads at a time", v3 + "max_concurrent_downloads = 10\n" + registries, 1, "max_concurrent_downloads"},
	{"file systems synced", v3 + "image_pull_with_sync_fs = true\n" + registries, 1, "image_pull_with_sync_fs"},
	{"verifiers switched off", "version = 3\ndisabled_plugins = ['io.containerd.image-verifier.v1.bindir']\n" + registries, 1,
		"disabled_plugins"},
	{"no verifier is asked", "version = 3\n" + registries + "[plugins.'io.containerd.image-verifier.v1.bindir']\nmax_verifiers = 0\n", 1,
		"max_verifiers"},
	{"another directory of verifiers", "version = 3\n" + registries + "[plugins.'io.containerd.image-verifier.v1.bindir']\n" +
		"bin_dir = '/opt/containerd/elsewhere'\n", 1, "no verifier"},
	{"a timeout that no verifier keeps", "version = 3\n" + registries + "[plugins.'io.containerd.image-verifier.v1.bindir']\n" +
		"per_verifier_timeout = '1ms'\n", 1, "The door is BLOCKED"},
}

// TestTemplates has the doctor examine each, and compares its verdict with what really becomes of an unsigned image.
func TestTemplates(t *testing.T) {
	n := newNode(t)
	out, err := n.run(example, `CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /opt/containerd/lading . && mkdir -p `+bin+
		` && mv /opt/containerd/lading `+bin+` && cp policy.yaml /etc/lading/policy.yaml`)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n.policy("deny")
	n.hosts(false)
	program := filepath.Join(bin, "lading")
	for _, c := range templates {
		t.Run(c.name, func(t *testing.T) {
			n.t = t
			n.start(strings.ReplaceAll(c.config, "ORIGIN", n.origin))
			defer n.stop()
			out, err := n.run("/", program+" doctor -canary "+n.origin+"/canary:unsigned")
			status := 0
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				status = e.ExitCode()
			}
			if status != c.status || !strings.Contains(out, c.prints) {
				t.Errorf("status %d, want %d with %q:\n%s", status, c.status, c.prints, out)
			}
			verdict := strings.TrimSpace(out[strings.LastIndex(out, "The door"):])
			t.Log(verdict)
			err = nodegate.CRI(socket)(t.Context(), n.origin+"/shop/web:unsigned")
			if in := err == nil; in != strings.Contains(verdict, "OPEN") {
				t.Errorf("an unsigned image came in: %t, and the doctor says: %s (%v)", in, verdict, err)
			}
		})
	}
	n.t = t
	n.directory(program)
}

// directory puts into the directory of verifiers what does not belong there.
func (n *node) directory(program string) {
	all := n.t
	for _, c := range []struct {
		name, command, prints string
	}{
		{"a README", "echo hello > " + bin + "/README", "not executable"},
		{"a hidden file", "touch " + bin + "/.keep", "containerd tries to run it and blocks every pull"},
		{"a folder", "mkdir " + bin + "/old", "directory"},
		{"a link to nothing", "ln -s nowhere " + bin + "/a", "link to nothing"},
		{"ten others that sort first", "for i in 0 1 2 3 4 5 6 7 8 9; do printf '#!/bin/sh\\n' > " + bin + "/a$i; chmod 755 " + bin +
			"/a$i; done", "it is not asked"},
		{"it is gone", "mv " + program + " /opt/containerd/lading", "it is empty or not there"},
	} {
		all.Run(c.name, func(t *testing.T) {
			n.t = t
			n.start(plain)
			defer n.stop()
			if out, err := n.run("/", "cp -p "+program+" /opt/containerd/doctor && "+c.command); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			out, err := n.run("/", "/opt/containerd/doctor doctor -canary "+n.origin+"/canary:unsigned")
			if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != 1 || !strings.Contains(out, c.prints) {
				t.Errorf("%v, no %q:\n%s", err, c.prints, out)
			}
			err = nodegate.CRI(socket)(t.Context(), n.origin+"/shop/web:unsigned")
			if in := err == nil; in != strings.Contains(out, "The door is OPEN") {
				t.Errorf("an unsigned image came in: %t, and the doctor says:\n%s", in, out)
			}
			t.Logf("%v", err)
			if err := errors.Join(os.RemoveAll(bin), os.MkdirAll(bin, 0o755)); err != nil {
				t.Fatal(err)
			}
			if out, err := n.run("/", "cp -p /opt/containerd/doctor "+program); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		})
	}
}
