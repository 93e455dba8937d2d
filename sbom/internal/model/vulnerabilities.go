package model

import "github.com/ladingdev/lading/sbom/internal/tree"

// A Vulnerability is what CycloneDX has in its vulnerabilities and SPDX 3 in its security profile.
type Vulnerability struct {
	ID, Description, Detail   tree.Text
	Source, SourceName        tree.Text // URL, and who gave the id
	Cwes                      []*tree.Node
	Published, Updated        tree.Text
	Advisories                []Reference
	Ratings                   []Rating
	State, Justification      tree.Text // CycloneDX's words
	Note, Response, Statement tree.Text // of the analysis: detail, what to do
	Affects                   []int
	AffectsFrom               [][]*tree.Node
	Said                      []*tree.Node // leaves that the form of the output says
}

type Rating struct {
	Method, Severity, Vector tree.Text
	Score                    *tree.Node
	Said                     []*tree.Node
	Source                   *Party // who rates
}
