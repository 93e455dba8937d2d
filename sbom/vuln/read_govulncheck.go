package vuln

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// govulncheckMessages are the members of which each object in the stream of govulncheck -json has one
// (golang.org/x/vuln/internal/govulncheck of v1.9.0).
var govulncheckMessages = []string{"config", "progress", "SBOM", "osv", "finding"}

type govulncheckMessage struct {
	Config *struct {
		Name    string `json:"scanner_name"`
		Version string `json:"scanner_version"`
		DB      string `json:"db"`
		Changed string `json:"db_last_modified"`
		Level   string `json:"scan_level"`
	} `json:"config"`
	Progress *struct {
		Time string `json:"time"`
	} `json:"progress"`
	SBOM *struct {
		Modules []struct {
			Path string `json:"path"`
		} `json:"modules"`
		Roots []string `json:"roots"`
	} `json:"SBOM"`
	OSV     *osvRecord          `json:"osv"`
	Finding *govulncheckFinding `json:"finding"`
}

type govulncheckFinding struct {
	OSV   string `json:"osv"`
	Fixed string `json:"fixed_version"`
	Trace []struct {
		Module   string `json:"module"`
		Version  string `json:"version"`
		Package  string `json:"package"`
		Function string `json:"function"`
	} `json:"trace"`
}

// reach is how near the program comes to the vulnerable code.
func (f *govulncheckFinding) reach() int {
	switch t := f.Trace[0]; {
	case t.Function != "":
		return 3
	case t.Package != "":
		return 2
	}
	return 1
}

// A govulncheckScan is what a stream has said so far.
type govulncheckScan struct {
	b          *builder
	configured bool
	level      int // of the scan: 3 symbols, 2 packages, 1 modules
	records    map[string]*osvRecord
	order      []govulncheckPlace
	best       map[govulncheckPlace]govulncheckFinding // the one that comes nearest
}

type govulncheckPlace struct{ id, module, version string }

func readGovulncheck(b *builder, data []byte) error {
	b.report.Tool.Name = "govulncheck"
	s := &govulncheckScan{b: b, level: 3, records: map[string]*osvRecord{}, best: map[govulncheckPlace]govulncheckFinding{}}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return invalid(err)
		}
		var m govulncheckMessage
		if err := decode(raw, &m); err != nil {
			return err
		}
		if err := s.message(&m); err != nil {
			return err
		}
	}
	if !s.configured {
		return fmt.Errorf("%w: the stream has no config message; it may be cut", ErrInvalid)
	}
	for _, k := range s.order {
		if err := s.place(k); err != nil {
			return err
		}
	}
	return nil
}

func (s *govulncheckScan) message(m *govulncheckMessage) error {
	r := s.b.report
	switch {
	case m.Config != nil:
		s.configured = true
		r.Tool = Tool{Name: nameOr(m.Config.Name, "govulncheck"), Version: m.Config.Version, URI: "https://pkg.go.dev/golang.org/x/vuln"}
		r.Databases = append(r.Databases, Database{Name: "Go vulnerability database", Ecosystem: "Go", URI: m.Config.DB,
			Updated: s.b.time("db_last_modified", m.Config.Changed)})
		if s.level = map[string]int{"module": 1, "package": 2}[m.Config.Level]; s.level == 0 {
			s.level = 3
		}
	case m.SBOM != nil:
		r.Components = len(m.SBOM.Modules)
		r.Subject.Name = strings.Join(m.SBOM.Roots, " ")
	case m.OSV != nil:
		s.records[m.OSV.ID] = m.OSV
	case m.Finding != nil:
		if len(m.Finding.Trace) == 0 {
			return fmt.Errorf("%w: a finding of %.60q has no trace", ErrInvalid, m.Finding.OSV)
		}
		k := govulncheckPlace{m.Finding.OSV, m.Finding.Trace[0].Module, m.Finding.Trace[0].Version}
		have, ok := s.best[k]
		if !ok {
			s.order = append(s.order, k)
		}
		if !ok || m.Finding.reach() > have.reach() {
			s.best[k] = *m.Finding
		}
	case m.Progress == nil:
		return fmt.Errorf("%w: a message is of no kind that govulncheck sends", ErrInvalid)
	}
	return nil
}

func (s *govulncheckScan) place(k govulncheckPlace) error {
	v := s.best[k]
	f, err := s.b.finding(Vulnerability, k.id)
	if err != nil {
		return err
	}
	if record := s.records[k.id]; record != nil {
		f.Aliases = union(f.Aliases, record.Aliases)
		s.b.osvRecord(f, record, k.module, "Go", k.version)
	} else {
		s.b.note("%s: the stream has a finding of it and no record", k.id)
	}
	place := Affected{Component: Component{Name: k.module, Version: k.version, Ecosystem: "Go", PURL: purlOf("Go", k.module, k.version)},
		Fixed: union(nil, []string{v.Fixed})}
	if v.Fixed != "" {
		place.Fix = Fixable
	}
	if reach := v.reach(); reach < s.level {
		place.Status = StatusNotAffected
		place.VEX = []Applied{{Statement: Statement{Vulnerability: k.id, Status: StatusNotAffected,
			Justification: unreached(reach), Document: "call analysis of govulncheck"}, Effective: true}}
	}
	s.b.affect(f, place)
	return nil
}

// unreached is the justification that govulncheck gives in OpenVEX.
func unreached(reach int) string {
	if reach == 2 {
		return "vulnerable_code_not_in_execute_path"
	}
	return "vulnerable_code_not_present"
}

// readGovulncheckVEX reads govulncheck -format openvex, which has one statement for each vulnerability, as a report.
func readGovulncheckVEX(b *builder, data []byte) error {
	var in openVEX
	if err := decode(data, &in); err != nil {
		return err
	}
	if !strings.Contains(in.Tooling, "govulncheck") {
		return fmt.Errorf("%w: it is an OpenVEX document, which says what others found: ParseVEX reads it", ErrFormat)
	}
	r := b.report
	r.Tool = Tool{Name: "govulncheck", URI: in.Tooling}
	r.Finished = b.time("timestamp", in.Timestamp)
	b.note("the report does not say which version of the scanner made it, and which database was asked")
	for i := range in.Statements {
		s := &in.Statements[i]
		f, err := b.finding(Vulnerability, nameOr(s.Vulnerability.Name, s.Vulnerability.ID))
		if err != nil {
			return err
		}
		f.Title = s.Vulnerability.Description
		f.Aliases = union(f.Aliases, s.Vulnerability.Aliases)
		f.Source = Source{URL: s.Vulnerability.ID}
		for _, p := range s.Products {
			for _, c := range p.Subcomponents {
				place := Affected{Component: component(c.ID, "", "")}
				place.Component.Ecosystem = "Go"
				if status := Status(s.Status); status != StatusAffected {
					place.Status = status
					place.VEX = []Applied{{Statement: Statement{Vulnerability: f.ID, Status: status, Justification: s.Justification,
						Impact: s.Impact, Document: "call analysis of govulncheck"}, Effective: true}}
				}
				b.affect(f, place)
			}
		}
	}
	return nil
}
