package document

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/policy/rules"
)

// The format of documents, version 1. Tags say how a field is written, what it is and what it has to be; shape.go reads them.

type spec struct {
	Version     int               `yaml:"version,required"`
	Name        string            `yaml:"name,required" format:"name"`
	Serial      int               `yaml:"serial,zero"`
	Expires     time.Time         `yaml:"expires"`
	Description string            `yaml:"description"`
	Trust       []trustSpec       `yaml:"trust"`
	Gates       []gateSpec        `yaml:"gates,names"`
	Rules       []ruleSetSpec     `yaml:"rules,names"`
	Images      []imageSpec       `yaml:"images,required"`
	Exceptions  []rules.Exception `yaml:"exceptions"`
	BreakGlass  *breakGlassSpec   `yaml:"breakGlass"`
	Injected    []injectedSpec    `yaml:"injected"`
}

type trustSpec struct {
	Name             string     `yaml:"name,required" format:"name"`
	Key              string     `yaml:"key,one" format:"publickey"`
	Kind             string     `yaml:"kind,one" format:"kind"`
	With             *yaml.Node `yaml:"with"`
	Schemes          []string   `yaml:"schemes" enum:"schemes"`
	Formats          []string   `yaml:"formats" enum:"bundle|dsse|simple-signing"`
	From             time.Time  `yaml:"from"`
	Until            time.Time  `yaml:"until"`
	CompromisedSince time.Time  `yaml:"compromisedSince"`
}

type gateSpec struct {
	Gate          string `yaml:"-,key"`
	Mode          string `yaml:"mode,required" enum:"deny|warn|audit"`
	Indeterminate string `yaml:"indeterminate" enum:"deny|warn"`
}

type ruleSetSpec struct {
	Name  string     `yaml:"-,key"`
	Rules []ruleSpec `yaml:"require,required"`
}

type imageSpec struct {
	Name    string      `yaml:"name" format:"name"`
	Match   []string    `yaml:"match,required" format:"image"`
	Require []ruleSpec  `yaml:"require,one"`
	Deny    string      `yaml:"deny,one"`
	Exempt  *exemptSpec `yaml:"exempt,one"`
	Gates   []gateSpec  `yaml:"gates,names"`
}

type breakGlassSpec struct {
	By      []string      `yaml:"by,required" ref:"trust"`
	AtLeast int           `yaml:"atLeast"`
	MaxAge  time.Duration `yaml:"maxAge"`
}

type exemptSpec struct {
	Owner   string    `yaml:"owner,required"`
	Reason  string    `yaml:"reason,required"`
	Expires time.Time `yaml:"expires,required"`
}

type injectedSpec struct {
	Name         string   `yaml:"name,required" format:"name"`
	Accounts     []string `yaml:"accounts,required" format:"account"`
	Regions      []string `yaml:"regions" format:"region"`
	Repositories []string `yaml:"repositories,required" format:"repopath"`
}

type whenSpec struct {
	Gates      []string `yaml:"gates"`
	Operations []string `yaml:"operations"`
	Users      []string `yaml:"users"`
	Groups     []string `yaml:"groups"`
	Clusters   []string `yaml:"clusters"`
	Namespaces []string `yaml:"namespaces"`
	Kinds      []string `yaml:"kinds"`
	Workloads  []string `yaml:"workloads"`
	Accounts   []string `yaml:"accounts" format:"account"`
	Regions    []string `yaml:"regions" format:"region"`
}

type atLeastSpec struct {
	N  int        `yaml:"n,required"`
	Of []ruleSpec `yaml:"of,required"`
}

type signatureSpec struct {
	By      []string      `yaml:"by" ref:"trust"`
	AtLeast int           `yaml:"atLeast"`
	MaxAge  time.Duration `yaml:"maxAge"`
}

type attestationSpec struct {
	Types      []string       `yaml:"types,required" format:"uri"`
	By         []string       `yaml:"by" ref:"trust"`
	AtLeast    int            `yaml:"atLeast"`
	Quantifier string         `yaml:"quantifier" enum:"some|every|newest"`
	MaxAge     time.Duration  `yaml:"maxAge"`
	Time       string         `yaml:"time" format:"pointer"`
	Condition  *conditionSpec `yaml:"condition"`
}

// summarySpec is vsa.Accept.
type summarySpec struct {
	Verifiers []verifierSpec `yaml:"verifiers,required"`
	Resources []string       `yaml:"resources"`
	Levels    []string       `yaml:"levels"`
	Policies  []string       `yaml:"policies" format:"digest"`
	MaxAge    time.Duration  `yaml:"maxAge"`
	Revoked   []string       `yaml:"revoked" format:"digest"`
	Results   bool           `yaml:"results"`
}

type verifierSpec struct {
	ID string   `yaml:"id,required" format:"uri"`
	By []string `yaml:"by,required" ref:"trust"`
}

type conditionSpec struct {
	CEL     *yaml.Node `yaml:"cel,required"`
	Forbids bool       `yaml:"forbids"`
	Message string     `yaml:"message"`
}

// ruleSpec is one rule: exactly one of the fields that say what is asked.
type ruleSpec struct {
	Name        string           `yaml:"name" format:"name"`
	When        *whenSpec        `yaml:"when,some"`
	Gates       []gateSpec       `yaml:"gates,names"`
	Use         string           `yaml:"use,one" ref:"rules"`
	AllOf       []ruleSpec       `yaml:"allOf,one"`
	AnyOf       []ruleSpec       `yaml:"anyOf,one"`
	AtLeast     *atLeastSpec     `yaml:"atLeast,one"`
	Signature   *signatureSpec   `yaml:"signature,one"`
	Attestation *attestationSpec `yaml:"attestation,one"`
	Summary     *summarySpec     `yaml:"summary,one"`

	SBOM            *rules.SBOM            `yaml:"sbom,one"`
	Components      *rules.Components      `yaml:"components,one"`
	Licenses        *rules.Licenses        `yaml:"licenses,one"`
	Vulnerabilities *rules.Vulnerabilities `yaml:"vulnerabilities,one"`
	Provenance      *rules.Provenance      `yaml:"provenance,one"`
	Keyless         *rules.Keyless         `yaml:"keyless,one"`
}
