package notary

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/strictjson"
)

// ErrTrust says that a trust store or a trust policy cannot be used as it is: nothing is trusted on its word.
var ErrTrust = errors.New("unusable trust store or trust policy")

const (
	maxTrustFile = 1 << 20
	maxPolicies  = 1000
)

// ParseCertificates reads certificates to trust: PEM, any number, with text around them or not; or DER. They are authorities,
// or signed by themselves, as the trust store specification has it; what a time stamping authority serves as its chain, its own
// certificate in front, will do for [Verifier.TSA]. Errors are [ErrTrust], also for none.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	parse := x509.ParseCertificates
	if len(data) == 0 || bytes.Contains(data, []byte("-----BEGIN")) {
		parse = notation.ParsePEM
	}
	certs, err := parse(data)
	if err != nil && !bytes.Contains(data, []byte("-----BEGIN")) && len(data) > 0 {
		err = fmt.Errorf("neither PEM nor certificates in DER: %w", err)
	}
	for _, c := range certs {
		if !c.IsCA && !stampsTime(c) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
			err = fmt.Errorf("%s is no authority and not signed by itself", c.Subject)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("notary: %w: %w", ErrTrust, err)
	}
	return certs, nil
}

// stampsTime tells the certificate of a time stamping authority (RFC 3161, section 2.3), which can be nothing else.
func stampsTime(c *x509.Certificate) bool {
	return len(c.UnknownExtKeyUsage) == 0 && slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping})
}

// A TrustPolicy is a notation trust policy with its trust stores, read once by [ReadTrustPolicy].
type TrustPolicy struct {
	policies []namedPolicy
}

type namedPolicy struct {
	name       string
	scopes     []string
	level      string
	override   map[string]string
	stamp      string // verifyTimestamp
	stores     []string
	identities []string
	trusted    map[string][]*x509.Certificate // by the type of the store
}

// ReadTrustPolicy reads notation's configuration directory: trustpolicy.oci.json, or trustpolicy.json if that is not there,
// and the trust stores that it names, truststore/x509/TYPE/NAME (Notary Project, specs/trust-store-trust-policy.md). On most
// machines that is os.DirFS of $XDG_CONFIG_HOME/notation. Symbolic links are refused, as far as fsys can tell them
// ([fs.ReadLinkFS]); directories in a store are passed over. Errors are [ErrTrust] and those of the file system.
func ReadTrustPolicy(fsys fs.FS) (*TrustPolicy, error) {
	data, err := readFile(fsys, "trustpolicy.oci.json")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = readFile(fsys, "trustpolicy.json")
	}
	if err != nil {
		return nil, fmt.Errorf("notary: %w", err)
	}
	t, err := parsePolicy(data)
	if err != nil {
		return nil, fmt.Errorf("notary: %w: trust policy: %w", ErrTrust, err)
	}
	for i := range t.policies {
		p := &t.policies[i]
		p.trusted = make(map[string][]*x509.Certificate)
		for _, store := range p.stores {
			kind, name, _ := strings.Cut(store, ":")
			certs, err := readStore(fsys, kind, name)
			if err != nil {
				return nil, fmt.Errorf("notary: %w: trust store %s: %w", ErrTrust, store, err)
			}
			p.trusted[kind] = append(p.trusted[kind], certs...)
		}
	}
	return t, nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Lstat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxTrustFile {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", name, maxTrustFile)
	}
	return fs.ReadFile(fsys, name)
}

func readStore(fsys fs.FS, kind, name string) ([]*x509.Certificate, error) {
	dir := path.Join("truststore/x509", kind, name)
	if info, err := fs.Lstat(fsys, dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, errors.New("it is no directory")
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := readFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		c, err := ParseCertificates(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if err := checkStore(kind, c); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		certs = append(certs, c...)
	}
	if certs == nil {
		return nil, errors.New("it is empty")
	}
	return certs, nil
}

// checkStore returns an error if a file of a store has what is not for it. A file for time stamping is a root, as the specification
// wants, or the chain that an authority serves: with a root, and no certificate that none of the others there issued.
func checkStore(kind string, file []*x509.Certificate) error {
	if kind != "tsa" {
		for _, c := range file {
			if !c.IsCA && stampsTime(c) && !notation.SelfSigned(c) {
				return fmt.Errorf("%s is no authority and not signed by itself", c.Subject)
			}
		}
		return nil
	}
	isRoot := func(c *x509.Certificate) bool { return notation.SelfSigned(c) && c.CheckSignatureFrom(c) == nil }
	for _, c := range file {
		issued := func(by *x509.Certificate) bool {
			return !notation.SelfSigned(c) && by != c && c.CheckSignatureFrom(by) == nil
		}
		if !isRoot(c) && !slices.ContainsFunc(file, issued) {
			return fmt.Errorf("%s is no root, and its issuer is not in the file", c.Subject)
		}
	}
	if !slices.ContainsFunc(file, isRoot) {
		return errors.New("none of the certificates is a root")
	}
	return nil
}

// repositoryPattern is what a scope names, HOST/REPOSITORY: no tag, no digest, no wildcard.
var repositoryPattern = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]+)?` +
	`(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+$`)

var storePattern = regexp.MustCompile(`^(ca|signingAuthority|tsa):[a-zA-Z0-9_.-]+$`)

// checks that a policy may override, and what it may say of them.
var overridable = map[string][]string{
	"authenticity":       {"enforce", "log"},
	"authenticTimestamp": {"enforce", "log"},
	"expiry":             {"enforce", "log"},
	"revocation":         {"enforce", "log", "skip"},
}

// parsePolicy reads a document of version 1.0.
func parsePolicy(data []byte) (*TrustPolicy, error) {
	var (
		t       TrustPolicy
		version string
	)
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("version", "trustPolicies") {
		switch string(name) {
		case "version":
			version = r.String()
		case "trustPolicies":
			for range r.Array() {
				p := readPolicy(r)
				if t.policies = append(t.policies, p); len(t.policies) > maxPolicies {
					r.Fail(fmt.Errorf("more than %d policies", maxPolicies))
				}
			}
		default:
			r.Fail(fmt.Errorf("unknown member %q", name))
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if version != "1.0" {
		return nil, fmt.Errorf("version %.20q, not 1.0", version)
	}
	if len(t.policies) == 0 {
		return nil, errors.New("no policies")
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return &t, nil
}

// check holds the policies against the rules of the specification, and spells scopes one way.
func (t *TrustPolicy) check() error {
	names, scopes := make(map[string]bool), make(map[string]string) // of the policy, by the scope in its one spelling
	for i := range t.policies {
		p := &t.policies[i]
		if p.name == "" || names[p.name] {
			return fmt.Errorf("the name %.80q is empty or used twice", p.name)
		}
		names[p.name] = true
		if err := p.check(); err != nil {
			return fmt.Errorf("policy %.80q: %w", p.name, err)
		}
		seen := make(map[string]bool)
		for i, s := range p.scopes {
			if s != "*" {
				p.scopes[i] = imagename.Normal(s, false)
			}
			if other, ok := scopes[p.scopes[i]]; seen[s] || ok && other != p.name {
				return fmt.Errorf("the scope %.80q is there twice, or in another spelling in another policy", s)
			}
			seen[s], scopes[p.scopes[i]] = true, p.name
		}
	}
	return nil
}

func readPolicy(r *strictjson.Reader) (p namedPolicy) {
	for name := range r.Object("name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities") {
		switch string(name) {
		case "name":
			p.name = r.String()
		case "registryScopes":
			p.scopes = texts(r)
		case "trustStores":
			p.stores = texts(r)
		case "trustedIdentities":
			p.identities = texts(r)
		case "signatureVerification":
			p.readVerification(r)
		default:
			r.Fail(fmt.Errorf("unknown member %q", name))
		}
	}
	return p
}

func (p *namedPolicy) readVerification(r *strictjson.Reader) {
	for name := range r.Object("level", "override", "verifyTimestamp") {
		switch string(name) {
		case "level":
			p.level = r.String()
		case "verifyTimestamp":
			p.stamp = r.String()
		case "override":
			p.readOverride(r)
		default:
			r.Fail(fmt.Errorf("unknown member %q", name))
		}
	}
}

func (p *namedPolicy) readOverride(r *strictjson.Reader) {
	if r.Null() {
		return
	}
	p.override = make(map[string]string)
	for name := range r.Object("authenticity", "authenticTimestamp", "expiry", "revocation") {
		check := string(name)
		p.override[check] = r.String()
	}
}

// texts reads a list, which programs write as null where there is none.
func texts(r *strictjson.Reader) (out []string) {
	if r.Null() {
		return nil
	}
	for range r.Array() {
		out = append(out, r.String())
	}
	return out
}

func (p *namedPolicy) check() error {
	if len(p.scopes) == 0 || slices.Contains(p.scopes, "*") && len(p.scopes) > 1 {
		return errors.New("registryScopes are names of repositories, or * alone")
	}
	for _, s := range p.scopes {
		if s != "*" && !repositoryPattern.MatchString(s) {
			return fmt.Errorf("scope %.80q is no HOST/REPOSITORY", s)
		}
		host, _, _ := strings.Cut(imagename.Normal(s, false), "/")
		if err := imagename.CheckHost(host); err != nil && s != "*" {
			return fmt.Errorf("scope %.80q: %w", s, err)
		}
	}
	if p.level == "skip" {
		if len(p.stores)+len(p.identities)+len(p.override) > 0 || p.stamp != "" {
			return errors.New("level skip goes with neither stores, identities nor overrides")
		}
		return nil
	}
	if !slices.Contains([]string{"strict", "permissive", "audit"}, p.level) {
		return fmt.Errorf("level %.20q", p.level)
	}
	if p.stamp != "" && p.stamp != "always" && p.stamp != "afterCertExpiry" {
		return fmt.Errorf("verifyTimestamp %.20q", p.stamp)
	}
	for check, action := range p.override {
		if !slices.Contains(overridable[check], action) {
			return fmt.Errorf("override of %.40q with %.20q", check, action)
		}
	}
	if len(p.stores) == 0 || len(p.identities) == 0 {
		return errors.New("trustStores and trustedIdentities are required")
	}
	for _, s := range p.stores {
		_, name, _ := strings.Cut(s, ":")
		if !storePattern.MatchString(s) || name == "." || name == ".." {
			return fmt.Errorf("trust store %.80q", s)
		}
	}
	ids, err := parseIdentities(p.identities)
	if err != nil {
		return err
	}
	return ids.overlap()
}

// Verifier returns the verifier of the policy whose scope is a repository, such as "registry.example.com/acme/app", without
// tag and digest, or else of the policy for "*". Its fields can be set further, AWS for one.
//
// Scopes and repository are compared as repositories, not as text: upper case in the host, the port 443 and the names of
// Docker Hub choose no other policy. Where only the scope without a port fits a name with port 80, which is the same
// repository over plain HTTP alone, no policy applies.
//
// Levels strict and permissive, and overrides of revocation, become [Verifier.Revocation]; whatever else a policy only logs
// is enforced. A policy that lets untrusted signatures pass (levels skip and audit, authenticity overridden) has no verifier:
// the error is [ErrTrust], as it is where no policy applies.
func (t *TrustPolicy) Verifier(repository string) (*Verifier, error) {
	if !repositoryPattern.MatchString(repository) { // else the policy for "*" would apply to a name that no scope can have
		return nil, fmt.Errorf("notary: %w: %.128q is no HOST/REPOSITORY", ErrTrust, repository)
	}
	applies := func(scope string) int {
		return slices.IndexFunc(t.policies, func(p namedPolicy) bool { return slices.Contains(p.scopes, scope) })
	}
	repository = imagename.Normal(repository, false)
	host, _, _ := strings.Cut(repository, "/")
	if err := imagename.CheckHost(host); err != nil {
		return nil, fmt.Errorf("notary: %w: %.128q: %w", ErrTrust, repository, err)
	}
	i := applies(repository)
	if plain := imagename.Normal(repository, true); i < 0 && applies(plain) >= 0 {
		return nil, fmt.Errorf("notary: %w: no policy applies to %.128q: write it as its scope, %s, if it is the same repository", ErrTrust,
			repository, plain)
	}
	if i < 0 {
		i = applies("*")
	}
	if i < 0 {
		return nil, fmt.Errorf("notary: %w: no policy applies to %.128q", ErrTrust, repository)
	}
	p := &t.policies[i]
	if p.level == "skip" || p.level == "audit" && p.override["authenticity"] != "enforce" || p.override["authenticity"] == "log" {
		return nil, fmt.Errorf("notary: %w: policy %.80q lets pass what is not trusted, and so verifies nothing", ErrTrust, p.name)
	}
	revocation := p.override["revocation"]
	if revocation == "" && p.level != "strict" {
		revocation = "log"
	}
	v := &Verifier{
		CA:               slices.Clone(p.trusted["ca"]),
		SigningAuthority: slices.Clone(p.trusted["signingAuthority"]),
		Identities:       slices.Clone(p.identities),
		TSA:              slices.Clone(p.trusted["tsa"]),
		RequireTimestamp: len(p.trusted["tsa"]) > 0 && p.stamp != "afterCertExpiry",
		Revocation:       map[string]Revocation{"log": RevocationSoft, "skip": RevocationOffUnsafe}[revocation],
	}
	return v, nil
}
