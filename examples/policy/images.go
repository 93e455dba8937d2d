package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom/vuln"
)

// An image is one to be judged: good, but for what its function changes before it is signed.
type image struct {
	what     string
	culprits string // the names of the rules that refuse it; empty: it is good
	change   func(*build)
}

// A build is what is signed and attached; what is nil is not.
type build struct {
	profile  string // of AWS Signer that signs the image; empty: nobody does
	revoke   bool   // the profile, afterwards
	key      string // of AWS KMS that signs the SBOM
	document []byte // the SBOM
	env      map[string]string
	edit     func(*vuln.Report)
}

// good is how the workshop builds.
func good() *build {
	return &build{
		profile: "release", key: "alias/build", document: bytes.Clone(document),
		env: map[string]string{ // as AWS CodeBuild sets it
			"CODEBUILD_BUILD_ARN":               "arn:aws:codebuild:us-east-1:111122223333:build/shop:b1b1b8d9-0000-4000-8000-000000000001",
			"CODEBUILD_SOURCE_REPO_URL":         "https://github.com/acme/shop.git",
			"CODEBUILD_SOURCE_VERSION":          "refs/heads/main",
			"CODEBUILD_RESOLVED_SOURCE_VERSION": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
		},
		edit: func(*vuln.Report) {},
	}
}

// contains replaces a component of the SBOM.
func contains(old, new string) func(*build) {
	return func(b *build) { b.document = bytes.ReplaceAll(b.document, []byte(old), []byte(new)) }
}

// images are the good one, and ten ways to be wrong. The last takes the profile away from all.
var images = []image{
	{"the image, as the workshop builds it", "", func(*build) {}},
	{"nobody signed it", "signed", func(b *build) { b.profile = "" }},
	{"it is signed with a profile of the same account that is not trusted", "signed", func(b *build) { b.profile = "release2" }},
	{"it has no SBOM", "sbom, components", func(b *build) { b.document = nil }},
	{"a stranger's key signed its SBOM", "sbom, components", func(b *build) { b.key = "alias/stranger" }},
	{"a component in it is malware", "components", contains("left-pad@1.3.0", "event-stream@3.3.6")},
	{"Amazon Inspector found a critical vulnerability, and a version fixes it", "vulnerabilities",
		contains("minimist@1.2.8", "minimist@1.2.5")},
	{"the report of Amazon Inspector is a week old", "vulnerabilities", func(b *build) {
		b.edit = func(r *vuln.Report) {
			r.Started, r.Finished = r.Started.Add(-7*24*time.Hour), r.Finished.Add(-7*24*time.Hour)
		}
	}},
	{"another project of AWS CodeBuild built it", "build", func(b *build) {
		b.env["CODEBUILD_BUILD_ARN"] = "arn:aws:codebuild:us-east-1:111122223333:build/scratch:b1b1b8d9-0000-4000-8000-000000000002"
	}},
	{"it was built from a branch", "build", func(b *build) { b.env["CODEBUILD_SOURCE_VERSION"] = "refs/heads/try" }},
	{"AWS Signer revoked the profile that signed it", "signed", func(b *build) { b.revoke = true }},
}

// expect says what is wrong with a decision. Each of the wrong images is refused by its rules, and no other.
func (i image) expect(d *policy.Decision) error {
	var blamed []string
	for _, rule := range d.Culprits() {
		blamed = append(blamed, rule.RuleName)
	}
	switch {
	case i.culprits == "":
		if err := d.Err(); err != nil {
			return fmt.Errorf("%s: %w", i.what, err)
		}
	case d.Verdict != policy.Deny || strings.Join(blamed, ", ") != i.culprits:
		return fmt.Errorf("%s: %s must deny it: %+v", i.what, i.culprits, d)
	}
	return nil
}
