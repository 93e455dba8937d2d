package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
	"github.com/ladingdev/lading/sbom/vuln/osv"
	"github.com/spf13/cobra"
)

type scanFlags struct {
	build, index, file, platform string
	inspector, all               bool
	vex                          []string
	fail                         vuln.Severity
}

func (a *app) scan() *cobra.Command {
	f := &scanFlags{fail: vuln.High}
	cmd := &cobra.Command{
		Use:   "scan IMAGE|ARCHIVE|DIRECTORY|SBOM",
		Short: "Find known vulnerabilities, by OSV offline or by Inspector",
		Long: `Finds the known vulnerabilities of what is in an image, or of an SBOM.
Advisories are OSV's, from an index on this machine that --build makes of its
public dumps, or Amazon Inspector's.`,
		Example: `  lading scan --build osv.index npm.zip Debian.zip
  lading scan --index osv.index registry.example.com/shop/app:v1 --fail critical`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.build != "" {
				return a.buildIndex(cmd, f, args)
			}
			switch {
			case len(args) != 1:
				return misuse("scan takes one name")
			case (f.index == "") == !f.inspector:
				return misuse("give --index FILE, which --build makes, or --inspector")
			}
			return a.scanOne(cmd, f, args[0])
		},
	}
	cmd.Flags().StringVar(&f.build, "build", "", "make an index in this file of OSV's dumps, which are named instead of an image")
	cmd.Flags().StringVar(&f.index, "index", "", "index of OSV's dumps")
	cmd.Flags().BoolVar(&f.inspector, "inspector", false, "ask Amazon Inspector; it is sent the components")
	cmd.Flags().TextVar(&f.fail, "fail", vuln.High, "severity that fails: info, low, medium, high, critical")
	cmd.Flags().StringSliceVar(&f.vex, "vex", nil, "files with VEX statements (OpenVEX, CycloneDX, CSAF), which are believed")
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "write the report, an in-toto predicate, to this file")
	cmd.Flags().StringVar(&f.platform, "platform", "", "platform to take of an index")
	cmd.Flags().BoolVar(&f.all, "all", false, "list also what VEX statements suppress")
	return cmd
}

func (a *app) buildIndex(cmd *cobra.Command, f *scanFlags, dumps []string) error {
	contents, err := osv.Build(cmd.Context(), f.build,
		&osv.BuildOptions{Progress: func(n int) { a.ui.progress("%d advisories", n) }}, dumps...)
	if err != nil {
		return err
	}
	return a.ui.answer(contents, func(w io.Writer) {
		fmt.Fprintf(w, "%d advisories, %d withdrawn, in %s\n", contents.Records, contents.Withdrawn, f.build)
		for _, e := range contents.Errors {
			wrapped(w, "not read: ", e)
		}
	})
}

// subject is the SBOM to scan: of a file that is one, or of what is in an image.
func (a *app) subject(cmd *cobra.Command, name, platform string) (*sbom.Document, error) {
	if data, err := a.ui.read(name); err == nil {
		if doc, err := sbom.Parse(bytes.NewReader(data)); err == nil {
			return doc, nil
		}
	}
	doc, _, err := a.look(cmd.Context(), name, platform, sbom.Format{})
	return doc, err
}

func (a *app) scanOne(cmd *cobra.Command, f *scanFlags, name string) error {
	ctx := cmd.Context()
	doc, err := a.subject(cmd, name, f.platform)
	if err != nil {
		return err
	}
	var scanner vuln.Scanner
	if f.inspector {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		scanner = inspector.New(cfg)
	} else {
		db, err := osv.Open(f.index)
		if err != nil {
			if errors.Is(err, osv.ErrIndex) {
				return unfit(f.index, err, osv.ErrIndex)
			}
			return named(f.index, err)
		}
		defer db.Close()
		scanner = db
	}
	a.ui.progress("scanning %d components", doc.Len())
	found, err := scanner.Scan(ctx, doc)
	if err != nil {
		return err
	}
	for _, file := range f.vex {
		data, err := a.ui.read(file)
		if err != nil {
			return err
		}
		statements, _, err := vuln.ParseVEX(bytes.NewReader(data))
		if err != nil {
			return unfit(file, err, vuln.ErrFormat)
		}
		for i := range statements { // whoever runs this vouches for the file
			statements[i].Signer = vuln.Signer{Identity: "the command line, " + file}
		}
		found.Apply(statements...)
	}
	predicate, err := found.MarshalJSON()
	if err != nil {
		return err
	}
	if f.file != "" {
		if err := a.ui.write(f.file, predicate); err != nil {
			return err
		}
	}
	if err := a.ui.answer(json.RawMessage(predicate), func(w io.Writer) {
		_ = found.WriteTable(w, &vuln.TableOptions{Width: a.ui.width, Suppressed: f.all}) // to a terminal or a buffer
	}); err != nil {
		return err
	}
	return f.verdict(found, a.ui)
}

// verdict is denied by a severity that fails, and undecided where nobody knows it or a component could not be looked up.
func (f *scanFlags) verdict(r *vuln.Report, u *ui) error {
	s := r.Summary()
	for severity := f.fail; int(severity) < len(s.Severities); severity++ {
		if s.Severities[severity] > 0 && severity != vuln.Unknown {
			return errDenied
		}
	}
	if unknown := s.Severities[vuln.Unknown]; unknown > 0 {
		u.note("%d findings have no severity: whether they are as bad as %v cannot be told", unknown, f.fail)
		return errUndecided
	}
	if s.Skipped > 0 && len(r.Findings) == 0 && s.Skipped >= r.Components && r.Components > 0 {
		u.note("none of %d components could be looked up", r.Components)
		return errUndecided
	}
	return nil
}
