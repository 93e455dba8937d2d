package sbom

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Convert writes a document in another format, as JSON. The output keeps to the schema and the rules of its format:
// what would break them is left out. The Report says what became of everything; it is there even with [ErrLoss].
// Converting a document to the format that it has gives its JSON form unchanged, valid or not: see [Validate] and [Encode].
//
// Claims of several licences for one component become one SPDX expression with AND. Dependencies on what the document
// does not describe, and nesting that is no tree, have no place in the other specification and are reported.
func Convert(d *Document, target Format, o *ConvertOptions) (*Document, *Report, error) {
	if o == nil {
		o = &ConvertOptions{}
	}
	if err := spec.CheckCreated(o.Created); err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	if d.format == target {
		return Encode(d, JSON, o)
	}
	report := &Report{From: d.format, To: target, Open: d.form != nil && !d.form.Closed}
	src, err := tree.Parse(d.text())
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	if out := restore(d.format, src, target); out != nil {
		report.Restored = true
		return out, report, nil
	}
	if !isWritten(target) {
		return nil, nil, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, target)
	}
	if !o.DropSignatures && d.signed() {
		return nil, nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	out, text, added, err := convertTree(d, src, target, o)
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	out.Keep()
	if d.form != nil {
		reportExtras(d.form, report)
	}
	a := tree.AccountOf(src, whyLost(report.From, report.To))
	report.Values, report.Represented = report.Values+a.Values, report.Represented+a.Represented
	report.lose(a.Losses...)
	report.lose(added...)
	if o.Strict && !report.Lossless() {
		return nil, report, fmt.Errorf("sbom: %w: %d losses, the first at %s", ErrLoss, len(report.Losses), report.Losses[0].Path)
	}
	if o.Embed {
		if err := embed(out, d, target); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		report.Embedded = true
		text = out.Render()
	}
	doc, err := parseJSON(text)
	return doc, report, err
}

// convertTree makes the output, and its text as long as nothing is added to it.
func convertTree(d *Document, src *tree.Node, target Format, o *ConvertOptions) (out *tree.Node, text []byte, added []tree.Loss,
	err error) {
	from, to := specOf(d.format), specOf(target)
	if from == to {
		if out, err = from.Copy(src, d.format.Version, target.Version); err != nil {
			return nil, nil, nil, err
		}
	} else {
		h, err := from.Read(src)
		if err != nil {
			return nil, nil, nil, err
		}
		h.Input, h.Now = d.json, madeAt(o)
		h.Settle()
		out, added = to.Write(h), h.Added
	}
	if d.signed() {
		for _, s := range tree.Signatures(out, nil) {
			s.Explain(tree.Dropped, "a signature does not hold for another document")
		}
		tree.RemoveSignatures(out)
	}
	text, more, err := conform(out, target, madeAt(o))
	if err != nil {
		return nil, nil, nil, err
	}
	return out, text, append(added, more...), nil
}

// noPlace is the reason of what is lost and was looked for in vain in the other format's schema; notCarried of what that
// has a word for that is not used.
const (
	noPlace    = "the other format has no place for it"
	notCarried = "it is not carried over: the other format says it in another way"
)

// couldSay are words of other specifications for members that are not carried over, by the specifications that a document
// is converted from and to: what is below such a member is lost for the reason notCarried.
var couldSay = map[string]map[string]string{
	"SPDX 2 to SPDX 3": {"packageFileName": "hasDistributionArtifact", "fileTypes": "software_fileKind", "fileContributors": "originatedBy",
		"snippets": "software_Snippet", "seeAlsos": "externalRef", "licenseListVersion": "simplelicensing_licenseListVersion",
		"revieweds": "Annotation", "licenseComments": "comment", "noticeText": "software_attributionText", "comment": "comment"},
	"SPDX 2 to CycloneDX": {"fileTypes": "mime-type", "revieweds": "annotations", "annotations": "annotations",
		"licenseInfoFromFiles": "evidence",
		"licenseInfoInFiles":   "evidence", "seeAlsos": "url", "comment": "properties", "snippets": "occurrences",
		"fileContributors":        "authors",
		"packageVerificationCode": "properties", "attributionTexts": "properties", "noticeText": "properties",
		"licenseComments":    "properties",
		"licenseListVersion": "properties", "builtDate": "properties", "releaseDate": "properties", "validUntilDate": "properties"},
	"SPDX 3 to SPDX 2": {"comment": "comment",
		"simplelicensing_licenseListVersion": "licenseListVersion", "locationHint": "externalDocumentRefs",
		"import":       "externalDocumentRefs",
		"namespaceMap": "externalDocumentRefs", "dataLicense": "dataLicense", "description": "description", "name": "name",
		"originatedBy":                "originator",
		"simplelicensing_licenseText": "extractedText", "simplelicensing_customIdToUri": "seeAlsos", "externalRef": "externalRefs"},
	"SPDX 3 to CycloneDX": {"dataLicense": "licenses",
		"comment": "properties", "description": "description", "name": "name", "import": "externalReferences",
		"namespaceMap":                "externalReferences",
		"simplelicensing_licenseText": "text", "software_attributionText": "properties", "builtTime": "properties",
		"releaseTime":    "properties",
		"validUntilTime": "properties", "verifiedUsing": "hashes"},
	"CycloneDX to SPDX 2": {"vulnerabilities": "SECURITY",
		"properties": "annotations", "externalReferences": "externalRefs", "supplier": "supplier", "publisher": "originator",
		"authors": "originator",
		"author":  "originator", "vendor": "creators", "licenses": "dataLicense", "expressionDetails": "extractedText",
		"annotations": "annotations",
		"metadata":    "creationInfo", "manufacturer": "originator"},
	"CycloneDX to SPDX 3": {"data": "dataset_DatasetPackage", "formulation": "build_Build", "externalReferences": "externalRef",
		"supplier": "suppliedBy", "publisher": "originatedBy", "authors": "originatedBy", "author": "originatedBy", "vendor": "createdBy",
		"tools": "Tool", "licenses": "dataLicense", "expressionDetails": "simplelicensing_licenseText", "annotations": "Annotation",
		"credits":        "reportedBy",
		"recommendation": "security_actionStatement", "workaround": "security_actionStatement", "manufacturer": "originatedBy",
		"properties":      "extension_cdxProperty",
		"vulnerabilities": "security_Vulnerability", "hashes": "verifiedUsing", "releaseNotes": "releaseNotes"},
}

// whyLost gives the reason of a loss that nobody gave one for.
func whyLost(from, to Format) func(*jsonpointer.Path) string {
	could := couldSay[specOf(from).Name+" to "+specOf(to).Name]
	return func(path *jsonpointer.Path) string {
		for name := range path.Names() {
			if could[name] != "" {
				return notCarried
			}
		}
		return noPlace
	}
}
