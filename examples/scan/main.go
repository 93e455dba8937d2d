// Scan finds the vulnerabilities of an image or of an SBOM, prints them, signs the report, and says by its exit status whether a
// pipeline may go on. It asks OSV's advisories, offline, or Amazon Inspector.
//
//	scan -build osv.index npm/all.zip Debian/all.zip     index dumps of OSV, once
//	scan -index osv.index image.tar                       an OCI layout, an archive of docker save, an SBOM, an image's name
//	scan -inspector image.tar                             the same with Amazon Inspector
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/osv"
)

const usage = `Usage: scan -build INDEX DUMP...
       scan -index INDEX | -inspector  [FLAGS] NAME

With -build, indexes dumps of OSV: zips such as npm/all.zip or Debian/all.zip of
https://osv-vulnerabilities.storage.googleapis.com, or a directory of them.

Else scans NAME: a file with an SBOM (CycloneDX or SPDX), an OCI layout, an
archive of one or of docker save, or the name of an image in a registry, with
docker's logins. It prints a table. With -key it also signs the report: about
the image, or about the SBOM's bytes if the input is an SBOM.

-index looks the components up here; nothing leaves this machine. -inspector
sends them to Amazon Inspector, with the credentials and the region that the AWS
command line uses.

Exit status: 0  nothing as bad as -fail was found
             1  something was, or something whose severity nobody knows
             2  there is no answer: an error, or no component could be looked up
             3  the command line is wrong

Flags:
`

const (
	passed = iota
	failed
	unanswered
	misused
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	build, index, sbom, json, key, out string
	inspector, attach, quiet           bool
	fail                               vuln.Severity
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("scan", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	o := options{fail: vuln.High}
	flags.StringVar(&o.build, "build", "", "write an index of OSV's dumps to this `file`")
	flags.StringVar(&o.index, "index", "", "index of OSV's dumps: a `file` that -build wrote")
	flags.BoolVar(&o.inspector, "inspector", false, "ask Amazon Inspector instead of an index")
	flags.TextVar(&o.fail, "fail", vuln.High, "`severity` that fails: low, medium, high, critical;\ninfo fails with anything")
	flags.StringVar(&o.sbom, "sbom", "", "write the SBOM of the image to this `file`")
	flags.StringVar(&o.json, "json", "", "write the report, an in-toto predicate vulns v0.2, to\nthis `file`")
	flags.StringVar(&o.key, "key", "", "sign the report with the private key (PEM) in this `file`.\n"+
		"The passphrase of an encrypted one comes from\nCOSIGN_PASSWORD")
	flags.StringVar(&o.out, "out", "", "write the signed report, a Sigstore bundle, to this\n`file`")
	flags.BoolVar(&o.attach, "attach", false, "attach the signed report to the image in its registry\nor layout")
	flags.BoolVar(&o.quiet, "quiet", false, "show no progress; there is none if stderr is no terminal")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return passed
	case err != nil:
		return misused
	}
	if wrong := o.check(flags.NArg()); wrong != "" {
		fmt.Fprintf(stderr, "scan: %s\nTry -h.\n", wrong)
		return misused
	}
	p := &progress{w: stderr, quiet: o.quiet || columns(stderr) == 0}
	var status int
	var err error
	if o.build != "" {
		err = o.buildIndex(ctx, p, flags.Args())
	} else {
		status, err = o.scan(ctx, p, flags.Arg(0), stdout)
	}
	p.done()
	if err != nil {
		fmt.Fprintf(stderr, "scan: %v\n", err)
		return unanswered
	}
	return status
}

// check returns what is wrong with the command line, or "".
func (o *options) check(args int) string {
	switch {
	case o.build != "" && (o.index != "" || o.inspector):
		return "-build does not go together with -index and -inspector"
	case o.index != "" && o.inspector:
		return "-index and -inspector do not go together"
	case o.build != "" && args == 0:
		return "name the dumps to index"
	case o.build != "":
		return ""
	case o.index == "" && !o.inspector:
		return "-index is missing, which -build makes; or give -inspector"
	case args != 1:
		return "name one image or SBOM"
	case o.key == "" && (o.out != "" || o.attach):
		return "-out and -attach need -key"
	case o.key != "" && o.out == "" && !o.attach:
		return "-key needs -out, -attach or both"
	}
	return ""
}

func (o *options) buildIndex(ctx context.Context, p *progress, dumps []string) error {
	count := func(records int) { p.show("%d records", records) }
	contents, err := osv.Build(ctx, o.build, &osv.BuildOptions{Progress: count}, dumps...)
	if err != nil {
		return err
	}
	p.say("%d records, %d withdrawn, %d without a package", contents.Records, contents.Withdrawn, contents.NoPackage)
	for _, text := range contents.Errors {
		p.say("not read: %s", text)
	}
	return nil
}

// A progress writes a line over and over, and what stays.
type progress struct {
	w     io.Writer
	quiet bool
	shown bool
	last  time.Time
}

func (p *progress) show(format string, args ...any) {
	if p.quiet || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = time.Now(), true
	fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
}

func (p *progress) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

func (p *progress) say(format string, args ...any) {
	p.done()
	fmt.Fprintf(p.w, format+"\n", args...)
}
