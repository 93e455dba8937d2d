package spdx3

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
)

// A Licence is what an element of SPDX 3 says of a licence: an expression as text, or a node of one (SPDX 3.0.1,
// ExpandedLicensing).
type Licence struct {
	Class, Expr string
	Parts       []string // ids of what a set or an operator holds, in order
}

// Licences are the licences of a document by their ids.
type Licences map[string]Licence

const maxLicenceNesting = 50

// holdsParts are the properties that hold the parts of a licence.
func holdsParts(property string) bool {
	switch property {
	case "expandedlicensing_member", "expandedlicensing_subjectLicense", "expandedlicensing_subjectExtendableLicense",
		"expandedlicensing_subjectAddition":
		return true
	}
	return false
}

// Expression returns the licence expression that an id stands for, or nothing. Visit is told of every id that is part of it.
func (l Licences) Expression(id string, visit func(id string)) string {
	s, _ := l.term(id, visit, 0)
	return s
}

// term returns an expression, and its operator if it is one of several terms.
func (l Licences) term(id string, visit func(string), depth int) (s, operator string) {
	if visit != nil {
		visit(id)
	}
	switch { // individuals of Core and ExpandedLicensing
	case strings.HasSuffix(id, "NoneElement"), strings.HasSuffix(id, "NoneLicense"):
		return "NONE", ""
	case strings.HasSuffix(id, "NoAssertionElement"), strings.HasSuffix(id, "NoAssertionLicense"):
		return "NOASSERTION", ""
	}
	v, known := l[id]
	switch {
	case !known:
		if isListed(id) {
			return keyOf(id), ""
		}
		return "", ""
	case v.Class == "simplelicensing_LicenseExpression":
		if strings.Contains(v.Expr, " OR ") {
			operator = " OR "
		}
		return v.Expr, operator
	case v.Parts == nil && v.Expr != "": // what expressions call it
		return v.Expr, ""
	case v.Parts == nil:
		return keyOf(id), ""
	case depth == maxLicenceNesting:
		return "", ""
	}
	joined := map[string]string{"expandedlicensing_DisjunctiveLicenseSet": " OR ", "expandedlicensing_ConjunctiveLicenseSet": " AND ",
		"expandedlicensing_WithAdditionOperator": " WITH "}[v.Class]
	terms := make([]string, len(v.Parts))
	for i, part := range v.Parts {
		t, inner := l.term(part, visit, depth+1)
		if t == "" || len(t) > maxLicenceText {
			return "", ""
		}
		if inner != "" && inner != joined {
			t = "(" + t + ")"
		}
		terms[i] = t
	}
	if v.Class == "expandedlicensing_OrLaterOperator" {
		return terms[0] + "+", ""
	}
	return strings.Join(terms, joined), joined
}

// maxLicenceText bounds an expression: sets that hold sets can say much with few elements.
const maxLicenceText = 20_000

func isListed(id string) bool {
	return strings.HasPrefix(id, "https://spdx.org/licenses/") || strings.HasPrefix(id, "http://spdx.org/licenses/")
}

// keyOf is what expressions call a licence: the last part of its id, which is a LicenseRef if SPDX's list does not have
// it.
func keyOf(id string) string {
	for _, ref := range []string{"LicenseRef-", "AdditionRef-"} {
		if i := strings.LastIndex(id, ref); i >= 0 {
			return id[i:]
		}
	}
	key := id[strings.LastIndexAny(id, "#/:")+1:]
	if isListed(id) {
		return key
	}
	return "LicenseRef-" + strings.TrimPrefix(spec.RefOf(key), "SPDXRef-")
}
