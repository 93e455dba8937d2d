package quality

// NTIA2021 is NTIA's minimum elements of 2021, which CISA's of 2026 replace.
var NTIA2021 = &Profile{
	Name: "ntia-2021", Title: "NTIA Minimum Elements", Version: "2021-07-12",
	Source: "https://www.ntia.gov/report/2021/minimum-elements-software-bill-materials-sbom",
	Rules: []Rule{
		{ID: "supplier", Clause: "IV, Supplier Name", Title: "supplier name", Check: "producer"},
		{ID: "name", Clause: "IV, Component Name", Title: "component name", Check: "name"},
		{ID: "version", Clause: "IV, Version of the Component", Title: "component version", Check: "version"},
		{ID: "identifier", Clause: "IV, Other Unique Identifiers", Title: "other unique identifiers", Check: "identifier"},
		{ID: "dependencies", Clause: "IV, Dependency Relationship", Title: "dependency relationship", Check: "dependencies"},
		{ID: "author", Clause: "IV, Author of SBOM Data", Title: "author of SBOM data", Check: "author"},
		{ID: "timestamp", Clause: "IV, Timestamp", Title: "timestamp", Check: "timestamp"},
	},
}

const unread = "by published accounts of the text, which was not at hand"

// CISA2026 is CISA's minimum elements of 2026: 17 data fields, and what its practices ask of the data.
var CISA2026 = &Profile{
	Name: "cisa-2026", Title: "CISA Minimum Elements", Version: "2026-07-29",
	Source: "https://www.cisa.gov/sbom",
	Note:   "The rules are " + unread + ".",
	Rules: []Rule{
		{ID: "author", Clause: "Data Fields, SBOM Author", Title: "SBOM author", Check: "author", Note: unread},
		{ID: "author-signature", Clause: "Data Fields, SBOM Author Signature", Title: "SBOM author signature", Check: "author-signature",
			Note: unread + "; a signature beside the document counts when the caller verified it"},
		{ID: "format", Clause: "Data Fields, SBOM Data Format Name", Title: "SBOM data format name", Check: "format",
			Arg: "CycloneDX>=1.0 SPDX>=2.2", Note: unread},
		{ID: "format-version", Clause: "Data Fields, SBOM Data Format Version", Title: "SBOM data format version", Check: "format",
			Arg: "CycloneDX>=1.0 SPDX>=2.2", Note: unread},
		{ID: "generation-context", Clause: "Data Fields, SBOM Generation Context", Title: "SBOM generation context",
			Check: "generation-context", Note: unread},
		{ID: "timestamp", Clause: "Data Fields, SBOM Timestamp", Title: "SBOM timestamp", Check: "timestamp", Note: unread},
		{ID: "tool", Clause: "Data Fields, SBOM Tool Name", Title: "SBOM tool name", Check: "tool", Note: unread},
		{ID: "tool-version", Clause: "Data Fields, SBOM Tool Version", Title: "SBOM tool version", Check: "tool-version", Note: unread},
		{ID: "document-version", Clause: "Data Fields, SBOM Version", Title: "SBOM version", Check: "document-version", Note: unread},
		{ID: "producer", Clause: "Data Fields, Component Producer", Title: "component producer", Check: "producer", Unknown: true,
			Note: unread},
		{ID: "name", Clause: "Data Fields, Component Name", Title: "component name", Check: "name", Note: unread},
		{ID: "version", Clause: "Data Fields, Component Version", Title: "component version", Check: "version", Unknown: true,
			Note: unread},
		{ID: "identifier", Clause: "Data Fields, Component Identifiers", Title: "component identifiers", Check: "identifier", Note: unread},
		{ID: "hash-algorithm", Clause: "Data Fields, Component Hash Algorithm", Title: "component hash algorithm", Check: "hash",
			Note: unread},
		{ID: "hash-value", Clause: "Data Fields, Component Hash Value", Title: "component hash value", Check: "hash", Note: unread},
		{ID: "license", Clause: "Data Fields, Component License", Title: "component licence", Check: "license", Unknown: true,
			Note: unread},
		{ID: "dependencies", Clause: "Data Fields, Component Dependency Relationship", Title: "component dependency relationship",
			Check: "dependencies", Note: unread},
		{ID: "coverage", Clause: "Practices, Coverage", Title: "coverage: completeness is stated", Check: "completeness",
			Level: Recommended, Note: unread},
		{ID: "unknown", Clause: "Practices, Explicitly Identifying Unknown Information", Title: "what is unknown is said to be",
			Check: "unknown-marked", Level: Recommended, Note: unread + "; CycloneDX has no agreed way to say it"},
	},
}

// BSI21 is part 2 of BSI's TR-03183, version 2.1.0.
var BSI21 = &Profile{
	Name: "bsi-tr-03183-2-2.1", Title: "BSI TR-03183-2", Version: "2.1.0",
	Source: "https://www.bsi.bund.de/dok/TR-03183",
	Note: "Clauses are those of the sections on formats, required, additional and optional data fields; mappings to CycloneDX are " +
		"those of BSI's property taxonomy.",
	Rules: []Rule{
		{ID: "format", Clause: "4", Title: "format: CycloneDX 1.6 or SPDX 3.0.1, or later", Check: "format",
			Arg: "CycloneDX>=1.6 SPDX>=3.0.1"},
		{ID: "encoding", Clause: "4", Title: "encoding: JSON or XML", Check: "encoding", Arg: "JSON XML"},
		{ID: "creator", Clause: "5.2.1", Title: "creator of the SBOM, with mail address or URL", Check: "author-contact"},
		{ID: "timestamp", Clause: "5.2.1", Title: "timestamp", Check: "timestamp"},
		{ID: "component-creator", Clause: "5.2.2", Title: "component creator, with mail address or URL", Check: "producer-contact"},
		{ID: "name", Clause: "5.2.2", Title: "component name", Check: "name"},
		{ID: "version", Clause: "5.2.2", Title: "component version", Check: "version"},
		{ID: "filename", Clause: "5.2.2", Title: "file name of the component", Check: "filename"},
		{ID: "dependencies", Clause: "5.2.2", Title: "dependencies of the primary component", Check: "dependencies"},
		{ID: "completeness", Clause: "5.2.2", Title: "completeness of the dependencies of each component", Check: "component-dependencies"},
		{ID: "distribution-licence", Clause: "5.2.2", Title: "distribution licences", Check: "license-concluded"},
		{ID: "deployable-hash", Clause: "5.2.2", Title: "SHA-512 of the deployable component", Check: "deployable-hash"},
		{ID: "executable", Clause: "5.2.2", Title: "executable property", Check: "executable"},
		{ID: "archive", Clause: "5.2.2", Title: "archive property", Check: "archive"},
		{ID: "structured", Clause: "5.2.2", Title: "structured property", Check: "structured"},
		{ID: "sbom-uri", Clause: "5.2.3", Title: "SBOM-URI", Check: "document-id", Level: Conditional},
		{ID: "source", Clause: "5.2.4", Title: "source code URI", Check: "source", Level: Conditional},
		{ID: "download", Clause: "5.2.4", Title: "URI of the deployable form", Check: "download", Level: Conditional},
		{ID: "identifier", Clause: "5.2.4", Title: "other unique identifiers", Check: "identifier", Level: Conditional},
		{ID: "original-licence", Clause: "5.2.4", Title: "original licences", Check: "license-declared", Level: Conditional},
		{ID: "effective-licence", Clause: "5.2.5", Title: "effective licence", Check: "license-effective", Level: Recommended},
		{ID: "source-hash", Clause: "5.2.5", Title: "hash of the source code", Check: "source-hash", Level: Recommended},
		{ID: "security-txt", Clause: "5.2.5", Title: "URL of the security.txt", Check: "security-txt", Level: Recommended},
		{ID: "no-vulnerabilities", Clause: "3.1", Title: "no vulnerability information", Check: "no-vulnerabilities",
			Note: "the clause's number could not be checked"},
	},
}

// Telco11 is OpenChain's Telco SBOM Guide, version 1.1.
var Telco11 = &Profile{
	Name: "openchain-telco-1.1", Title: "OpenChain Telco SBOM Guide", Version: "1.1",
	Source: "https://github.com/OpenChain-Project/Telco-WG",
	Note:   "What SPDX itself makes mandatory may be NOASSERTION, as SPDX says.",
	Rules: []Rule{
		{ID: "format", Clause: "3.1", Title: "SPDX 2.2 or 2.3", Check: "format", Arg: "SPDX>=2.2..2.3"},
		{ID: "data-license", Clause: "3.2", Title: "DataLicense", Check: "data-license"},
		{ID: "document-name", Clause: "3.2", Title: "DocumentName", Check: "document-name"},
		{ID: "namespace", Clause: "3.2", Title: "DocumentNamespace", Check: "document-id"},
		{ID: "created", Clause: "3.2, 3.5", Title: "Created", Check: "timestamp"},
		{ID: "creator-comment", Clause: "3.2, 3.5", Title: "CreatorComment with the SBOM type", Check: "generation-context"},
		{ID: "creator-organization", Clause: "3.5", Title: "Creator: Organization", Check: "author-organization"},
		{ID: "creator-tool", Clause: "3.5", Title: "Creator: Tool", Check: "tool"},
		{ID: "creator-tool-version", Clause: "3.5", Title: "Creator: Tool with its version", Check: "tool-version"},
		{ID: "name", Clause: "3.2", Title: "PackageName", Check: "name"},
		{ID: "spdxid", Clause: "3.2", Title: "SPDXID", Check: "id"},
		{ID: "version", Clause: "3.2", Title: "PackageVersion", Check: "version", Unknown: true},
		{ID: "supplier", Clause: "3.2", Title: "PackageSupplier", Check: "producer", Arg: "supplier", Unknown: true},
		{ID: "download", Clause: "3.2", Title: "PackageDownloadLocation", Check: "download", Unknown: true},
		{ID: "license-concluded", Clause: "3.2", Title: "PackageLicenseConcluded", Check: "license-concluded", Unknown: true},
		{ID: "license-declared", Clause: "3.2", Title: "PackageLicenseDeclared", Check: "license-declared", Unknown: true},
		{ID: "copyright", Clause: "3.2", Title: "PackageCopyrightText", Check: "copyright", Unknown: true},
		{ID: "hash", Clause: "3.2", Title: "package hash", Check: "hash-or-code", Level: Recommended},
		{ID: "purl", Clause: "3.2", Title: "ExternalRef with a package URL", Check: "purl", Level: Recommended},
		{ID: "relationships", Clause: "3.2", Title: "Relationship: DESCRIBES and CONTAINS", Check: "describes"},
		{ID: "encoding", Clause: "3.3, 3.4", Title: "JSON or tag-value", Check: "encoding", Arg: "JSON tag-value"},
		{ID: "signature", Clause: "3.11", Title: "digital signature", Check: "author-signature", Level: Recommended},
	},
}
