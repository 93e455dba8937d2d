package vuln

import "time"

// A Status is what VEX says of a finding in a place (OpenVEX 0.2.0, "Status Labels"). Empty means that VEX says nothing.
type Status string

// The statuses.
const (
	StatusAffected     Status = "affected"
	StatusNotAffected  Status = "not_affected"
	StatusFixed        Status = "fixed"
	StatusInvestigated Status = "under_investigation"
)

// A Statement is one statement of a VEX document of any format: these products have this status with that vulnerability.
type Statement struct {
	Vulnerability string    `json:"vulnerability"`
	Aliases       []string  `json:"aliases,omitempty"`
	Products      []Product `json:"products,omitempty"` // none means that it is about nothing
	Status        Status    `json:"status"`
	Justification string    `json:"justification,omitempty"` // in the words of the document's format
	Impact        string    `json:"impact,omitempty"`
	Action        string    `json:"action,omitempty"`
	Time          time.Time `json:"time,omitzero"`       // as the document claims
	Author        string    `json:"author,omitempty"`    // as the document claims
	Document      string    `json:"document,omitempty"`  // its id, or its digest
	Statement     string    `json:"statement,omitempty"` // its own id, or its place in the document
	Signer        Signer    `json:"signer,omitzero"`     // proven by the caller, not by the document
}

// A Signer is who was proven to have signed a VEX document: the caller verified that. The zero Signer is nobody.
type Signer struct {
	Identity string    `json:"identity,omitempty"` // of a certificate, or the fingerprint of a key
	Issuer   string    `json:"issuer,omitempty"`   // of a keyless identity
	At       time.Time `json:"at,omitzero"`        // when, by the word of a log or a timestamp authority; zero means that it is not proven
}

// Proven reports whether there is a signer.
func (s Signer) Proven() bool { return s.Identity != "" }

// A Product is what a Statement is about: what any of IDs and Hashes names. With Subcomponents the statement is about those,
// inside of this product, and about nothing else.
type Product struct {
	IDs           []string          `json:"ids,omitempty"`      // package URLs, CPE names, BOM-Links, IRIs
	Hashes        map[string]string `json:"hashes,omitempty"`   // by algorithm, such as "sha-256", in hexadecimal
	Versions      []string          `json:"versions,omitempty"` // ranges in VERS, or versions; none means all that the IDs name
	Subcomponents []Product         `json:"subcomponents,omitempty"`
}

// An Applied is a Statement about one place of a finding, and what became of it.
type Applied struct {
	Statement
	Effective bool   `json:"effective,omitempty"` // the place's Status is that of the statement
	Reason    string `json:"reason,omitempty"`    // why it is not, or what it prevailed over
}

// A State is the answer to the one question that a rule asks of a place: does it count?
type State uint8

// The states. The zero State is the one that counts most.
const (
	Found      State = iota // the scanner found it, and no proven statement says otherwise
	CannotTell              // the scanner cannot tell: Affected.Doubt says why. It is not proven that the component is safe
	Excluded                // a statement with a proven signer says that the component is not affected, or fixed
)

// State is what a rule must ask, and all that it must ask, of a place:
//
//   - Excluded needs a proven signer, so a suppression by the scanner's own VEX files or ignore rules is still Found.
//     Whether that signer may speak is for the rule: it is in Affected.VEX. In a Report that Parse read, what stands there is
//     the word of whoever made the report: a rule drops it, and applies the statements that it verified itself.
//   - CannotTell never counts as Excluded or as fixed: a rule makes it Indeterminate, or treats it as Found.
//   - A proven statement settles a doubt: one that says "affected" makes the place Found.
//
// A component that is in no finding is free of what the scanner knows only if it is not in Report.Skipped and one of
// Report.Databases has its ecosystem.
func (a *Affected) State() State {
	switch {
	case a.Suppressed() && a.Proven():
		return Excluded
	case a.Doubt == "" || a.Status == StatusAffected && a.Proven():
		return Found
	}
	return CannotTell
}

// excludes reports whether a status says that a place does not count.
func (s Status) excludes() bool { return s == StatusNotAffected || s == StatusFixed }

// Suppressed reports whether tables and counts for people leave the place out: VEX, of anybody, says that it is not affected or
// fixed. A rule asks State.
func (a *Affected) Suppressed() bool { return a.Status.excludes() }

// Proven reports whether the place's Status rests on a statement with a proven signer. It does not if the report's own scanner
// applied VEX. A rule asks State.
func (a *Affected) Proven() bool {
	for _, v := range a.VEX {
		if v.Effective && v.Signer.Proven() {
			return true
		}
	}
	return false
}
