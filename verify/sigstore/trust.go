package sigstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/verify"
)

// An Entry of a trust list is one signer: a workload or person at an identity provider, or a key. Signers are counted by the
// entries that they matched: a workflow that signs at two tags is one. Everything that an Entry says must hold of a signer; it
// matches nothing that is not proven.
type Entry struct {
	// Name is what the signer is called in verify.Signer.Entries. Each Entry has another.
	Name string

	// URI, Email or OtherName is the certificate's subject alternative name: one of them, by its kind. Without one, Claims say who it is.
	URI, Email, OtherName Pattern
	// Issuer is the identity provider, whose word the names are. It is always needed: in every Kubernetes cluster of the world
	// there is the same name of the same service account.
	Issuer Pattern
	// Claims are what else must be proven of the signer.
	Claims map[Claim]Pattern

	// Key trusts a key instead, whose signatures must be in the logs.
	Key *verify.TrustedKey
	// NotBefore and NotAfter say when Key is trusted, ends included. Zero means no bound; with one, a signature needs a time that a
	// log or a timestamp authority proves.
	NotBefore, NotAfter time.Time
}

// A Pattern is what a name or claim must be: exactly a text, or all of it a match of an expression. The zero Pattern asks for nothing.
type Pattern struct {
	Exact      string
	Expression string // of package regexp; it is anchored at both ends, whatever it says itself
}

// Exactly returns the Pattern of a text alone.
func Exactly(text string) Pattern { return Pattern{Exact: text} }

// Matching returns the Pattern of texts that an expression matches from their beginning to their end. [New] says if it is none.
func Matching(expression string) Pattern { return Pattern{Expression: expression} }

// A Claim is something that an identity provider said of the signer and Fulcio wrote into the certificate. It is named as in
// Fulcio's documentation (sigstore/fulcio, docs/oid-info.md), which has the object identifiers below 1.3.6.1.4.1.57264.1; one that
// is not here is named by its object identifier.
type Claim string

// The claims, with the last number of their object identifier. What a repository or ref is called may be given to somebody else
// later; identifiers are not. Those of 2 to 6 are deprecated: certificates before 2023 have no others.
const (
	GitHubWorkflowTrigger               Claim = "githubWorkflowTrigger"               // 2
	GitHubWorkflowSHA                   Claim = "githubWorkflowSHA"                   // 3
	GitHubWorkflowName                  Claim = "githubWorkflowName"                  // 4; free text of whoever writes the workflow
	GitHubWorkflowRepository            Claim = "githubWorkflowRepository"            // 5
	GitHubWorkflowRef                   Claim = "githubWorkflowRef"                   // 6
	BuildSignerURI                      Claim = "buildSignerURI"                      // 9; of a reusable workflow, if one signs
	BuildSignerDigest                   Claim = "buildSignerDigest"                   // 10
	RunnerEnvironment                   Claim = "runnerEnvironment"                   // 11
	SourceRepositoryURI                 Claim = "sourceRepositoryURI"                 // 12
	SourceRepositoryDigest              Claim = "sourceRepositoryDigest"              // 13
	SourceRepositoryRef                 Claim = "sourceRepositoryRef"                 // 14
	SourceRepositoryIdentifier          Claim = "sourceRepositoryIdentifier"          // 15
	SourceRepositoryOwnerURI            Claim = "sourceRepositoryOwnerURI"            // 16
	SourceRepositoryOwnerIdentifier     Claim = "sourceRepositoryOwnerIdentifier"     // 17
	BuildConfigURI                      Claim = "buildConfigURI"                      // 18; of the workflow that was started
	BuildConfigDigest                   Claim = "buildConfigDigest"                   // 19
	BuildTrigger                        Claim = "buildTrigger"                        // 20
	RunInvocationURI                    Claim = "runInvocationURI"                    // 21
	SourceRepositoryVisibilityAtSigning Claim = "sourceRepositoryVisibilityAtSigning" // 22
	DeploymentEnvironment               Claim = "deploymentEnvironment"               // 23
	TokenSubject                        Claim = "tokenSubject"                        // 24
)

// A matcher is an Entry, ready to use.
type matcher struct {
	name string
	asks []expectation
	key  *Entry // of a key
}

type expectation struct {
	what  string // for reasons
	kind  sigstore.SANKind
	claim Claim
	exact string
	re    *regexp.Regexp // nil: exact
}

func (e expectation) met(value string) bool {
	if e.re != nil {
		return e.re.MatchString(value)
	}
	return value == e.exact
}

func (e expectation) String() string {
	if e.re != nil {
		return e.re.String()
	}
	return strconv.Quote(e.exact)
}

func newExpectation(what string, p Pattern) (expectation, error) {
	e := expectation{what: what, exact: p.Exact}
	switch {
	case (p.Exact == "") == (p.Expression == ""):
		return e, fmt.Errorf("%s: neither a text nor an expression, or both", what)
	case p.Exact != "":
		return e, nil
	}
	if _, err := regexp.Compile(p.Expression); err != nil { // alone: what closes a group that it did not open would escape ours
		return e, fmt.Errorf("%s: %w", what, err)
	}
	re, err := regexp.Compile(`\A(?:` + p.Expression + `)\z`)
	e.re = re
	return e, err
}

func (e *Entry) matcher() (*matcher, error) {
	m := &matcher{name: e.Name}
	if e.Name == "" {
		return nil, errors.New("it has no name")
	}
	fields := []struct {
		what string
		kind sigstore.SANKind
		p    Pattern
	}{
		{"URI", sigstore.SANURI, e.URI}, {"Email", sigstore.SANMail, e.Email}, {"OtherName", sigstore.SANName, e.OtherName},
		{"Issuer", 0, e.Issuer},
	}
	names := 0
	for _, f := range fields {
		if f.p == (Pattern{}) {
			continue
		}
		ask, err := newExpectation(f.what, f.p)
		if err != nil {
			return nil, err
		}
		ask.kind = f.kind
		if f.kind != 0 {
			names++
		}
		m.asks = append(m.asks, ask)
	}
	for _, c := range slices.Sorted(maps.Keys(e.Claims)) {
		ask, err := newExpectation(string(c), e.Claims[c])
		if err != nil {
			return nil, err
		}
		ask.claim = c
		m.asks = append(m.asks, ask)
	}
	if e.Key != nil {
		if len(m.asks) > 0 {
			return nil, errors.New("it has a key, and names besides")
		}
		if err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: e.Key.Key, Schemes: e.Key.Schemes}}}).Validate(); err != nil {
			return nil, err
		}
		if !e.NotAfter.IsZero() && e.NotAfter.Before(e.NotBefore) {
			return nil, errors.New("its key is trusted until before it is")
		}
		own := *e
		m.key = &own
		return m, nil
	}
	switch {
	case !e.NotBefore.IsZero() || !e.NotAfter.IsZero():
		return nil, errors.New("it says when a key is trusted, and has none")
	case e.Issuer == (Pattern{}):
		return nil, errors.New("it names no issuer, without whom a name is nobody's")
	case names > 1:
		return nil, errors.New("a signer has one name: URI, Email or OtherName")
	case names == 0 && len(e.Claims) == 0:
		return nil, errors.New("it names an issuer alone, and so everybody there")
	}
	for c := range e.Claims {
		known := c != "" && slices.Contains(sigstore.ClaimNames[:], string(c)) ||
			strings.HasPrefix(string(c), sigstore.OIDClaims.String()+".")
		if !known {
			return nil, fmt.Errorf("a claim of name %.60q, which nothing proves", c)
		}
	}
	return m, nil
}

// refuses says why an identity is not the entry's, or nothing.
func (m *matcher) refuses(id *sigstore.Identity) string {
	if m.key != nil {
		return "it trusts a key"
	}
	for _, ask := range m.asks {
		var value string
		switch {
		case ask.claim != "":
			value = id.Claims[string(ask.claim)]
		case ask.kind == 0:
			value = id.Issuer
		case ask.kind != id.SANKind:
			return fmt.Sprintf("the certificate names a %s, not a %s", id.SANKind, ask.kind)
		default:
			value = id.SAN
		}
		if value == "" {
			return fmt.Sprintf("the certificate has no %s", ask.what)
		}
		if !ask.met(value) {
			return fmt.Sprintf("%s is %.200q, not %s", ask.what, value, ask)
		}
	}
	return ""
}

// match returns the names of the entries that an identity matches.
func (v *Verifier) match(id *sigstore.Identity) ([]string, error) {
	var names, why []string
	for _, m := range v.trust {
		if reason := m.refuses(id); reason != "" {
			why = append(why, fmt.Sprintf("%s: %s", m.name, reason))
		} else {
			names = append(names, m.name)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	const most = 5
	if more := len(why) - most; more > 0 {
		why = append(why[:most], fmt.Sprintf("and %d entries more", more))
	}
	return nil, refusal(fmt.Errorf("%w: %.300s: %s", sigstore.IdentityUnknown, id, cmp.Or(strings.Join(why, "; "), "it is empty")))
}
