// Lading is the command line that this field expects, as the largest example of the library: it makes SBOMs of images, scans,
// signs and attests them, verifies what is attached, and decides by policy. It holds no logic of its own.
//
//	go -C examples/lading run . --help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// Exit statuses, the same for every verb.
const (
	exitAllowed   = iota // done; or allowed, verified, equal, guarded
	exitDenied           // looked at everything, and no: denied, not signed, different, open
	exitUndecided        // could not be told or done: an error
	exitMisused          // the command line is wrong
)

// errDenied ends a verb that has said what is wrong itself.
var errDenied = errors.New("denied")

// errUndecided ends a verb that has said itself what could not be told.
var errUndecided = errors.New("undecided")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := &app{ui: newUI(stdin, stdout, stderr)}
	root := app.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	began := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cmd.ValidateRequiredFlags(); err != nil { // cobra looks only after this
			return err
		}
		began = true
		return app.ui.check(cmd)
	}
	err := root.ExecuteContext(ctx)
	app.ui.clear()
	var misuse *misuseError
	switch {
	case err == nil:
		return exitAllowed
	case errors.Is(err, errDenied):
		return exitDenied
	case errors.Is(err, errUndecided):
		return exitUndecided
	case !began || errors.As(err, &misuse):
		app.ui.say("lading: ", err.Error()+"\nTry lading --help.")
		return exitMisused
	}
	text := err.Error()
	var place *placeError
	if errors.As(err, &place) {
		text += "\nIt takes " + place.takes + "."
	}
	app.ui.say("lading: ", text)
	return exitUndecided
}

// A misuseError is a command line that cannot be meant.
type misuseError struct{ text string }

func (e *misuseError) Error() string { return e.text }

func misuse(format string, args ...any) error { return &misuseError{fmt.Sprintf(format, args...)} }

// app is what all verbs share.
type app struct {
	ui    *ui
	reach reach
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lading",
		Short: "SBOMs, signatures and decisions about container images",
		Long: `Lading makes the bill of lading of a container image: what is in it, how it was
built and what is known against it, signed and attached to it, and decides by
policy whether it may run.

An image is NAME:TAG or NAME@sha256:... in a registry, with docker's logins, or
layout:DIR[:TAG], a directory of the OCI image layout.

Exit status: 0  done; allowed, verified, equal, guarded
             1  no: denied, not signed, different, open
             2  could not be told or done
             3  the command line is wrong, or names a file that is not there or
                not of the kind that it takes

With -o json the answer on standard output is one JSON value, with members in
lower camel case and words for statuses. Errors are on standard error.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVarP(&a.ui.format, "output", "o", "text", "text or json; check has more")
	root.PersistentFlags().BoolVar(&a.reach.plainHTTP, "plain-http", false, "talk to registries without TLS; loopback needs no leave")
	root.PersistentFlags().BoolVarP(&a.ui.quiet, "quiet", "q", false, "show no progress; there is none if standard error is no terminal")
	cobra.AddTemplateFunc("wrapped", func(f *pflag.FlagSet) string { return strings.TrimRight(f.FlagUsagesWrapped(80), "\n") })
	root.SetUsageTemplate(strings.NewReplacer(".LocalFlags.FlagUsages | trimTrailingWhitespaces", "wrapped .LocalFlags",
		".InheritedFlags.FlagUsages | trimTrailingWhitespaces", "wrapped .InheritedFlags").Replace(root.UsageTemplate()))
	root.SetHelpCommand(help(root))
	root.AddCommand(a.sbom(), a.scan(), a.sign(), a.attest(), a.replace(), a.verify(), a.check(), a.tree(), a.copy(), a.prune(),
		a.policy(), a.doctor(), a.convert(), a.diff(), a.who(), manual(root))
	return root
}

// help is cobra's, but that a verb that there is not is a mistake.
func help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Help about a verb",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return misuse("there is no verb %s", strings.Join(args, " "))
			}
			return cmd.Help()
		},
	}
}

// manual writes the manual pages, for packagers.
func manual(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages into a directory",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return doc.GenManTree(root, &doc.GenManHeader{Title: "LADING", Section: "1", Source: "Lading", Manual: "Lading"},
				filepath.Clean(args[0]))
		},
	}
}
