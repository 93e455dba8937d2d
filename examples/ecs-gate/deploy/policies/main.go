// Policies writes the IAM documents that make the registrar the only way to start a container on Amazon ECS, and says of each statement
// why it is there.
//
//	go run ./deploy/policies -account 111122223333 -admins platform -task-roles 'task-*' -o policies
//
// Roles are names in the account, or ARNs. Without -account it is for an organization: the documents name roles of every account, and there
// is no permissions boundary.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ladingdev/lading/policy/ecsgate/iam"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "policies:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	g := new(iam.Guard)
	flags := flag.NewFlagSet("policies", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&g.Partition, "partition", "aws", "aws, aws-us-gov or aws-cn")
	flags.StringVar(&g.Account, "account", "", "12 digits; empty for an organization")
	flags.StringVar(&g.Family, "family", "gated-", "what the names of gated task definitions begin with")
	flags.StringVar(&g.Registrar, "registrar", "lading-registrar", "role of the registrar")
	flags.StringVar(&g.TaskEvents, "task-events", "lading-task-events", "role of the function for task events; empty if there is none")
	flags.StringVar(&g.Pauses, "pauses", "", "role of the function for pause hooks, such as lading-pauses; empty leaves pause "+
		"hooks to people")
	lists := map[string]*[]string{"admins": &g.Admins, "break-glass": &g.BreakGlass, "hosts": &g.Hosts, "task-roles": &g.TaskRoles}
	texts := make(map[string]*string)
	for name, usage := range map[string]string{
		"admins": "roles that may change the gate", "break-glass": "roles that may open a shell in a container",
		"hosts": "roles of instances that may join clusters", "task-roles": "roles that task definitions may name; * may stand in them",
	} {
		texts[name] = flags.String(name, "", usage+", with commas between")
	}
	clusters := flags.String("clusters", "", "ARNs of the clusters that are gated, with commas between; empty for all")
	images := flags.String("batch-images", "", "images that AWS Batch may run, such as REGISTRY/released/*@sha256:*, with commas between")
	dir := flags.String("o", "policies", "folder that the documents are written to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q? Roles and clusters are flags; see -h", flags.Arg(0))
	}
	arn := func(name string) string {
		if name == "" || strings.HasPrefix(name, "arn:") {
			return name
		}
		account := g.Account
		if account == "" {
			account = "*"
		}
		return "arn:" + g.Partition + ":iam::" + account + ":role/" + name
	}
	g.Registrar, g.TaskEvents, g.Pauses = arn(g.Registrar), arn(g.TaskEvents), arn(g.Pauses)
	for name, list := range lists {
		for _, role := range split(*texts[name]) {
			*list = append(*list, arn(role))
		}
	}
	g.Clusters, g.BatchImages = split(*clusters), split(*images)
	documents, err := g.Documents()
	if err != nil {
		return err
	}
	return write(*dir, documents, stdout)
}

func split(text string) (parts []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func write(dir string, documents []iam.Document, stdout io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range documents {
		name := filepath.Join(dir, d.Name+".json")
		if err := os.WriteFile(name, d.JSON(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: %s, %d characters\n", filepath.ToSlash(name), d.Kind, d.Size())
		for line := range strings.Lines(d.Explain()) {
			fmt.Fprint(stdout, "   ", line)
		}
	}
	return nil
}
