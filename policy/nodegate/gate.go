package nodegate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// What a Gate ends with. containerd blocks the pull for everything but zero.
const (
	ExitAllowed   = 0
	ExitRefused   = 1
	ExitUndecided = 2
)

const (
	// DefaultTimeout is below the ten seconds after which containerd kills a verifier, and with it the reason.
	DefaultTimeout = 8 * time.Second
	maxLine        = 1 << 10 // of what is printed, in bytes, with the newline
	maxStdin       = 1 << 20
)

// ErrCall is beside a call that is not as containerd makes them.
var ErrCall = errors.New("not a call of an image verifier")

// A Call is what containerd says about a pull.
type Call struct {
	// Name is the image as it is pulled. Its tag, if it has one, may point elsewhere by now, or on another host.
	Name string
	// Digest is what will be pulled: of an index, that of the index.
	Digest digest.Digest
	// Descriptor is what containerd resolved, if it was given.
	Descriptor *ocispec.Descriptor
}

// ParseCall reads the arguments of a verifier, without its name, and its standard input: -name, -digest, -stdin-media-type, and a
// descriptor of at most 1 MiB if the media type says so. Each is given once. Errors wrap ErrCall.
func ParseCall(args []string, stdin io.Reader) (*Call, error) {
	values := map[string]*string{"-name": nil, "-digest": nil, "-stdin-media-type": nil}
	for i := 0; i < len(args); i += 2 {
		flag := "-" + strings.TrimLeft(args[i], "-")
		value, known := values[flag]
		switch {
		case !known:
			return nil, fmt.Errorf("%w: unknown argument %s: containerd gives -name, -digest and -stdin-media-type", ErrCall,
				gate.Quote(args[i]))
		case value != nil:
			return nil, fmt.Errorf("%w: %s is given twice", ErrCall, flag)
		case i+1 == len(args):
			return nil, fmt.Errorf("%w: %s has no value", ErrCall, flag)
		}
		values[flag] = &args[i+1]
	}
	if values["-name"] == nil || values["-digest"] == nil {
		return nil, fmt.Errorf("%w: -name and -digest are needed", ErrCall)
	}
	c := &Call{Name: *values["-name"], Digest: digest.Digest(*values["-digest"])}
	if err := c.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("%w: digest %s: %w", ErrCall, gate.Quote(string(c.Digest)), err)
	}
	if t := values["-stdin-media-type"]; t == nil || *t != ocispec.MediaTypeDescriptor || stdin == nil {
		return c, nil // whatever it is, it is not needed
	}
	data, err := io.ReadAll(io.LimitReader(stdin, maxStdin+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: standard input: %w", ErrCall, err)
	case len(data) > maxStdin:
		return nil, fmt.Errorf("%w: standard input has more than %d bytes", ErrCall, maxStdin)
	}
	var d ocispec.Descriptor
	if err := strictjson.Check(data, strictjson.Limits{}); err != nil {
		return nil, fmt.Errorf("%w: standard input: %w", ErrCall, err)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%w: standard input: %w", ErrCall, err)
	}
	if d.Digest != c.Digest {
		return nil, fmt.Errorf("%w: the descriptor has digest %s and -digest says %s", ErrCall, gate.Quote(string(d.Digest)), c.Digest)
	}
	c.Descriptor = &d
	return c, nil
}

// Reference returns what is judged: the repository of the name and the digest, without the tag.
func (c *Call) Reference(plainHTTP bool) (gate.Reference, error) {
	r, err := gate.ParseReference(c.Name, plainHTTP)
	if err != nil {
		return gate.Reference{}, err
	}
	return gate.Reference{Repository: r.Repository, Digest: c.Digest}, nil
}

// A Gate answers containerd. Its fields are set before first use.
type Gate struct {
	// Checker decides. Nil refuses everything.
	Checker *gate.Checker
	// Timeout is how long an answer may take; zero means DefaultTimeout. It must be below per_verifier_timeout in containerd's
	// configuration, for a verifier that is killed loses its reason.
	Timeout time.Duration
	// PlainHTTP is that of registry.Options: names are spelled by it.
	PlainHTTP bool
}

// Check answers one call.
func (g *Gate) Check(ctx context.Context, c *Call) (*gate.Answer, error) {
	r, err := c.Reference(g.PlainHTTP)
	if err != nil {
		return nil, err
	}
	if g == nil || g.Checker == nil {
		return nil, errors.New("the gate has no Checker")
	}
	timeout := g.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return g.Checker.Check(ctx,
		&gate.Question{Name: r.Pinned(), Request: &policy.Request{Gate: "node", Operation: "pull"}, Subject: c.Descriptor}), nil
}

// Run is the whole of a program that containerd runs: it reads the call from the arguments without the program's name, prints one line, and
// returns the status to end with. It starts nothing that would outlive the process, since a child that holds standard output blocks the
// pull even after status 0. End the process when it returns.
func (g *Gate) Run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) (status int) {
	defer func() {
		if v := recover(); v != nil {
			status = ExitUndecided
			say(stdout, "lading could not decide: it failed: "+fmt.Sprint(v))
		}
	}()
	call, err := ParseCall(args, stdin)
	if err != nil {
		say(stdout, "lading could not decide: "+err.Error())
		return ExitUndecided
	}
	a, err := g.Check(ctx, call)
	switch {
	case errors.Is(err, gate.ErrName):
		say(stdout, "lading refused: "+err.Error())
		return ExitRefused
	case err != nil:
		say(stdout, "lading could not decide: "+err.Error())
		return ExitUndecided
	}
	line, status := verdict(a)
	say(stdout, line)
	return status
}

// verdict says an answer. What is not allowed is a refusal if somebody decided so, and an outage else.
func verdict(a *gate.Answer) (string, int) {
	switch {
	case a.Allowed:
		if lines := a.Warnings(); len(lines) > 0 {
			return "lading allowed: " + strings.Join(lines, "; "), ExitAllowed
		}
		return "lading allowed: " + a.Reason, ExitAllowed
	case a.Decision.Verdict == policy.Deny, errors.Is(a.Decision.Err(), gate.ErrNotFound): // a mirror's own image, or one that is deleted
		return "lading refused: " + a.Reason, ExitRefused
	}
	return "lading could not decide: " + a.Reason, ExitUndecided
}

// say prints a line of at most maxLine bytes.
func say(w io.Writer, text string) {
	text = oneline.Of(strings.ToValidUTF8(text, "\uFFFD"))
	const more = "..."
	if most := maxLine - 1; len(text) > most {
		cut := most - len(more)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + more
	}
	_, _ = io.WriteString(w, text+"\n") // nobody is left to be told
}
