package sbom

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
)

// A licence3 is what an element of SPDX 3 says of a licence: an expression as text, or a node of one (SPDX 3.0.1,
// ExpandedLicensing).
type licence3 struct {
	class, expression string
	parts             []string // ids of what a set or an operator holds, in order
}

// licences3 are the licences of a document by their ids.
type licences3 map[string]licence3

const maxLicenceNesting = 50

// licenceParts3 are the properties that hold the parts of a licence.
func licenceParts3(property string) bool {
	switch property {
	case "expandedlicensing_member", "expandedlicensing_subjectLicense", "expandedlicensing_subjectExtendableLicense",
		"expandedlicensing_subjectAddition":
		return true
	}
	return false
}

// expression returns the licence expression that an id stands for, or nothing. Visit is told of every id that is part of it.
func (l licences3) expression(id string, visit func(id string)) string {
	s, _ := l.term(id, visit, 0)
	return s
}

// term returns an expression, and its operator if it is one of several terms.
func (l licences3) term(id string, visit func(string), depth int) (s, operator string) {
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
		if isListedLicence3(id) {
			return licenceKey3(id), ""
		}
		return "", ""
	case v.class == "simplelicensing_LicenseExpression":
		if strings.Contains(v.expression, " OR ") {
			operator = " OR "
		}
		return v.expression, operator
	case v.parts == nil && v.expression != "": // what expressions call it
		return v.expression, ""
	case v.parts == nil:
		return licenceKey3(id), ""
	case depth == maxLicenceNesting:
		return "", ""
	}
	joined := map[string]string{"expandedlicensing_DisjunctiveLicenseSet": " OR ", "expandedlicensing_ConjunctiveLicenseSet": " AND ",
		"expandedlicensing_WithAdditionOperator": " WITH "}[v.class]
	terms := make([]string, len(v.parts))
	for i, part := range v.parts {
		t, inner := l.term(part, visit, depth+1)
		if t == "" || len(t) > maxLicenceText {
			return "", ""
		}
		if inner != "" && inner != joined {
			t = "(" + t + ")"
		}
		terms[i] = t
	}
	if v.class == "expandedlicensing_OrLaterOperator" {
		return terms[0] + "+", ""
	}
	return strings.Join(terms, joined), joined
}

// maxLicenceText bounds an expression: sets that hold sets can say much with few elements.
const maxLicenceText = 20_000

func isListedLicence3(id string) bool {
	return strings.HasPrefix(id, "https://spdx.org/licenses/") || strings.HasPrefix(id, "http://spdx.org/licenses/")
}

// licenceKey3 is what expressions call a licence: the last part of its id, which is a LicenseRef if SPDX's list does not have
// it.
func licenceKey3(id string) string {
	for _, ref := range []string{"LicenseRef-", "AdditionRef-"} {
		if i := strings.LastIndex(id, ref); i >= 0 {
			return id[i:]
		}
	}
	key := id[strings.LastIndexAny(id, "#/:")+1:]
	if isListedLicence3(id) {
		return key
	}
	return "LicenseRef-" + strings.TrimPrefix(spec.RefOf(key), "SPDXRef-")
}
