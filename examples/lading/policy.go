package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/cel"
	"github.com/ladingdev/lading/policy/document/importer"
	"github.com/ladingdev/lading/verify"
)

func (a *app) policy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Test, lint, compare, explain and import policy documents",
		Args:  cobra.NoArgs, // with RunE: otherwise cobra answers a verb that there is not with help, and status 0
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.policyTest(), a.policyLint(), a.policyDiff(), a.policyExplain(), a.policyImport())
	return cmd
}

// tested is what JSON says of one policy test.
type tested struct {
	Name  string `json:"name"`
	Line  int    `json:"line"`
	Error string `json:"error,omitempty"`
}

func (a *app) policyTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE",
		Short: "Run the tests of a policy; each rule must fail one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := a.ui.read(args[0])
			if err != nil {
				return err
			}
			tests, err := document.ParseTests(data)
			if err != nil {
				return unfit(args[0], err, document.ErrDocument)
			}
			dir := filepath.Dir(args[0])
			doc, err := a.parse(filepath.Join(dir, filepath.FromSlash(tests.Policy())))
			if err != nil {
				return err
			}
			results, coverage, err := tests.Run(cmd.Context(), doc, new(cel.Compiler), os.DirFS(dir))
			if err != nil {
				return err
			}
			return a.tested(args[0], results, coverage)
		},
	}
}

func (a *app) tested(file string, results []document.TestResult, coverage []document.Coverage) error {
	var all []tested
	var wrong []string
	for _, r := range results {
		one := tested{Name: r.Name, Line: r.Line}
		if r.Err != nil {
			one.Error = r.Err.Error()
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s: %v", file, r.Line, r.Name, r.Err))
		}
		all = append(all, one)
	}
	for _, c := range coverage {
		if c.Decisive == 0 && c.Rule != "" {
			wrong = append(wrong, fmt.Sprintf("no test fails by rule %q (%s)", c.Rule, c.Path))
		}
	}
	answer := struct {
		Tests []tested `json:"tests"`
		Wrong []string `json:"wrong,omitempty"`
	}{all, wrong}
	if err := a.ui.answer(answer, func(w io.Writer) {
		for _, line := range wrong {
			fmt.Fprintln(w, line)
		}
		fmt.Fprintf(w, "%d tests, %d wrong\n", len(results), len(wrong))
	}); err != nil || len(wrong) == 0 {
		return err
	}
	return errDenied
}

// linted is what JSON says of a finding.
type linted struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (a *app) policyLint() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE",
		Short: "Find what a policy says and likely does not mean",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			doc, err := a.parse(args[0])
			if err != nil {
				return err
			}
			if _, err := doc.Load(&document.Options{Unbound: true}); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			findings := doc.Lint()
			all := []linted{}
			for _, f := range findings {
				all = append(all, linted(f))
			}
			if err := a.ui.answer(all, func(w io.Writer) {
				for _, f := range findings {
					fmt.Fprintf(w, "%s:%v\n", args[0], f)
				}
				fmt.Fprintf(w, "%d findings\n", len(findings))
			}); err != nil || len(findings) == 0 {
				return err
			}
			return errDenied
		},
	}
}

// changed is what JSON says of a decision that two policies make differently.
type changed struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Old     string `json:"old"`
	New     string `json:"new"`
	Reason  string `json:"reason"`
}

func (a *app) policyDiff() *cobra.Command {
	var records string
	cmd := &cobra.Command{
		Use:   "diff [OLD] NEW --records FILE",
		Short: "Say who would be refused, over recorded decisions",
		Long: `Replays recorded decisions (check --record, or the log of a gate) under two
policies and says which come out differently. Without OLD the recorded verdict
is compared with. A replayed decision opens no door.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var old policy.Policy
			if len(args) == 2 {
				p, err := a.load(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				old = p
			}
			now, err := a.load(cmd.Context(), args[len(args)-1])
			if err != nil {
				return err
			}
			f, err := os.Open(records)
			if err != nil {
				return named(records, err)
			}
			defer f.Close()
			return a.compare(cmd.Context(), old, now, f)
		},
	}
	cmd.Flags().StringVar(&records, "records", "", "file of records, JSON Lines")
	_ = cmd.MarkFlagRequired("records") // the flag is there
	return cmd
}

func (a *app) compare(ctx context.Context, old, now policy.Policy, records io.Reader) error {
	all := []changed{}
	var texts []string
	for c, err := range policy.Diff(ctx, old, now, policy.ReadRecords(records), time.Time{}) {
		if err != nil {
			return err
		}
		all = append(all, changed{c.New.Name, c.New.Subject.Digest.String(), c.Old.Verdict.String(), c.New.Verdict.String(), c.New.Reason})
		texts = append(texts, c.String())
		a.ui.progress("%d differ", len(all))
	}
	if err := a.ui.answer(all, func(w io.Writer) {
		for _, t := range texts {
			fmt.Fprintln(w, t)
		}
		fmt.Fprintf(w, "%d decisions differ\n", len(all))
	}); err != nil || len(all) == 0 {
		return err
	}
	return errDenied
}

func (a *app) policyExplain() *cobra.Command {
	var file, door, as string
	var offline bool
	cmd := &cobra.Command{
		Use:   "explain IMAGE",
		Short: "Say rule by rule why an image is allowed or not",
		Long: `Says of each rule that applies to an image what it asks for, what came of it and
what is missing. With --offline nobody is asked: it says what the policy wants
of an image of this name. It answers a question, so its exit status is 0 when
the image is denied, too: that of check is the verdict.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !offline {
				decisions, err := a.decide(cmd.Context(), asked{file: file, door: door, as: as}, args)
				if err != nil {
					return err
				}
				return a.ui.answer(decisions[0], func(w io.Writer) { explain(w, decisions[0]) })
			}
			p, err := a.outlined(file)
			if err != nil {
				return err
			}
			nothing := &policy.Input{Name: cmp.Or(as, args[0]), Report: new(verify.Report), Now: time.Now()}
			d := policy.Decide(cmd.Context(), p.At(door), nothing)
			return a.ui.answer(d, func(w io.Writer) { outline(w, d) })
		},
	}
	cmd.Flags().StringVarP(&file, "policy", "p", "policy.yaml", "policy document")
	cmd.Flags().StringVar(&door, "gate", "", "door that asks, by its name in the document")
	cmd.Flags().StringVar(&as, "as", "", "name that the image will have, if it is in a layout or goes elsewhere")
	cmd.Flags().BoolVar(&offline, "offline", false, "ask no registry: what the policy wants of an image of this name")
	return cmd
}

// outlined loads a policy to look at it: its kinds of trust need nothing, and prove nothing.
func (a *app) outlined(file string) (*document.Policy, error) {
	doc, err := a.parse(file)
	if err != nil {
		return nil, err
	}
	trust := make(map[string]document.TrustFunc)
	for _, kind := range doc.Kinds() {
		trust[kind] = func(*document.Trust) (verify.Verifier, error) { return nobody{}, nil }
	}
	p, err := doc.Load(&document.Options{Trust: trust, Conditions: new(cel.Compiler)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}

// outline lists what is asked for, each rule below the one that it is part of.
func outline(w io.Writer, d *policy.Decision) {
	for depth, x := range d.All() {
		name := x.Rule
		if x.RuleName != "" {
			name = x.RuleName + ": " + strings.TrimPrefix(x.Rule, x.RuleName+": ")
		}
		fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", depth), clip(name, 78-2*depth))
	}
}

// explain lists every rule with its verdict, what it looked at, and what is missing.
func explain(w io.Writer, d *policy.Decision) {
	for depth, x := range d.All() {
		indent := strings.Repeat("  ", depth)
		wrapped(w, fmt.Sprintf("%s%-5v ", indent, x.Verdict), x.Rule)
		if x.Verdict != policy.Allow && len(x.Parts) == 0 {
			wrapped(w, indent+"      ", x.Reason)
		}
		for _, m := range x.Missing {
			if len(x.Parts) == 0 {
				wrapped(w, indent+"      ", "missing: "+m)
			}
		}
	}
	if !d.Until.IsZero() && !d.Until.Equal(policy.Forever) {
		fmt.Fprintf(w, "holds until %s\n", d.Until.UTC().Format(time.RFC3339))
	}
}

func (a *app) policyImport() *cobra.Command {
	formats := map[string]func([]byte) (*importer.Result, error){
		"notation": importer.Notation, "policy-controller": importer.ClusterImagePolicy,
		"containers": importer.ContainersPolicy, "kyverno": importer.ImageValidatingPolicy,
	}
	var from string
	cmd := &cobra.Command{
		Use:   "import FILE --from TOOL",
		Short: "Make a policy document of another tool's policy",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			read := formats[from]
			if read == nil {
				return misuse("--from %q: want notation, policy-controller, containers or kyverno", from)
			}
			data, err := a.ui.read(args[0])
			if err != nil {
				return err
			}
			result, err := read(bytes.TrimPrefix(data, []byte("\ufeff")))
			if err != nil {
				return unfit(args[0], err, importer.ErrFormat)
			}
			for _, l := range result.Left {
				a.ui.note("%s:%v", args[0], l)
			}
			return a.ui.write("-", result.Document)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "whose policy it is: notation, policy-controller, containers or kyverno")
	_ = cmd.MarkFlagRequired("from") // the flag is there
	return cmd
}
