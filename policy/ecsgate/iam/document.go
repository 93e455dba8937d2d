package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A Kind is what a document is to AWS, and with that how long it may be.
type Kind string

const (
	ServiceControl Kind = "service control policy" // up to 5,120 characters, white space counted
	Boundary       Kind = "permissions boundary"   // a managed policy, up to 6,144 characters, white space not counted
	Identity       Kind = "identity policy"        // a managed policy, up to 6,144 characters, white space not counted
	Trust          Kind = "trust policy"           // up to 2,048 characters, white space not counted
)

// limit is how long a document of a kind may be: "IAM and AWS STS quotas" and "Quotas and service limits for AWS Organizations".
func (k Kind) limit() int {
	switch k {
	case ServiceControl:
		return 5120
	case Trust:
		return 2048
	}
	return 6144
}

// ErrTooLong says that a document is longer than AWS takes.
var ErrTooLong = errors.New("longer than AWS takes")

// A Document is one policy document.
type Document struct {
	Name       string // scp-1, boundary, deployer, registrar, trust
	Kind       Kind
	Statements []Statement
}

// A Statement is one statement of a document. Its condition is operators, keys and values.
type Statement struct {
	Sid         string
	Why         string // one sentence; it is not part of the document, which has no room for it
	Effect      string // Allow or Deny
	Principal   map[string]string
	Action      []string
	NotAction   []string
	Resource    []string
	NotResource []string
	Condition   map[string]map[string][]string
}

// Size is the number of characters that AWS counts.
func (d *Document) Size() int {
	if d.Kind == ServiceControl {
		return len(d.JSON())
	}
	return len(bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, d.JSON()))
}

func (d *Document) checkSize() error {
	if n := d.Size(); n > d.Kind.limit() {
		hint := ""
		if d.Kind == Boundary {
			hint = "; or leave Account empty, for service control policies alone"
		}
		return fmt.Errorf("iam: %s: %w: %d characters, and a %s has up to %d; name fewer clusters and roles, or use * in the "+
			"clusters' names%s",
			d.Name, ErrTooLong, n, d.Kind, d.Kind.limit(), hint)
	}
	return nil
}

// JSON returns the document, a statement a line, the same bytes each time.
func (d *Document) JSON() []byte {
	var b bytes.Buffer
	b.WriteString("{\"Version\":\"2012-10-17\",\"Statement\":[\n")
	for i, s := range d.Statements {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.Write(s.json())
	}
	b.WriteString("\n]}\n")
	return b.Bytes()
}

// json writes a statement; a list of one is written as its element.
func (s *Statement) json() []byte {
	condition := make(map[string]map[string]any, len(s.Condition))
	for op, tests := range s.Condition {
		condition[op] = make(map[string]any, len(tests))
		for key, values := range tests {
			condition[op][key] = short(values)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Sid         string                    `json:",omitempty"`
		Effect      string                    `json:",omitempty"`
		Principal   map[string]string         `json:",omitempty"`
		Action      any                       `json:",omitempty"`
		NotAction   any                       `json:",omitempty"`
		Resource    any                       `json:",omitempty"`
		NotResource any                       `json:",omitempty"`
		Condition   map[string]map[string]any `json:",omitempty"`
	}{s.Sid, s.Effect, s.Principal, short(s.Action), short(s.NotAction), short(s.Resource), short(s.NotResource), condition})
	if err != nil {
		panic(err) // strings alone cannot fail
	}
	return bytes.TrimSpace(b.Bytes())
}

func short(values []string) any {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	}
	return values
}

// Explain returns the statements' reasons, a line each.
func (d *Document) Explain() string {
	var b strings.Builder
	for _, s := range d.Statements {
		fmt.Fprintf(&b, "%s: %s\n", s.Sid, s.Why)
	}
	return b.String()
}

// Documents returns the documents of a guard, in the order of the package comment. Errors are an [ErrGuard] or an [ErrTooLong].
func (g *Guard) Documents() ([]Document, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	g = g.withDefaults()
	denials := g.denials()
	documents, err := pack(denials)
	if err != nil {
		return nil, err
	}
	if g.Account != everyAccount {
		documents = append(documents,
			Document{"boundary", Boundary, append(append([]Statement{everything}, denials...), g.keepBoundary()...)})
	}
	documents = append(documents,
		Document{"deployer", Identity, g.deployer()},
		Document{"registrar", Identity, g.registrar()},
		Document{"trust", Trust, []Statement{{
			Sid: "Lambda", Effect: "Allow", Principal: map[string]string{"Service": "lambda.amazonaws.com"},
			Action: []string{"sts:AssumeRole"},
			Why:    "The registrar is a Lambda function, and nobody else acts as its role.",
		}}})
	for _, d := range documents {
		if err := d.checkSize(); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// pack puts denials into as few service control policies as they fit in. Denials add up, so that it does not matter which one is where.
func pack(denials []Statement) ([]Document, error) {
	var out []Document
	for _, s := range denials {
		if n := len(out); n > 0 {
			longer := Document{out[n-1].Name, ServiceControl,
				append(out[n-1].Statements[:len(out[n-1].Statements):len(out[n-1].Statements)], s)}
			if longer.checkSize() == nil {
				out[n-1] = longer
				continue
			}
		}
		next := Document{fmt.Sprintf("scp-%d", len(out)+1), ServiceControl, []Statement{s}}
		if err := next.checkSize(); err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	if len(out) > maxAttached {
		return nil, fmt.Errorf("iam: %w: %d service control policies, and %d can be attached beside FullAWSAccess", ErrTooLong, len(out),
			maxAttached)
	}
	return out, nil
}

// maxAttached is how many service control policies an organizational unit takes beside FullAWSAccess: "Quotas and service limits for AWS
// Organizations".
const maxAttached = 4
