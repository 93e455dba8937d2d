package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// verified is what JSON says of one image.
type verified struct {
	Subject  string           `json:"subject"`
	Platform string           `json:"platform,omitempty"`
	Decision *policy.Decision `json:"decision"`
	Proven   []proven         `json:"proven"`
	Rejected []string         `json:"rejected,omitempty"`
}

// proven is what JSON says of an attestation.
type proven struct {
	Kind          verify.Kind       `json:"kind"`
	Subject       content           `json:"subject"`
	Name          string            `json:"name,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
	PredicateType string            `json:"predicateType,omitempty"`
	Predicate     json.RawMessage   `json:"predicate,omitempty"`
	Signers       []verify.Signer   `json:"signers"`
	Evidence      content           `json:"evidence"`
	Checks        []checked         `json:"checks"`
	line          string            // for people
}

// content is a descriptor without what is not known.
type content struct {
	Digest       digest.Digest     `json:"digest"`
	MediaType    string            `json:"mediaType,omitempty"`
	Size         int64             `json:"size,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type checked struct {
	Name   string `json:"name"`
	Status string `json:"status"` // "passed" or "not checked"
	Reason string `json:"reason,omitempty"`
}

func contentOf(d registry.Descriptor) content {
	return content{d.Digest, d.MediaType, d.Size, d.ArtifactType, d.Annotations}
}

func provenOf(x *verify.Attestation) proven {
	p := proven{Kind: x.Kind, Subject: contentOf(x.Subject), Name: x.Name, Annotations: x.Annotations, PredicateType: x.PredicateType,
		Predicate: x.Predicate, Signers: x.Signers, Evidence: contentOf(x.Evidence), Checks: []checked{}, line: x.String()}
	for _, c := range x.Checks {
		p.Checks = append(p.Checks, checked{c.Name, c.Status.String(), c.Reason})
	}
	return p
}

func (a *app) verify() *cobra.Command {
	var trust trustFlags
	var types []string
	var each bool
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Prove who signed an image and what was said of it",
		Long: `Proves what is attached to an image: signatures and statements of cosign, of
notation, of AWS Signer and of Lading. Without --type it asks for a signature of
the image, with it for a statement of one of these types.`,
		Example: `  lading verify registry.example.com/shop/app:v1 --key cosign.pub
  lading verify IMAGE --type https://cyclonedx.org/bom \
    --certificate-identity ci@acme.iam.gserviceaccount.com \
    --certificate-oidc-issuer https://accounts.google.com`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			place, err := a.reach.open(ctx, args[0])
			if err != nil {
				return err
			}
			verifiers, err := trust.verifiers(ctx, a.ui, place)
			if err != nil {
				return err
			}
			ask := policy.Require{Kind: verify.ImageSignature}
			if len(types) > 0 {
				ask = policy.Require{Kind: verify.Statement, PredicateTypes: types}
			}
			if err := ask.Validate(); err != nil {
				return misuse("%v", err)
			}
			return a.verifyAll(ctx, place, place.subjects(each), verifiers, ask)
		},
	}
	trust.add(cmd, "key")
	cmd.Flags().StringSliceVar(&types, "type", nil, "ask for a statement of this predicate type, a URI; may be repeated")
	cmd.Flags().BoolVar(&each, "each", false, "of an index: the images of its platforms, too")
	return cmd
}

func (a *app) verifyAll(ctx context.Context, p *place, subjects []registry.Descriptor, verifiers []verify.Verifier,
	ask policy.Policy) error {
	var all []verified
	worst := policy.Allow
	for i, subject := range subjects {
		a.ui.progress("verifying %d of %d", i+1, len(subjects))
		var report *verify.Report
		gate := &policy.Gate{Verifiers: verifiers, Policy: policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
			report = in.Report
			return ask.Decide(ctx, in)
		})}
		gate.Open = func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: p.repo}, nil
		}
		one := verified{Subject: subject.Digest.String(), Platform: platformOf(subject), Decision: gate.Check(ctx, p.name),
			Proven: []proven{}}
		if report != nil {
			for _, x := range report.Attestations {
				one.Proven = append(one.Proven, provenOf(x))
			}
			for _, r := range report.Rejected {
				one.Rejected = append(one.Rejected, r.Error())
			}
		}
		all = append(all, one)
		worst = worse(worst, one.Decision.Verdict)
	}
	if err := a.ui.answer(all, func(w io.Writer) {
		printVerified(w, all)
		if n := len(p.children); n > 0 && len(all) == 1 {
			fmt.Fprintf(w, "That is the index alone: --each asks the same of each of its %d images.\n", n)
		}
	}); err != nil {
		return err
	}
	return statusOf(worst)
}

// worse is the verdict over both: whoever cannot tell does not know that it is denied, and a denial is one all the same.
func worse(x, y policy.Verdict) policy.Verdict {
	for _, v := range []policy.Verdict{policy.Deny, policy.Indeterminate} {
		if x == v || y == v {
			return v
		}
	}
	return policy.Allow
}

func statusOf(v policy.Verdict) error {
	switch v {
	case policy.Allow:
		return nil
	case policy.Deny:
		return errDenied
	}
	return errUndecided
}

func printVerified(w io.Writer, all []verified) {
	for _, v := range all {
		separator := "  "
		if v.Decision.Verdict == policy.Indeterminate { // with the digest that is wider than 80 columns
			separator = "\n  "
		}
		fmt.Fprintf(w, "%v%s%s\n", v.Decision.Verdict, separator, v.Subject)
		if v.Platform != "" {
			fmt.Fprintf(w, "  platform    %s\n", v.Platform)
		}
		if v.Decision.Verdict != policy.Allow {
			wrapped(w, "  ", v.Decision.Reason)
		}
		for _, x := range v.Proven {
			wrapped(w, "  proven      ", x.line)
		}
		for _, r := range v.Rejected {
			wrapped(w, "  not counted ", r)
		}
	}
}

// attached is what JSON says of what is attached to an image.
type attached struct {
	Image     registry.Descriptor   `json:"image"`
	Children  []registry.Descriptor `json:"children,omitempty"`
	Referrers []registry.Descriptor `json:"referrers"`
}

func (a *app) tree() *cobra.Command {
	var each bool
	cmd := &cobra.Command{
		Use:   "tree IMAGE",
		Short: "Draw what is attached to an image; nothing is verified",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.reach.open(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !a.ui.json() {
				return a.draw(cmd.Context(), p, p.subjects(each))
			}
			var all []attached
			for _, subject := range p.subjects(each) {
				one := attached{Image: subject, Referrers: []registry.Descriptor{}}
				if subject.Digest == p.image.Digest {
					one.Children = p.children
				}
				for d, err := range p.repo.Referrers(cmd.Context(), subject) {
					if err != nil {
						return err
					}
					one.Referrers = append(one.Referrers, d)
				}
				all = append(all, one)
			}
			if each {
				return a.ui.answer(all, nil)
			}
			return a.ui.answer(all[0], nil)
		},
	}
	cmd.Flags().BoolVar(&each, "each", false, "of an index: the images of its platforms, too; with -o json, a list")
	return cmd
}

// draw draws the tree of each subject.
func (a *app) draw(ctx context.Context, p *place, subjects []registry.Descriptor) error {
	var texts strings.Builder
	for _, subject := range subjects {
		text, err := p.repo.Tree(ctx, subject)
		if err != nil {
			return err
		}
		if platform := platformOf(subject); platform != "" {
			texts.WriteString(platform + "\n")
		}
		for line := range strings.Lines(text) {
			texts.WriteString(narrow(strings.TrimRight(line, "\n")) + "\n")
		}
		if !strings.Contains(strings.TrimSpace(text), "\n") {
			texts.WriteString("    nothing is attached\n")
		}
	}
	if n := len(p.children); n > 0 && len(subjects) == 1 {
		fmt.Fprintf(&texts, "It is an index of %d images: --each draws what is attached to each.\n", n)
	}
	return a.ui.answer(nil, func(w io.Writer) { io.WriteString(w, texts.String()) })
}

// narrow breaks a line of a tree that is wider than 80 columns before its last part, and goes on below it.
func narrow(line string) string {
	at, last := strings.Index(line, "sha256:"), strings.LastIndex(line, "  ")
	if len([]rune(line)) <= 80 || at < 0 || last <= at {
		return line
	}
	below := strings.NewReplacer("├── ", "│   ", "└── ", "    ").Replace(line[:at])
	return line[:last] + "\n" + below + strings.Repeat(" ", len("sha256:0123456789ab  ")) + line[last+2:]
}

// copied is what JSON says of a copy.
type copied struct {
	Digest  string `json:"digest"`
	Done    int    `json:"done"`    // manifests and blobs
	Present int    `json:"present"` // of these, those that were there already
	Bytes   int64  `json:"bytes"`   // of those that were not
	DryRun  bool   `json:"dryRun,omitempty"`
}

func (a *app) copy() *cobra.Command {
	opts := new(registry.CopyOptions)
	var platforms []string
	cmd := &cobra.Command{
		Use:   "copy IMAGE TO",
		Short: "Copy an image with its evidence to another repository or a layout",
		Example: `  lading copy registry.example.com/shop/app:v1 mirror.example.com/shop/app:v1
  lading copy registry.example.com/shop/app:v1 layout:out:v1`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, text := range platforms {
				p, err := parsePlatform(text)
				if err != nil {
					return err
				}
				opts.Platforms = append(opts.Platforms, p)
			}
			return a.copyImage(cmd.Context(), args[0], args[1], opts)
		},
	}
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "look what there is to copy, and write nothing")
	cmd.Flags().BoolVar(&opts.WithoutEvidence, "without-evidence", false, "leave signatures and statements behind")
	cmd.Flags().StringSliceVar(&platforms, "platform", nil, "of an index: these platforms alone")
	return cmd
}

func (a *app) copyImage(ctx context.Context, from, to string, o *registry.CopyOptions) error {
	src, err := a.reach.open(ctx, from)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(to, layoutPrefix) { // one that is not there yet is made
		if err := a.reach.meant(to); err != nil {
			return err
		}
	}
	dst, _, err := a.reach.repository(to)
	if err != nil {
		return err
	}
	tag := tagOf(to)
	if tag == "" && !strings.Contains(to, "@") {
		tag = cmp.Or(tagOf(from), "latest") // which a name without a tag reads
	}
	done := copied{DryRun: o.DryRun}
	o.Progress = func(p registry.CopyProgress) {
		done.Done = p.Count
		switch p.Action {
		case registry.CopyLeft:
			a.ui.note("left: %s: %v", p.Digest, p.Reason)
			return
		case registry.CopyPresent:
			done.Present++
		case registry.CopySent, registry.CopyMounted:
			done.Bytes += p.Size
		}
		a.ui.progress("%d of %d, %.1f of %.1f MB", p.Count, p.Total, mb(p.Bytes), mb(p.TotalBytes))
	}
	image, err := registry.Copy(ctx, dst, src.repo, src.image.Digest.String(), o)
	if err != nil {
		return err
	}
	if tag != "" && !o.DryRun {
		if err := dst.Tag(ctx, image, tag); err != nil {
			return err
		}
	}
	done.Digest = image.Digest.String()
	return a.ui.answer(done, func(w io.Writer) {
		verb := "copied"
		if o.DryRun {
			verb = "would copy"
		}
		fmt.Fprintf(w, "%s\n%s %d manifests and blobs, %.1f MB, to %s\n", done.Digest, verb, done.Done-done.Present, mb(done.Bytes), to)
		if done.Present > 0 {
			fmt.Fprintf(w, "%d were there already\n", done.Present) // manifests are written again, so that they are listed
		}
	})
}

func (a *app) prune() *cobra.Command {
	var trust trustFlags
	opts := new(registry.PruneOptions)
	cmd := &cobra.Command{
		Use:   "prune IMAGE",
		Short: "Remove what the same proven signer has said anew",
		Long: `Removes statements and signatures of which the same proven signer has attached a
newer one, of the same type, about the same image. Nobody else's is touched.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			p, err := a.reach.open(ctx, args[0])
			if err != nil {
				return err
			}
			verifiers, err := trust.verifiers(ctx, a.ui, p)
			if err != nil {
				return err
			}
			report := verify.Collect(ctx, p.image, p.repo, verifiers...)
			if len(report.Incomplete) > 0 {
				return fmt.Errorf("what is attached could not all be looked at, so nothing is removed: %w",
					errors.Join(report.Incomplete...))
			}
			removed, err := p.repo.Prune(ctx, p.image, opts, report.Superseded()...)
			if err != nil {
				return err
			}
			if removed == nil {
				removed = []registry.Descriptor{}
			}
			return a.ui.answer(removed, func(w io.Writer) {
				verb := "removed"
				if opts.DryRun {
					verb = "would remove"
				}
				for _, d := range removed {
					fmt.Fprintf(w, "%s %s\n", verb, d.Digest)
				}
				if len(removed) == 0 {
					fmt.Fprintln(w, "nothing is superseded")
				}
			})
		},
	}
	trust.add(cmd, "key")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "say what would be removed, and leave it")
	return cmd
}
