package vuln

import (
	"fmt"
	"strings"
)

// A Severity is how bad a vulnerability is, in the words that all sources share. Zero is Unknown.
type Severity uint8

// The severities, in order but for Unknown, which is not below anything: nobody has said.
const (
	Unknown Severity = iota
	None
	Info // also "negligible" and "unimportant"
	Low
	Medium
	High
	Critical
)

var severities = [...]string{"unknown", "none", "info", "low", "medium", "high", "critical"}

// String returns the severity in lower case.
func (s Severity) String() string {
	if int(s) < len(severities) {
		return severities[s]
	}
	return severities[Unknown]
}

// MarshalText writes what String returns.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity as ParseSeverity does; a word that is none is an error.
func (s *Severity) UnmarshalText(text []byte) error {
	got, ok := ParseSeverity(string(text))
	if !ok {
		return fmt.Errorf("vuln: severity %q is not known", text)
	}
	*s = got
	return nil
}

// ParseSeverity reads the word of any scanner or distribution, in any case, such as "Negligible", "IMPORTANT" or "moderate".
func ParseSeverity(word string) (s Severity, ok bool) {
	switch strings.ToLower(word) {
	case "critical":
		return Critical, true
	case "high", "important":
		return High, true
	case "medium", "moderate":
		return Medium, true
	case "low", "minor":
		return Low, true
	case "info", "informational", "negligible", "unimportant", "note":
		return Info, true
	case "none":
		return None, true
	case "", "unknown", "untriaged", "unassigned", "other", "pending", "undefined":
		return Unknown, true
	}
	return Unknown, false
}

// A Rating is how bad one source thinks a vulnerability is.
type Rating struct {
	Source   string   `json:"source,omitempty"` // such as "NVD" or "Ubuntu Linux"
	Severity Severity `json:"severity"`
	Method   string   `json:"method,omitempty"` // CVSSv2, CVSSv3, CVSSv31, CVSSv4 or other, as in CycloneDX
	Vector   string   `json:"vector,omitempty"` // as the source wrote it
	Score    float64  `json:"score,omitempty"`  // 0 to 10, if Scored
	Scored   bool     `json:"scored,omitempty"` // Score was given, or follows from Vector
}
