package cel

import (
	"reflect"
	"time"
)

// The shapes of predicates whose fields are known when a condition is loaded. They have what conditions are written about, not all
// that a format has: raw has that. A field that a predicate lacks is empty: "" or 0, false, an empty list; has(predicate.x) tells.

// Provenance is SLSA provenance v1 (slsa.dev/spec/v1.2/build-provenance).
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what it says, in Provenance.
type BuildDefinition struct {
	BuildType            string         `json:"buildType"`
	ExternalParameters   map[string]any `json:"externalParameters"`
	InternalParameters   map[string]any `json:"internalParameters"`
	ResolvedDependencies []Resource     `json:"resolvedDependencies"`
}

// RunDetails is what it says, in Provenance.
type RunDetails struct {
	Builder    Builder     `json:"builder"`
	Metadata   RunMetadata `json:"metadata"`
	Byproducts []Resource  `json:"byproducts"`
}

// Builder is what it says, in RunDetails.
type Builder struct {
	ID                  string            `json:"id"`
	Version             map[string]string `json:"version"`
	BuilderDependencies []Resource        `json:"builderDependencies"`
}

// RunMetadata is what it says, in RunDetails.
type RunMetadata struct {
	InvocationID string    `json:"invocationId"`
	StartedOn    time.Time `json:"startedOn"`
	FinishedOn   time.Time `json:"finishedOn"`
}

// Resource is in-toto's ResourceDescriptor.
type Resource struct {
	Name             string            `json:"name"`
	URI              string            `json:"uri"`
	Digest           map[string]string `json:"digest"`
	MediaType        string            `json:"mediaType"`
	DownloadLocation string            `json:"downloadLocation"`
}

// CycloneDX is a CycloneDX document, of any version in JSON.
type CycloneDX struct {
	BOMFormat       string          `json:"bomFormat"`
	SpecVersion     string          `json:"specVersion"`
	SerialNumber    string          `json:"serialNumber"`
	Version         int             `json:"version"`
	Metadata        Metadata        `json:"metadata"`
	Components      []Component     `json:"components"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
}

// Metadata is what it says, in CycloneDX.
type Metadata struct {
	Timestamp time.Time `json:"timestamp"`
	Component Component `json:"component"`
	Supplier  Supplier  `json:"supplier"`
}

// Supplier is what it says, in Metadata.
type Supplier struct {
	Name string `json:"name"`
}

// Component is a component of CycloneDX.
type Component struct {
	Type      string     `json:"type"`
	Group     string     `json:"group"`
	Name      string     `json:"name"`
	Version   string     `json:"version"`
	PURL      string     `json:"purl"`
	CPE       string     `json:"cpe"`
	Scope     string     `json:"scope"`
	BOMRef    string     `json:"bom-ref" cel:"bomRef"`
	Publisher string     `json:"publisher"`
	Licenses  []License  `json:"licenses"`
	Hashes    []Hash     `json:"hashes"`
	Property  []Property `json:"properties"`
}

// License is a licence of a component of CycloneDX.
type License struct {
	License    LicenseChoice `json:"license"`
	Expression string        `json:"expression"`
}

// LicenseChoice is what it says, in License.
type LicenseChoice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Hash is a hash of a component of CycloneDX.
type Hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

// Property is a property of a component of CycloneDX.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Vulnerability is a vulnerability of CycloneDX.
type Vulnerability struct {
	ID       string   `json:"id"`
	Ratings  []Rating `json:"ratings"`
	Analysis Analysis `json:"analysis"`
}

// Rating is what it says, in Vulnerability.
type Rating struct {
	Severity string  `json:"severity"`
	Score    float64 `json:"score"`
	Method   string  `json:"method"`
}

// Analysis is what it says, in Vulnerability.
type Analysis struct {
	State         string `json:"state"`
	Justification string `json:"justification"`
}

// SPDX is a document of SPDX 2.2 or 2.3 in JSON.
type SPDX struct {
	SPDXVersion       string       `json:"spdxVersion"`
	Name              string       `json:"name"`
	DocumentNamespace string       `json:"documentNamespace"`
	CreationInfo      CreationInfo `json:"creationInfo"`
	Packages          []Package    `json:"packages"`
}

// CreationInfo is what it says, in SPDX.
type CreationInfo struct {
	Created  time.Time `json:"created"`
	Creators []string  `json:"creators"`
}

// Package is a package of SPDX.
type Package struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	VersionInfo      string        `json:"versionInfo"`
	Supplier         string        `json:"supplier"`
	Originator       string        `json:"originator"`
	DownloadLocation string        `json:"downloadLocation"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	ExternalRefs     []ExternalRef `json:"externalRefs"`
}

// ExternalRef is what it says, in Package.
type ExternalRef struct {
	ReferenceCategory string `json:"referenceCategory"`
	ReferenceType     string `json:"referenceType"`
	ReferenceLocator  string `json:"referenceLocator"`
}

// Vulns is in-toto's vulns v0.2 (in-toto/attestation, spec/predicates/vulns_02.md).
type Vulns struct {
	Scanner  Scanner      `json:"scanner"`
	Metadata ScanMetadata `json:"metadata"`
}

// Scanner is what it says, in Vulns.
type Scanner struct {
	URI     string    `json:"uri"`
	Version string    `json:"version"`
	DB      Database  `json:"db"`
	Result  []Finding `json:"result"`
}

// Database is what it says, in Scanner.
type Database struct {
	URI        string    `json:"uri"`
	Version    string    `json:"version"`
	LastUpdate time.Time `json:"lastUpdate"`
}

// Finding is what it says, in Scanner.
type Finding struct {
	ID       string     `json:"id"`
	Severity []Severity `json:"severity"`
}

// Severity is what it says, in Finding.
type Severity struct {
	Method string `json:"method"`
	Score  string `json:"score"`
}

// ScanMetadata is what it says, in Vulns.
type ScanMetadata struct {
	ScanStartedOn  time.Time `json:"scanStartedOn"`
	ScanFinishedOn time.Time `json:"scanFinishedOn"`
}

// TestResult is in-toto's test-result v0.1 (spec/predicates/test-result.md).
type TestResult struct {
	Result        string     `json:"result"`
	Configuration []Resource `json:"configuration"`
	URL           string     `json:"url"`
	PassedTests   []string   `json:"passedTests"`
	WarnedTests   []string   `json:"warnedTests"`
	FailedTests   []string   `json:"failedTests"`
}

// Summary is SLSA's verification summary v1 (slsa.dev/spec/v1.2/verification_summary).
type Summary struct {
	Verifier           Verifier  `json:"verifier"`
	TimeVerified       time.Time `json:"timeVerified"`
	ResourceURI        string    `json:"resourceUri"`
	Policy             Resource  `json:"policy"`
	VerificationResult string    `json:"verificationResult"`
	VerifiedLevels     []string  `json:"verifiedLevels"`
	SLSAVersion        string    `json:"slsaVersion"`
}

// Verifier is what it says, in Summary.
type Verifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

// predicates are the shapes by predicate type.
var predicates = map[string]reflect.Type{
	"https://slsa.dev/provenance/v1":                  reflect.TypeFor[Provenance](),
	"https://cyclonedx.org/bom":                       reflect.TypeFor[CycloneDX](),
	"https://cyclonedx.org/bom/v1.4":                  reflect.TypeFor[CycloneDX](),
	"https://cyclonedx.org/bom/v1.5":                  reflect.TypeFor[CycloneDX](),
	"https://cyclonedx.org/bom/v1.6":                  reflect.TypeFor[CycloneDX](),
	"https://cyclonedx.org/bom/v1.7":                  reflect.TypeFor[CycloneDX](),
	"https://spdx.dev/Document":                       reflect.TypeFor[SPDX](),
	"https://spdx.dev/Document/v2.2":                  reflect.TypeFor[SPDX](),
	"https://spdx.dev/Document/v2.3":                  reflect.TypeFor[SPDX](),
	"https://in-toto.io/attestation/vulns/v0.2":       reflect.TypeFor[Vulns](),
	"https://in-toto.io/attestation/test-result/v0.1": reflect.TypeFor[TestResult](),
	"https://slsa.dev/verification_summary/v1":        reflect.TypeFor[Summary](),
}

// Signer is one who signed.
type Signer struct {
	Name     string            `json:"name"`     // in trust
	Entries  []string          `json:"entries"`  // all entries of trust that match
	Subject  string            `json:"subject"`  // of a certificate or an account
	Issuer   string            `json:"issuer"`   // who vouches for it
	Key      string            `json:"key"`      // hex SHA-256 of the public key
	SignedAt time.Time         `json:"signedAt"` // only a proven time; 0001-01-01 without one
	Claims   map[string]string `json:"claims"`   // that are proven of a keyless identity
}

// Subject is the image.
type Subject struct {
	Digest      string            `json:"digest"`
	Name        string            `json:"name"` // as it was signed
	Annotations map[string]string `json:"annotations"`
}

// Request is who asks for what: see policy.Request.
type Request struct {
	Gate       string            `json:"gate"`
	Operation  string            `json:"operation"`
	User       string            `json:"user"`
	Groups     []string          `json:"groups"`
	Cluster    string            `json:"cluster"`
	Namespace  string            `json:"namespace"`
	Kind       string            `json:"kind"`
	Workload   string            `json:"workload"`
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	DryRun     bool              `json:"dryRun"`
	Attributes map[string]string `json:"attributes"`
}
