package spdx2

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// element writes what is said of a package, a file or a snippet itself.
func (h writer) element(n *tree.Node, e *model.Element, refs *model.LicenseRefs) {
	if !e.File {
		h.writePackage(n, e)
	}
	writeHashes(n, e)
	for _, t := range e.Attributions {
		n.Add("attributionTexts", tree.NewText(t.S, t.From))
	}
	if !e.File {
		h.writeTimes(n, e)
	}
	refs.Write(n, e)
	if e.File && e.Snippet == nil {
		if !e.Comment.OK() {
			e.Comment = e.Description
		}
		e.Description.From.ExplainSelf(tree.Changed, "SPDX 2 has one text about a file")
	}
	n.Put("copyrightText", e.Copyright)
	n.Put("comment", e.Comment)
	n.Put("licenseComments", e.LicenseComment)
	if e.File {
		writeFile(e, n)
		return
	}
	e.MediaType.From.ExplainSelf(tree.Dropped, "SPDX has media types of files only")
	writeNames(n, e)
	writeReferences(n, e)
}

// writePackage writes what SPDX 2 says of packages only, up to their description.
func (h writer) writePackage(n *tree.Node, e *model.Element) {
	n.Put("versionInfo", e.Version)
	if purpose := purposes[e.Kind.S]; purpose != "" {
		n.Set("primaryPackagePurpose", tree.NewText(purpose, e.Kind.From))
	} else if e.Kind.OK() {
		n.Set("primaryPackagePurpose", tree.NewText("OTHER", e.Kind.From))
		e.Kind.From.ExplainSelf(tree.Changed, "SPDX has no such purpose; written as OTHER")
	} else {
		n.Put("primaryPackagePurpose", e.Purpose)
	}
	if e.Supplier.Named() {
		n.Set("supplier", actor(e.Supplier, model.OrOrganization(e.Supplier.Kind)))
	}
	writeOriginator(n, e)
	download := e.Download
	if download.S == "" {
		download = tree.Constant("NOASSERTION")
	}
	n.Set("downloadLocation", tree.NewText(download.S, append(e.Leaves, download.From)...))
	n.Set("filesAnalyzed", tree.NewLiteral("false"))
	h.Add("/packages", "SPDX wants a download location and asks whether files were analysed; NOASSERTION and false where the input "+
		"says nothing")
	n.Put("homepage", e.Homepage)
	n.Put("packageFileName", e.FileName)
	n.Put("sourceInfo", e.SourceInfo)
	n.Put("summary", e.Summary)
	n.Put("description", e.Description)
}

const oneOriginator = "SPDX 2 has one originator"

// writeOriginator writes who made a package, of whom there is one.
func writeOriginator(n *tree.Node, e *model.Element) {
	switch {
	case e.Manufacturer.Named():
		n.Set("originator", actor(e.Manufacturer, model.OrOrganization(e.Manufacturer.Kind)))
		explainParties(e.Authors, oneOriginator)
		e.Publisher.From.ExplainSelf(tree.Dropped, oneOriginator)
	case len(e.Authors) > 0 && e.Authors[0].Named():
		n.Set("originator", actor(&e.Authors[0], model.OrOrganization(e.Authors[0].Kind)))
		explainParties(e.Authors[1:], oneOriginator)
		e.Publisher.From.ExplainSelf(tree.Dropped, oneOriginator)
	case strings.TrimSpace(e.Publisher.S) != "":
		n.Set("originator", tree.NewText("Organization: "+e.Publisher.S, e.Publisher.From))
		e.Publisher.From.ExplainSelf(tree.Changed, "SPDX does not know publishers; written as originator")
	}
}

func writeHashes(n *tree.Node, e *model.Element) {
	for _, x := range e.Hashes {
		alg, reason := model.SPDX2Hashes[x.Alg.S], ""
		switch {
		case e.Snippet != nil && e.Snippet.Written:
			reason = "SPDX 2 has no hashes of parts of files"
		case alg == "":
			reason = "SPDX has no such hash algorithm"
		default:
			o := n.Add("checksums", tree.NewObject())
			o.Set("algorithm", tree.NewText(alg, x.Alg.From))
			v := o.Set("checksumValue", tree.NewText(strings.ToLower(x.Value.S), x.Value.From))
			if v.Text != x.Value.S {
				x.Value.From.ExplainSelf(tree.Changed, "SPDX writes hashes in lower case")
			}
			continue
		}
		x.Alg.From.ExplainSelf(tree.Dropped, reason)
		x.Value.From.ExplainSelf(tree.Dropped, reason)
	}
}

// writeTimes writes when a package was built and released, and the code of its files.
func (h writer) writeTimes(n *tree.Node, e *model.Element) {
	for i, t := range e.Dates {
		if t.OK() && spec.IsTime(t.S) {
			n.Put(model.SPDX2Dates[i], h.SPDXTime(t))
		}
	}
	if e.Verification.OK() {
		code := n.Set("packageVerificationCode", tree.NewObject())
		code.Put("packageVerificationCodeValue", e.Verification)
		for _, t := range e.Excluded {
			code.Add("packageVerificationCodeExcludedFiles", tree.NewText(t.S, t.From))
		}
	}
}

// addReference adds an external reference to a package, with what is remarked of its locator.
func addReference(n *tree.Node, e *model.Element, category, kind string, at tree.Text, from ...*tree.Node) *tree.Node {
	o := n.Add("externalRefs", tree.NewObject())
	o.Set("referenceCategory", tree.NewText(category))
	o.Set("referenceType", tree.NewText(kind, from...))
	o.Put("referenceLocator", at)
	if e.Remarks != nil {
		o.Put("comment", e.Remarks[at.From])
	}
	return o
}

// writeNames writes package URLs, CPE names and other identifiers.
func writeNames(n *tree.Node, e *model.Element) {
	for i, t := range e.PURLs {
		var from []*tree.Node
		if i == 0 {
			from = e.PURLFrom
		}
		addReference(n, e, "PACKAGE-MANAGER", "purl", t, from...)
	}
	for i, t := range e.CPEs {
		kind := "cpe22Type"
		if strings.HasPrefix(t.S, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		var from []*tree.Node
		if i == 0 && e.PURLs == nil {
			from = e.PURLFrom
		}
		addReference(n, e, "SECURITY", kind, t, from...)
	}
	for _, x := range e.Identifiers {
		if strings.ContainsAny(x.Value.S, " \t\n") {
			for _, n := range []*tree.Node{x.Kind.From, x.Value.From, x.Comment.From} {
				n.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			}
			continue
		}
		category, kind := "OTHER", x.Kind.S
		switch kind {
		case "swhid":
			category, kind = "PERSISTENT-ID", "swh"
		case "gitoid":
			category = "PERSISTENT-ID"
		case "swid":
			category = "SECURITY"
		}
		addReference(n, e, category, kind, x.Value, x.Kind.From).Put("comment", x.Comment)
	}
}

// categories are those of external references, as the schemas of 2.2 and 2.3 spell them.
var categories = []string{"OTHER", "PERSISTENT-ID", "PERSISTENT_ID", "SECURITY", "PACKAGE-MANAGER", "PACKAGE_MANAGER"}

func writeReferences(n *tree.Node, e *model.Element) {
	for i := range e.References {
		r := &e.References[i]
		if r.URL.S == "" || strings.ContainsAny(r.URL.S, " \t\n") {
			r.URL.From.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			continue
		}
		category := "OTHER"
		if slices.Contains(categories, r.Category.S) {
			category = r.Category.S
		}
		o := addReference(n, e, category, r.Kind.S, r.URL, r.Kind.From)
		o.Members[0].Value.StandOnly(r.Category.From)
		o.Put("comment", r.Comment)
	}
}

// explainReferences says why references and identifiers are lost.
func explainReferences(e *model.Element, reason string) {
	for _, r := range e.References {
		for _, n := range []*tree.Node{r.Category.From, r.Kind.From, r.URL.From, r.Comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, x := range e.Identifiers {
		for _, n := range []*tree.Node{x.Kind.From, x.Value.From, x.Comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, t := range slices.Concat(e.PURLs, e.CPEs, []tree.Text{e.Homepage, e.Download}) {
		t.From.ExplainSelf(tree.Dropped, reason)
	}
}

// writeFile writes what SPDX 2 says of files only.
func writeFile(e *model.Element, n *tree.Node) {
	if e.Snippet != nil {
		return
	}
	for _, t := range e.FileTypes {
		n.Add("fileTypes", tree.NewText(t.S, t.From))
	}
	if kind, _, ok := strings.Cut(e.MediaType.S, "/"); ok && e.FileTypes == nil && slices.Contains(mediaKinds, strings.ToUpper(kind)) {
		n.Add("fileTypes", tree.NewText(strings.ToUpper(kind), e.MediaType.From))
	}
	e.MediaType.From.ExplainSelf(tree.Changed, "SPDX 2 has kinds of files")
	explainReferences(e, "SPDX 2 has references and identifiers of packages, and none of files")
	for _, t := range e.Contributors {
		n.Add("fileContributors", tree.NewText(t.S, t.From))
	}
	who := slices.Clone(e.Authors)
	if e.Manufacturer != nil {
		who = append(who, *e.Manufacturer)
	}
	for i := range who {
		if p := &who[i]; p.Named() {
			n.Add("fileContributors", tree.NewText(p.Name.S, append(p.Also, p.Name.From)...))
		}
	}
	n.Put("noticeText", e.Notice)
}

// explainParties says why somebody is not named.
func explainParties(list []model.Party, reason string) {
	for i := range list {
		p := &list[i]
		for _, n := range append(slices.Clone(p.Also), p.Name.From, p.Email.From, p.URL.From, p.Version.From) {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
}
