package vuln

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ParseVEX reads the statements of a VEX document: OpenVEX 0.0.1 and 0.2.0, CycloneDX with analyses, or CSAF 2.0 of the
// profile VEX. Who signed it is not known from the document: the caller verifies that and fills Statement.Signer, without
// which Report.Apply changes nothing.
//
// Notes say what the document has that is no statement of a status. Errors wrap [ErrFormat], [ErrInvalid] or [ErrLimit].
func ParseVEX(r io.Reader) (statements []Statement, notes []string, err error) {
	data, err := read(r)
	if err != nil {
		return nil, nil, err
	}
	b := newBuilder()
	if statements, err = b.parseVEX(data); errors.Is(err, ErrFormat) {
		return nil, nil, fmt.Errorf("vuln: %w", notVEX{err})
	} else if err != nil {
		return nil, nil, fmt.Errorf("vuln: %w", err)
	}
	return statements, b.report.Notes, nil
}

func (b *builder) parseVEX(data []byte) ([]Statement, error) {
	data, err := fromXML(data)
	if err != nil {
		return nil, err
	}
	names, _, stream, err := top(data)
	switch {
	case err != nil:
		return nil, err
	case stream:
	case slices.Contains(names, "@context") && slices.Contains(names, "statements"):
		return b.openVEX(data)
	case slices.Contains(names, "bomFormat"):
		return b.cycloneDXVEX(data)
	case slices.Contains(names, "document"):
		return b.csaf(data)
	}
	return nil, fmt.Errorf("%w: OpenVEX, CycloneDX and CSAF are read", ErrFormat)
}

// notVEX is an error of kind [ErrFormat] in the words of who asks for VEX.
type notVEX struct{ error }

func (e notVEX) Error() string {
	return "not a VEX document" + strings.TrimPrefix(e.error.Error(), ErrFormat.Error())
}

func (e notVEX) Unwrap() error { return e.error }

// openVEX is a document of OpenVEX 0.2.0, or 0.0.1, in which vulnerabilities and products are texts
// (github.com/openvex/spec).
type openVEX struct {
	Context    string             `json:"@context"`
	ID         string             `json:"@id"`
	Author     string             `json:"author"`
	Timestamp  string             `json:"timestamp"`
	Updated    string             `json:"last_updated"`
	Tooling    string             `json:"tooling"`
	Statements []openVEXStatement `json:"statements"`
}

type openVEXStatement struct {
	ID            string           `json:"@id"`
	Vulnerability openVEXVuln      `json:"vulnerability"`
	Products      []openVEXProduct `json:"products"`
	Subcomponents []openVEXProduct `json:"subcomponents"` // of 0.0.1
	Status        string           `json:"status"`
	Justification string           `json:"justification"`
	Impact        string           `json:"impact_statement"`
	Action        string           `json:"action_statement"`
	Timestamp     string           `json:"timestamp"`
	Updated       string           `json:"last_updated"`
}

type openVEXVuln struct {
	ID          string   `json:"@id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Aliases     []string `json:"aliases"`
}

// UnmarshalJSON also takes the text of 0.0.1.
func (v *openVEXVuln) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &v.Name)
	}
	type plain openVEXVuln
	return decode(data, (*plain)(v))
}

type openVEXProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []openVEXProduct  `json:"subcomponents"`
}

// UnmarshalJSON also takes the text of 0.0.1.
func (p *openVEXProduct) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &p.ID)
	}
	type plain openVEXProduct
	return decode(data, (*plain)(p))
}

func (p *openVEXProduct) product() Product {
	out := Product{IDs: union(nil, []string{p.ID}), Hashes: p.Hashes}
	for _, name := range sortedKeys(p.Identifiers) {
		if name == "purl" || name == "cpe22" || name == "cpe23" { // the specification has no others
			out.IDs = union(out.IDs, []string{p.Identifiers[name]})
		}
	}
	for i := range p.Subcomponents {
		out.Subcomponents = append(out.Subcomponents, p.Subcomponents[i].product())
	}
	return out
}

func (b *builder) openVEX(data []byte) ([]Statement, error) {
	var in openVEX
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.Context, "https://openvex.dev/ns") {
		return nil, fmt.Errorf("%w: @context is %.100q, not one of OpenVEX", ErrFormat, in.Context)
	}
	document := b.time("timestamp", nameOr(in.Updated, in.Timestamp))
	var out []Statement
	for i := range in.Statements {
		s := &in.Statements[i]
		st := Statement{Vulnerability: nameOr(s.Vulnerability.Name, s.Vulnerability.ID), Aliases: s.Vulnerability.Aliases,
			Status: Status(s.Status), Justification: s.Justification, Impact: s.Impact, Action: s.Action, Author: in.Author,
			Document: in.ID, Statement: nameOr(s.ID, "statements/"+strconv.Itoa(i)), Time: document}
		if t := b.time("timestamp", nameOr(s.Updated, s.Timestamp)); !t.IsZero() {
			st.Time = t
		}
		switch {
		case st.Vulnerability == "":
			return nil, fmt.Errorf("%w: statement %d names no vulnerability", ErrInvalid, i)
		case !st.Status.known():
			return nil, fmt.Errorf("%w: statement %d has status %.60q", ErrInvalid, i, s.Status)
		}
		for j := range s.Products {
			p := s.Products[j].product()
			for k := range s.Subcomponents {
				p.Subcomponents = append(p.Subcomponents, s.Subcomponents[k].product())
			}
			st.Products = append(st.Products, p)
		}
		if len(st.Products) == 0 {
			b.note("%s: a statement names no product, and so is about nothing", st.Vulnerability)
		}
		out = append(out, st)
	}
	return out, nil
}

func (s Status) known() bool {
	return s == StatusAffected || s == StatusNotAffected || s == StatusFixed || s == StatusInvestigated
}

// analysisStatus reads CycloneDX's analysis.state (schema 1.4 to 1.7).
func analysisStatus(state string) (s Status, known bool) {
	switch state {
	case "":
		return "", true
	case "not_affected", "false_positive":
		return StatusNotAffected, true
	case "resolved", "resolved_with_pedigree":
		return StatusFixed, true
	case "exploitable":
		return StatusAffected, true
	case "in_triage":
		return StatusInvestigated, true
	}
	return "", false
}

// cdxAnalysis is what a report in CycloneDX says itself of a vulnerability.
func cdxAnalysis(b *builder, v *cdxVuln) ([]Applied, Status) {
	status, known := analysisStatus(v.Analysis.State)
	if !known {
		b.note("%s: analysis.state %.60q is not known", v.ID, v.Analysis.State)
	}
	if status == "" {
		return nil, ""
	}
	return []Applied{{Statement: Statement{Vulnerability: v.ID, Status: status, Justification: v.Analysis.Justification,
			Impact: v.Analysis.Detail, Action: strings.Join(v.Analysis.Response, ", "), Document: "analysis in the report"},
			Effective: true}},
		status
}

func (b *builder) cycloneDXVEX(data []byte) ([]Statement, error) {
	var in cdxDocument
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	parts, _ := in.parts()
	made := b.time("metadata.timestamp", in.Metadata.Timestamp)
	var out []Statement
	for i := range in.Vulns {
		v := &in.Vulns[i]
		status, known := analysisStatus(v.Analysis.State)
		if !known {
			return nil, fmt.Errorf("%w: vulnerability %d has analysis.state %.60q", ErrInvalid, i, v.Analysis.State)
		}
		if v.ID == "" {
			return nil, fmt.Errorf("%w: vulnerability %d has no id", ErrInvalid, i)
		}
		st := Statement{Vulnerability: v.ID, Status: status, Justification: v.Analysis.Justification, Impact: v.Analysis.Detail,
			Action: strings.Join(v.Analysis.Response, ", "), Document: in.SerialNumber,
			Statement: nameOr(v.Ref, "vulnerabilities/"+strconv.Itoa(i)),
			Time:      made}
		if t := b.time(v.ID, nameOr(v.Analysis.Updated, v.Analysis.First)); !t.IsZero() {
			st.Time = t
		}
		for _, a := range v.References {
			st.Aliases = union(st.Aliases, []string{a.ID})
		}
		statements := cdxProducts(&in, v, st, parts)
		if len(statements) == 0 {
			b.note("%s: the document has no analysis of it, or names no product", v.ID)
		}
		out = append(out, statements...)
	}
	return out, nil
}

// cdxProducts makes a statement for each status that an entry gives: of versions each has its own.
func cdxProducts(in *cdxDocument, v *cdxVuln, st Statement, parts map[string]*cdxPart) []Statement {
	by := map[Status][]Product{}
	for _, a := range v.Affects {
		p := Product{IDs: union(nil, []string{a.Ref})}
		if part := parts[a.Ref]; part != nil {
			p.IDs = union(nil, []string{part.PURL})
			if in.SerialNumber != "" {
				version := max(in.Version, 1)
				p.IDs = union(p.IDs, []string{fmt.Sprintf("urn:cdx:%s/%d#%s", strings.TrimPrefix(in.SerialNumber, "urn:uuid:"),
					version, a.Ref)})
			}
			for _, h := range part.Hashes {
				if p.Hashes == nil {
					p.Hashes = map[string]string{}
				}
				p.Hashes[strings.ToLower(h.Alg)] = h.Content
			}
		}
		if len(a.Versions) == 0 {
			by[st.Status] = append(by[st.Status], p)
			continue
		}
		for _, ver := range a.Versions {
			q := p
			q.Versions = union(nil, []string{nameOr(ver.Range, ver.Version)})
			s := st.Status
			switch {
			case ver.Status == "affected" || ver.Status == "": // the schema's default
				if s != StatusInvestigated {
					s = StatusAffected
				}
			case ver.Status == "unaffected" && s != StatusFixed:
				s = StatusNotAffected
			case ver.Status == "unknown":
				s = StatusInvestigated
			}
			by[s] = append(by[s], q)
		}
	}
	var out []Statement
	for _, s := range []Status{StatusAffected, StatusInvestigated, StatusNotAffected, StatusFixed} {
		if len(by[s]) > 0 {
			one := st
			one.Status, one.Products = s, by[s]
			out = append(out, one)
		}
	}
	return out
}

// csafDocument is what is read of CSAF 2.0, profile 5 (docs.oasis-open.org/csaf/csaf/v2.0, section 4.5).
type csafDocument struct {
	Document struct {
		Category  string `json:"category"`
		Version   string `json:"csaf_version"`
		Publisher struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"publisher"`
		Tracking struct {
			ID      string `json:"id"`
			Version string `json:"version"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []csafBranch  `json:"branches"`
		Products      []csafProduct `json:"full_product_names"`
		Relationships []struct {
			Category string      `json:"category"`
			Product  csafProduct `json:"full_product_name"`
			Part     string      `json:"product_reference"`
			Whole    string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulns []struct {
		CVE string `json:"cve"`
		IDs []struct {
			Text string `json:"text"`
		} `json:"ids"`
		Status map[string][]string `json:"product_status"`
		Flags  []csafRemark        `json:"flags"`
		Threat []csafRemark        `json:"threats"`
		Remedy []csafRemark        `json:"remediations"`
	} `json:"vulnerabilities"`
}

type csafBranch struct {
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL   string `json:"purl"`
		CPE    string `json:"cpe"`
		Hashes []struct {
			Files []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"file_hashes"`
		} `json:"hashes"`
	} `json:"product_identification_helper"`
}

type csafRemark struct {
	Label    string   `json:"label"`
	Category string   `json:"category"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

func (p *csafProduct) product() Product {
	out := Product{IDs: union(nil, []string{p.Helper.PURL, p.Helper.CPE})}
	for _, h := range p.Helper.Hashes {
		for _, f := range h.Files {
			if out.Hashes == nil {
				out.Hashes = map[string]string{}
			}
			out.Hashes[f.Algorithm] = f.Value
		}
	}
	return out
}

// csafStatuses are the groups of product_status (section 3.2.3.9).
var csafStatuses = []struct {
	name   string
	status Status
}{
	{"known_affected", StatusAffected}, {"first_affected", StatusAffected}, {"last_affected", StatusAffected},
	{"under_investigation", StatusInvestigated},
	{"known_not_affected", StatusNotAffected},
	{"fixed", StatusFixed}, {"first_fixed", StatusFixed},
}

func (b *builder) csaf(data []byte) ([]Statement, error) {
	var in csafDocument
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	d := &in.Document
	if d.Version != "2.0" {
		return nil, fmt.Errorf("%w: CSAF %.20q; 2.0 is read", ErrFormat, d.Version)
	}
	if d.Category != "csaf_vex" && d.Category != "csaf_security_advisory" {
		return nil, fmt.Errorf("%w: a CSAF document of category %.60q has no VEX statements", ErrFormat, d.Category)
	}
	products := in.products(b)
	made := b.time("current_release_date", d.Tracking.Current)
	var out []Statement
	for i := range in.Vulns {
		v := &in.Vulns[i]
		base := Statement{Vulnerability: v.CVE, Author: nameOr(d.Publisher.Name, d.Publisher.Namespace), Time: made,
			Document: d.Tracking.ID, Statement: "vulnerabilities/" + strconv.Itoa(i)}
		var aliases []string
		for _, id := range v.IDs {
			base.Vulnerability = nameOr(base.Vulnerability, id.Text)
			aliases = append(aliases, id.Text)
		}
		base.Aliases = union(nil, aliases)
		if base.Vulnerability == "" {
			return nil, fmt.Errorf("%w: vulnerability %d has no id", ErrInvalid, i)
		}
		flags, impacts, actions := in.remarks(v.Flags, ""), in.remarks(v.Threat, "impact"), in.remarks(v.Remedy, "")
		for _, group := range csafStatuses {
			for _, id := range v.Status[group.name] {
				st := base
				st.Status = group.status
				st.Justification, st.Impact, st.Action = flags[id], impacts[id], actions[id]
				p, ok := products[id]
				switch {
				case !ok:
					b.note("%s: product %.60q is not in the product tree", base.Vulnerability, id)
				case len(p.IDs)+len(p.Hashes) == 0:
					b.note("%s: product %.60q has no identifier that anything could be matched with", base.Vulnerability, id)
				default:
					st.Products = []Product{p}
				}
				out = append(out, st)
			}
		}
	}
	return out, nil
}

// products returns all products of the tree by id. A product of a relationship is the part inside of the whole.
func (d *csafDocument) products(b *builder) map[string]Product {
	out := map[string]Product{}
	add := func(p *csafProduct) {
		if p.ID != "" {
			out[p.ID] = p.product()
		}
	}
	for i := range d.Tree.Products {
		add(&d.Tree.Products[i])
	}
	var walk func([]csafBranch)
	walk = func(list []csafBranch) {
		for i := range list {
			if list[i].Product != nil {
				add(list[i].Product)
			}
			walk(list[i].Branches)
		}
	}
	walk(d.Tree.Branches)
	for i := range d.Tree.Relationships {
		r := &d.Tree.Relationships[i]
		whole, ok := out[r.Whole]
		part, ok2 := out[r.Part]
		if !ok || !ok2 {
			b.note("product %.60q is made of products that are not in the product tree", r.Product.ID)
			continue
		}
		if len(part.IDs)+len(part.Hashes) == 0 { // nothing can be matched with it, and without it the statement would be about all
			out[r.Product.ID] = Product{}
			continue
		}
		whole.Subcomponents = []Product{part}
		out[r.Product.ID] = whole
	}
	return out
}

// remarks returns what a list says of each product: the first that it says.
func (d *csafDocument) remarks(list []csafRemark, category string) map[string]string {
	out := map[string]string{}
	groups := map[string][]string{}
	for _, g := range d.Tree.Groups {
		groups[g.ID] = g.Products
	}
	add := func(products []string, text string) {
		for _, p := range products {
			if _, ok := out[p]; !ok {
				out[p] = text
			}
		}
	}
	for _, r := range list {
		if category != "" && r.Category != category {
			continue
		}
		add(r.Products, nameOr(r.Label, r.Details))
		for _, g := range r.Groups {
			add(groups[g], nameOr(r.Label, r.Details))
			delete(groups, g) // whatever says more of these is not the first
		}
	}
	return out
}
