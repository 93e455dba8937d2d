package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/registry"
)

func (a *app) doctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [IMAGE]",
		Short: "Look whether this machine, a node or a cluster is guarded",
		Long: `Without a further word it looks at what this program works with here: logins,
and Sigstore's trusted roots; and of an image, at what its registry can do.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			findings := a.here()
			if len(args) == 1 {
				findings = append(findings, a.registryOf(cmd, args[0])...)
			}
			var verdict error
			for _, f := range findings {
				if f.State == ill {
					verdict = errDenied
				}
			}
			return a.examined(findings, verdict)
		},
	}
	cmd.AddCommand(a.doctorNode(), a.doctorCluster())
	return cmd
}

// finding is what the doctor knows of one thing, as text and JSON say it.
type finding struct {
	State string `json:"state"` // that of packages nodegate and k8sgate; of this machine WELL or ILL
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`
	Fix   string `json:"fix,omitempty"`
}

const (
	well = "WELL"
	ill  = "ILL"
)

func (a *app) here() (out []finding) {
	if _, err := registry.DockerCredentials(); err != nil {
		out = append(out, finding{ill, "docker's logins", err.Error(), "mend docker's config.json"})
	} else {
		out = append(out, finding{well, "docker's logins", "can be read; without one, registries are asked anonymously", ""})
	}
	roots, err := rootsOf(false).Roots()
	switch {
	case err != nil:
		out = append(out, finding{ill, "Sigstore's trusted roots", err.Error(), "let this machine reach tuf-repo-cdn.sigstore.dev"})
	case roots.Embedded:
		out = append(out, finding{well, "Sigstore's trusted roots",
			"those of this program, of " + roots.Date.UTC().Format(time.DateOnly), ""})
	default:
		out = append(out, finding{well, "Sigstore's trusted roots", "refreshed on " + roots.Date.UTC().Format(time.DateOnly), ""})
	}
	return out
}

func (a *app) registryOf(cmd *cobra.Command, name string) (out []finding) {
	p, err := a.reach.open(cmd.Context(), name)
	if err != nil {
		return []finding{{ill, name, err.Error(), ""}}
	}
	out = append(out, finding{well, name, "is " + p.image.Digest.String(), ""})
	count := 0
	for _, err := range p.repo.Referrers(cmd.Context(), p.image) {
		if err != nil {
			return append(out, finding{ill, "its evidence", err.Error(), "what cannot be listed is never \"nothing there\": doors will " +
				"not decide"})
		}
		count++
	}
	return append(out, finding{well, "its evidence", fmt.Sprintf("%d manifests are attached and can be listed", count), ""})
}

// examined prints findings and ends with what they come to.
func (a *app) examined(findings []finding, verdict error) error {
	if writeErr := a.ui.answer(findings, func(w io.Writer) {
		for _, f := range findings {
			fmt.Fprintf(w, "%-10s %s\n", f.State, f.What)
			for _, line := range []string{f.Why, f.Fix} {
				if line != "" {
					wrapped(w, "           ", line)
				}
			}
		}
	}); writeErr != nil {
		return writeErr
	}
	return verdict
}

// doorStatus is how a verb ends by the word for a door's state, which both gates share.
func doorStatus(state string) error {
	switch state {
	case k8sgate.Guarded.String():
		return nil
	case k8sgate.NotProven.String():
		return errUndecided
	}
	return errDenied
}

func (a *app) doctorNode() *cobra.Command {
	d := new(nodegate.Doctor)
	var dump, socket string
	cmd := &cobra.Command{
		Use:     "node",
		Short:   "Look whether a node's containerd asks the gate",
		Example: "  containerd config dump | lading doctor node --canary shop/unsigned:v1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if d.Dump, err = a.ui.read(dump); err != nil {
				return err
			}
			d.Pull = nodegate.CRI(socket)
			findings := d.Examine(cmd.Context())
			var out []finding
			for _, f := range findings {
				out = append(out, finding{f.State.String(), f.What, f.Why, f.Fix})
			}
			return a.examined(out, doorStatus(nodegate.Verdict(findings).String()))
		},
	}
	cmd.Flags().StringVar(&dump, "dump", "-", "what `containerd config dump` printed; - is standard input")
	cmd.Flags().StringVar(&socket, "socket", "/run/containerd/containerd.sock", "containerd's socket")
	cmd.Flags().StringVar(&d.Canary, "canary", "", "an image that the policy refuses; without one nothing is proven")
	cmd.Flags().StringVar(&d.Verifier, "verifier", "", "name of the gate's file")
	cmd.Flags().StringVar(&d.Root, "root", "", "where the node's files are, if not at /")
	return cmd
}

func (a *app) doctorCluster() *cobra.Command {
	d := &k8sgate.Doctor{Validating: "lading-gate", Mutating: "lading-gate"}
	client := new(k8sgate.Client)
	cmd := &cobra.Command{
		Use:     "cluster",
		Short:   "Look whether images get into a cluster past the gate",
		Example: "  kubectl proxy & lading doctor cluster --canary shop/unsigned@sha256:...",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.API = client
			findings := d.Examine(cmd.Context())
			var out []finding
			for _, f := range findings {
				out = append(out, finding{f.State.String(), f.What, f.Why, f.Fix})
			}
			return a.examined(out, doorStatus(k8sgate.Verdict(findings).String()))
		},
	}
	cmd.Flags().StringVar(&client.URL, "server", "http://127.0.0.1:8001", "the API server, such as kubectl proxy serves it")
	cmd.Flags().StringVar(&d.Canary, "canary", "", "an image that the policy refuses, by digest; without one nothing is proven")
	cmd.Flags().StringVar(&d.Namespace, "namespace", "", "where pods are tried (default \"default\")")
	cmd.Flags().StringVar(&d.Static, "static", "", "directory of the static manifests")
	cmd.Flags().StringSliceVar(&d.Exempt, "exempt", nil, "namespaces that are left open on purpose")
	return cmd
}
