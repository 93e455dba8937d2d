// Package iamjudge decides requests by AWS policy documents, for tests: would a principal with these policies be allowed to make this
// call?
//
// It follows the IAM User Guide: "Policy evaluation logic", "IAM JSON policy elements" (Condition operators, Single-valued vs.
// multivalued context keys, variables) and the AWS Organizations User Guide, "SCP evaluation". What it does not know, such as an operator
// for dates or a condition key with several values under a plain operator, is an error and never an answer. Package iamtable decides the
// same in another way.
package iamjudge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A Document is a policy document.
type Document struct {
	statements []statement
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principals
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Condition    map[string]map[string]list
	hasAction    bool
	hasNotAction bool
}

// list is an element that may be one string or several; numbers and booleans count as their text.
type list []string

func (l *list) UnmarshalJSON(data []byte) error {
	var one any
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	values, ok := one.([]any)
	if !ok {
		values = []any{one}
	}
	*l = list{}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			*l = append(*l, v)
		case bool, float64:
			*l = append(*l, fmt.Sprint(v))
		default:
			return fmt.Errorf("iamjudge: %T where a text belongs", v)
		}
	}
	return nil
}

// principals is the Principal of a resource policy: everybody, or lists by kind (AWS, Service).
type principals struct {
	everybody bool
	byKind    map[string]list
}

func (p *principals) UnmarshalJSON(data []byte) error {
	if string(data) == `"*"` {
		p.everybody = true
		return nil
	}
	return json.Unmarshal(data, &p.byKind)
}

// Parse reads a document. Elements that it does not know, and statements that AWS would not take, are errors.
func Parse(data []byte) (*Document, error) {
	var doc struct {
		Version   string
		Id        string
		Statement []json.RawMessage
	}
	if err := strict(data, &doc); err != nil {
		return nil, err
	}
	if doc.Version != "2012-10-17" {
		return nil, fmt.Errorf("iamjudge: Version %q", doc.Version)
	}
	d := new(Document)
	for i, raw := range doc.Statement {
		var s statement
		if err := strict(raw, &s); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i, err)
		}
		s.hasAction, s.hasNotAction = s.Action != nil, s.NotAction != nil
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, fmt.Errorf("iamjudge: statement %d has the effect %q", i, s.Effect)
		case s.hasAction == s.hasNotAction:
			return nil, fmt.Errorf("iamjudge: statement %d needs either Action or NotAction", i)
		case s.Principal == nil && (s.Resource != nil) == (s.NotResource != nil):
			return nil, fmt.Errorf("iamjudge: statement %d needs either Resource or NotResource", i)
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// glob says whether a pattern with * and ? matches the whole text.
func glob(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return glob(pattern[1:], text) || text != "" && glob(pattern, text[1:])
	case text == "":
		return false
	case pattern[0] == literalMark: // the next byte stands for itself
		return len(pattern) > 1 && pattern[1] == text[0] && glob(pattern[2:], text[1:])
	case pattern[0] == '?' || pattern[0] == text[0]:
		return glob(pattern[1:], text[1:])
	}
	return false
}

// literalMark stands before a byte that a policy variable brought, so that it is no wildcard.
const literalMark = '\x00'

// arn says whether a pattern matches an ARN: its six parts are matched each for itself.
func arn(pattern, text string) bool {
	p, t := parts(pattern), strings.SplitN(text, ":", 6)
	if len(p) < 6 || len(t) < 6 {
		return false
	}
	for i := range p {
		if !glob(p[i], t[i]) {
			return false
		}
	}
	return true
}

// parts splits a pattern at its colons, but not at those that a variable brought.
func parts(pattern string) []string {
	var out []string
	start := 0
	for i := 0; i < len(pattern) && len(out) < 5; i++ {
		switch pattern[i] {
		case literalMark:
			i++
		case ':':
			out = append(out, pattern[start:i])
			start = i + 1
		}
	}
	return append(out, pattern[start:])
}
