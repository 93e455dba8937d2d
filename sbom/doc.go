// Package sbom reads, makes, checks and converts software bills of materials: CycloneDX and SPDX, one model over both,
// and nothing lost that it does not say.
//
// # What most people call
//
// [Parse] reads a document of any format; which one, it finds out. [GoBinary] makes one from a Go binary, [GoDir] from all
// of a directory. A [Document]
// is a predicate as it stands, to be signed and attached: its bytes are the ones that were read, never written anew.
//
//	doc, err := sbom.Parse(file)
//	for ref, c := range doc.Components() {
//		fmt.Println(c.Name, c.Version, c.PURL, doc.Licenses(ref))
//	}
//
// Components are known by a [Ref], their place in the document. [Document.ByID], [Document.ByPURL] and
// [Document.ByHash] find them, [Document.Graph] follows what depends on what, [Component.Raw] is all that the document
// says of one, for what this package has no word for. [Document.About] and [Document.Details] are what it says of itself
// and of a component in one vocabulary.
//
// [Validate] holds a document against its specification, [Convert] writes it in another format and accounts for
// everything in it, [Document.Edit] changes one thing and leaves every other byte alone. [Diff] says what is different in
// another document, [Merge] makes one of several, [Document.Subset] one of a part. [ParsePURL] takes package URLs apart.
//
// # Formats
//
//	                  read     written
//	CycloneDX JSON    1.2-1.7  1.2-1.7
//	CycloneDX XML     1.0-1.7  1.2-1.7
//	SPDX 2 JSON       2.2 2.3  2.2 2.3
//	SPDX 2 tag-value  2.2 2.3  2.2 2.3
//	SPDX 2 YAML, XML, RDF/XML  2.2 2.3
//	SPDX 3 JSON-LD    3.0.0 3.0.1  3.0.1
//
// Every other encoding is read by way of its JSON form of the same version. [Convert] writes JSON, [Encode] the other
// encodings.
//
// # What is strict
//
// JSON is read as two readers of one signed document must: a name occurs once in its object and is compared to the
// letter, text is valid UTF-8, nesting and size are bounded. References that lead nowhere are kept and come as [None]:
// published documents have them. Parse asks for no more than it needs; a document that breaks its specification can be
// read, and Validate says where.
//
// # What it is not for
//
// It does not judge a document: see sbom/quality. It does not look into images or directories: see sbom/catalog. It does
// not sign: hand the Document to package sign. Programs written for cyclonedx-go or tools-golang are served by
// sbom/cyclonedx and sbom/spdx.
package sbom
