package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// JUnit writes a test suite for each decision and in it a test case for each rule, as CI servers read them (there is no standard;
// it follows the schema of Jenkins' xUnit plugin). A rule that made the verdict is a failure if it denies and an error if it could
// not be decided. One that is not met and did not matter, because it only warns, does not apply or another one settled it, is
// skipped and says why. A suite whose decision is not Allow always has a failure or an error.
func JUnit(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	opts, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	all := junitSuites{Name: opts.title()}
	for _, d := range decisions {
		s := suite(opts, d)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(data)+"\n")
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	ClassName string       `xml:"classname,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitResult `xml:"failure"`
	Error     *junitResult `xml:"error"`
	Skipped   *junitResult `xml:"skipped"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func suite(o Options, d *policy.Decision) junitSuite {
	s := junitSuite{Name: xmlText(name(d)), Time: "0"}
	if !d.Time.IsZero() {
		s.Timestamp = d.Time.UTC().Format("2006-01-02T15:04:05")
	}
	s.Properties = append(s.Properties, junitProperty{"verdict", d.Verdict.String()})
	for _, f := range facts(d) {
		s.Properties = append(s.Properties, junitProperty{f.label, xmlText(f.text)})
	}
	found := make(map[*policy.Decision]finding)
	for _, f := range findings(d) {
		found[f.Decision] = f
	}
	seen := make(map[string]int)
	for _, rule := range d.All() {
		f, ok := found[rule]
		if len(parts(rule)) > 0 && !ok { // it stands for those below it
			continue
		}
		c := junitCase{Name: xmlText(asked(rule)), ClassName: s.Name, Time: "0"}
		if seen[c.Name]++; seen[c.Name] > 1 {
			c.Name += fmt.Sprintf(" (%d)", seen[c.Name])
		}
		result := &junitResult{Message: xmlText(reason(rule))}
		switch {
		case ok && f.state == "deny":
			c.Failure, s.Failures = result, s.Failures+1
		case ok && f.state == "indeterminate":
			c.Error, s.Errors = result, s.Errors+1
		case ok:
			result.Message = "warning: " + result.Message
			c.Skipped, s.Skipped = result, s.Skipped+1
		case rule.Verdict != policy.Allow:
			result.Message = "did not decide: " + result.Message
			c.Skipped, s.Skipped = result, s.Skipped+1
		}
		if ok {
			for _, line := range f.details(o) {
				result.Text += xmlText(line) + "\n"
			}
			result.Type = map[string]string{"deny": "DENY", "indeterminate": "INDETERMINATE"}[f.state]
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	return s
}

// xmlText is text without what XML 1.0 has not (section 2.2): encoding/xml would write U+FFFD for it.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\uFFFE' || r == '\uFFFF' {
			return ' '
		}
		return r
	}, clean(s))
}
