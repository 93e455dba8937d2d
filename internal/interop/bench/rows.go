package main

// A suite is a test binary, and the benchmarks of it that are run.
type suite struct {
	module string // its folder, from the root of the repository
	pkg    string // from there
	bench  string // names of benchmarks, with | between them
	time   string // for -test.benchtime
	env    []string
	heavy  bool // compiles or runs for minutes: left out by -quick

	quickEnv    []string // in place of env, for -quick
	args, quick []string // of a program that is no test, and prints Go's benchmark format
}

// pattern is for -test.bench.
func (s *suite) pattern() string { return "^Benchmark(" + s.bench + ")$" }

// A value is what a benchmark reports: the name without "Benchmark", and the unit.
type value struct{ bench, unit string }

// sense is how a row's figure is read.
type sense int

const (
	timesFloor sense = iota // of what cannot be left out: less is better
	asFast                  // as the peer: more is better
	share                   // of the peer's: less is better
	most                    // in a unit of its own: less is better
)

// A row is one line of the page: a figure, or the ratio of two of one run, beside what it is to be.
type row struct {
	area, work, beside string
	sense              sense
	figure             value
	over               value // the figure is divided by this one, if it is named
	goal               float64
	unit               string // of sense most
	floor              *floor // what bounds it, for a goal that is missed
}

// A floor is why a goal is missed: a sentence, and a figure of the same run that shows it.
type floor struct {
	why    string
	figure value
	over   value
}

const (
	root    = "."
	interop = "internal/interop"
	own     = "internal/interop/bench"
)

var suites = []suite{
	// For a second: a few runs of what is quick would tell what new memory costs.
	{module: own, pkg: "./sbom", bench: "ReadCycloneDX|ReadSPDX|Dependents", time: "1s", quickEnv: []string{"LADING_COMPONENTS=200"}},
	{module: own, pkg: "./sbom", bench: "WriteUnchanged", time: "200x", quickEnv: []string{"LADING_COMPONENTS=200"}},
	{module: own, pkg: "./sbom", bench: "LargeGraph|LargeDiff", time: "10x", quickEnv: []string{"LADING_COMPONENTS=200"}},
	{module: root, pkg: "./verify", bench: "Verify4KiB|Keys100|Collect1000|Verify10MiB", time: "300ms", heavy: true},
	{module: interop, pkg: "./sigstore", bench: "AgainstSigstoreGo|KeylessAgainstSigstoreGo", time: "60x", heavy: true},
	{module: interop, pkg: "./keyless", bench: "Bundle|Root", time: "100x", heavy: true},
	{module: interop, pkg: "./notary", bench: "AgainstNotationGo", time: "60x", heavy: true},
	{module: root, pkg: "./policy/document", bench: "Load", time: "20x"},
	{module: root, pkg: "./policy", bench: "Replay", time: "5x", heavy: true},
	{module: "policy/document/cel", pkg: ".", bench: "Condition", time: "20x", heavy: true},
	{module: root, pkg: "./policy/rules", bench: "LicensesBeside", time: "10x", heavy: true},
	{module: root, pkg: "./policy/k8sgate", bench: "Warm", time: "2000x", heavy: true},
	{module: root, pkg: "./policy/gate", bench: "Cold", time: "20x", heavy: true},
	{module: "internal/interop/policy", pkg: ".", bench: "Decide|Profile", time: "2x", heavy: true},
	{module: root, pkg: "./registry", bench: "EvidenceAtDistance", time: "1x", heavy: true},
	{module: root, pkg: "./sbom", bench: "WriteBuilt", time: "3x", heavy: true},
	{module: root, pkg: "./sbom/vuln/osv", bench: "Open|Scan", time: "30x", env: []string{"LADING_HEAVY=1"}, heavy: true},
	{module: "internal/interop/copy", pkg: ".", bench: "Copy|Memory", time: "3x", heavy: true},
	{module: own, pkg: "./sbomtable", args: []string{"-lines", "-sizes", "20000", "-time", "2s"},
		quick: []string{"-lines", "-sizes", "200", "-time", "1ms"}},
	{module: root, pkg: ".", bench: "VerifyAfterSigning", time: "200x", heavy: true},
	{module: root, pkg: "./sbom/vuln/osv", bench: "Build", time: "1x", env: []string{"LADING_HEAVY=1"}, heavy: true},
	{module: "policy/ecsgate/sweep", pkg: ".", bench: "Tasks", time: "2x", heavy: true},
	{module: "examples", pkg: "./node-gate", bench: "Start", time: "30x", heavy: true},
	{module: "internal/interop/lambda", pkg: ".", bench: "ColdStart", time: "5x", heavy: true},
}

const (
	sboms    = "SBOMs"
	keys     = "Signatures with keys"
	keyless  = "Keyless signatures"
	notary   = "Notary Project"
	registry = "Registries"
	vulns    = "Vulnerabilities"
	policies = "Policies"
	doors    = "Doors"
)

// Libraries that figures stand beside, for whose versions the build information of the binaries is asked.
const (
	cyclonedxGo = "github.com/CycloneDX/cyclonedx-go"
	toolsGolang = "github.com/spdx/tools-golang"
	protobom    = "github.com/protobom/protobom"
	sigstoreGo  = "github.com/sigstore/sigstore-go"
	notationGo  = "github.com/notaryproject/notation-go"
	cosign      = "github.com/sigstore/cosign/v3"
	orasGo      = "oras.land/oras-go/v2"
	regclient   = "github.com/regclient/regclient"
	opa         = "github.com/open-policy-agent/opa"
	celGo       = "cel.dev/cel-go"
	ggcr        = "github.com/google/go-containerregistry"
)

// Several libraries, beside which a figure stands.
const (
	fasterCopy = "the faster of oras-go and regclient"
	bothTools  = "cosign and notation-go"
	bothLambda = "the same on notation-go and cosign's libraries"
)

// libraries are the modules' paths of what a figure stands beside. Of a floor there are none.
func libraries(beside string) []string {
	switch beside {
	case cyclonedxGo, toolsGolang, protobom, sigstoreGo, notationGo, cosign, orasGo, regclient, opa, celGo, ggcr:
		return []string{beside}
	case fasterCopy:
		return []string{orasGo, regclient}
	case bothTools, bothLambda:
		return []string{cosign, notationGo}
	}
	return nil
}

// ns is the figure of a benchmark by itself.
func ns(bench string) value { return value{bench, "ns/op"} }

// verbs is a figure of sbomtable: processor time for a document of 20,000 components.
func verbs(job string) value { return value{"Verbs/" + job, "cpu-ns/op"} }

// verb is a row on what comes after reading, beside the reading of the same document.
func verb(work, job, parse string, goal float64) row {
	return row{area: sboms, work: work + ", 20,000 components", beside: "sbom.Parse of its input", sense: timesFloor, figure: verbs(job),
		over: verbs(parse), goal: goal,
		floor: &floor{why: "reading its JSON and, of a conversion, writing and reading the output, with nothing done to them, takes, " +
			"times sbom.Parse,", figure: value{"Verbs/" + job, "floor-ns/op"}, over: verbs(parse)}}
}

// large is a row on 100,000 components, in milliseconds, beside the floor that is measured with it.
func large(work, bench, unit string, goal float64, why string) row {
	return row{area: sboms, work: work, sense: most, figure: value{bench, unit}, goal: goal, unit: "ms",
		floor: &floor{why: why, figure: value{bench, unit + "-floor"}}}
}

var rows = []row{
	{area: sboms, work: "read CycloneDX, 10,000 components", beside: cyclonedxGo, sense: asFast, figure: ns("ReadCycloneDX/cyclonedx-go"),
		over: ns("ReadCycloneDX/lading"), goal: 5},
	{area: sboms, work: "read CycloneDX, 10,000 components", beside: protobom, sense: asFast, figure: ns("ReadCycloneDX/protobom"),
		over: ns("ReadCycloneDX/lading"), goal: 5},
	{area: sboms, work: "read CycloneDX, 10,000 components", beside: "encoding/json, tokens alone", sense: asFast,
		figure: ns("ReadCycloneDX/encoding-json-tokens"), over: ns("ReadCycloneDX/lading")},
	{area: sboms, work: "read SPDX 2.3, 10,000 components", beside: toolsGolang, sense: asFast, figure: ns("ReadSPDX/tools-golang"),
		over: ns("ReadSPDX/lading"), goal: 15},
	{area: sboms, work: "read SPDX 2.3, 10,000 components", beside: protobom, sense: asFast, figure: ns("ReadSPDX/protobom"),
		over: ns("ReadSPDX/lading"), goal: 15},
	{area: sboms, work: "write what was read, unchanged", beside: "a copy in memory", sense: timesFloor,
		figure: value{"WriteUnchanged", "x-of-copy"}, goal: 1.5},
	{area: sboms, work: "write, indented", beside: cyclonedxGo, sense: asFast,
		figure: value{"WriteBuilt/lading", "times_cyclonedx-go"}, goal: 2},
	{area: sboms, work: "write, indented; the peer on one line", beside: cyclonedxGo, sense: asFast,
		figure: value{"WriteBuilt/lading", "times_cyclonedx-go_on_one_line"}, goal: 2,
		floor: &floor{why: "ours writes more bytes, the line breaks and indentation"}},
	verb("validate CycloneDX", "Validate_CycloneDX", "Parse_CycloneDX", 4),
	verb("validate SPDX 2.3", "Validate_SPDX_2.3", "Parse_SPDX_2.3", 0),
	verb("validate SPDX 3", "Validate_SPDX_3", "Parse_SPDX_3", 10),
	verb("convert CycloneDX 1.6 to 1.5, with what is lost", "Convert_1.6_to_1.5", "Parse_CycloneDX", 8),
	verb("convert CycloneDX to SPDX 2.3", "CycloneDX_to_SPDX_2.3", "Parse_CycloneDX", 12),
	verb("convert CycloneDX to SPDX 3", "CycloneDX_to_SPDX_3", "Parse_CycloneDX", 20),
	verb("convert SPDX 2.3 to CycloneDX", "SPDX_2.3_to_CycloneDX", "Parse_SPDX_2.3", 0),
	verb("write as XML", "Encode_to_XML", "Parse_CycloneDX", 20),
	verb("read XML", "Parse_XML", "Parse_CycloneDX", 12),
	verb("details of all components", "Details_of_all", "Parse_CycloneDX", 2),
	verb("judge by NTIA's profile", "quality,_NTIA", "Parse_CycloneDX", 2),
	verb("difference, one document in another order", "Diff,_another_order", "Parse_CycloneDX", 0.6),
	{area: sboms, work: "convert CycloneDX 1.6 to 1.5, from bytes to bytes", beside: cyclonedxGo, sense: asFast,
		figure: verbs("cyclonedx-go_1.6_to_1.5"), over: verbs("Convert_1.6_to_1.5"), goal: 1.5},
	{area: sboms, work: "write as XML", beside: cyclonedxGo, sense: asFast, figure: verbs("cyclonedx-go_JSON_to_XML"),
		over: verbs("Encode_to_XML"), goal: 1},
	{area: sboms, work: "read XML", beside: cyclonedxGo, sense: asFast, figure: verbs("cyclonedx-go_decode_XML"),
		over: verbs("Parse_XML"), goal: 1},
	{area: sboms, work: "who depends on one of 10,000 components", beside: protobom, sense: asFast, figure: ns("Dependents/protobom"),
		over: ns("Dependents/lading"), goal: 10},
	large("who depends on one of 100,000 components", "LargeGraph", "ms-dependents", 3,
		"a plain search over the same edges as lists of numbers takes, in ms,"),
	large("shortest path among 100,000 components", "LargeGraph", "ms-path", 5,
		"a plain search over the same edges as lists of numbers, which forgets the way, takes, in ms,"),
	large("difference of two documents of 100,000 components", "LargeDiff", "ms-in-order", 80,
		"finding each name in a map and comparing the bytes takes, in ms,"),
	large("the same, one document reversed", "LargeDiff", "ms-reversed", 80,
		"finding each name in a map and comparing the bytes takes, in ms,"),

	{area: keys, work: "verify a bundle of a 4 KiB SBOM", beside: "ECDSA and SHA-256 alone", sense: timesFloor,
		figure: value{"Verify4KiB", "x-of-floor"}, goal: 1.25,
		floor: &floor{why: "what is above is base64 and the strict reading of bundle, envelope and statement"}},
	{area: keys, work: "verify a bundle of a 4 KiB SBOM", beside: sigstoreGo, sense: asFast,
		figure: value{"AgainstSigstoreGo/4KiB", "x-faster"}, goal: 3},
	{area: keys, work: "the same, allocations", beside: sigstoreGo, sense: asFast,
		figure: value{"AgainstSigstoreGo/4KiB", "x-fewer-allocs"}, goal: 10},
	{area: keys, work: "verify a bundle of a 1 MiB SBOM", beside: sigstoreGo, sense: asFast,
		figure: value{"AgainstSigstoreGo/1MiB", "x-faster"}, goal: 3},
	{area: keys, work: "verify a bundle of a 10 MiB SBOM", beside: "base64, SHA-256 and one strict scan", sense: timesFloor,
		figure: value{"Verify10MiB", "x-of-floor"}, goal: 1.5},
	{area: keys, work: "verify with 100 trusted keys, the bundle has a hint", beside: "one key", sense: timesFloor,
		figure: value{"Keys100/hint", "x-of-floor"}, goal: 3},
	{area: keys, work: "1,000 candidates, of which one counts, on all processors", beside: "1,000 checks of ECDSA on one",
		sense: timesFloor, figure: value{"Collect1000", "x-of-floor"}},
	{area: keys, work: "verify after signing, of each signature", beside: "ECDSA alone", sense: timesFloor,
		figure: value{"VerifyAfterSigning", "verifies/signature"}, goal: 1.05},

	{area: keyless, work: "verify a bundle, Rekor v1, Fulcio", beside: "the signature checks alone", sense: timesFloor,
		figure: value{"Bundle/happy-path-v0.2", "×floor"}, goal: 1.3},
	{area: keyless, work: "verify a bundle, Rekor v1, Fulcio", beside: sigstoreGo, sense: asFast,
		figure: value{"Bundle/happy-path-v0.2", "×faster"}, goal: 2.3},
	{area: keyless, work: "verify a bundle of npm's provenance", beside: "the signature checks alone", sense: timesFloor,
		figure: value{"Bundle/bundle-provenance", "×floor"}, goal: 1.3,
		floor: &floor{why: "the statement is large, and the floor leaves its hash and its reading out"}},
	{area: keyless, work: "verify a bundle of npm's provenance", beside: sigstoreGo, sense: asFast,
		figure: value{"Bundle/bundle-provenance", "×faster"}, goal: 2.3},
	{area: keyless, work: "verify a bundle, Rekor v2, timestamp", beside: "the signature checks alone", sense: timesFloor,
		figure: value{"Bundle/rekor2-timestamp-with-embedded-cert", "×floor"}, goal: 1.3},
	{area: keyless, work: "verify a bundle, Rekor v2, timestamp", beside: sigstoreGo, sense: asFast,
		figure: value{"Bundle/rekor2-timestamp-with-embedded-cert", "×faster"}, goal: 2.3},
	{area: keyless, work: "the same, allocations", beside: sigstoreGo, sense: share,
		figure: value{"Bundle/rekor2-timestamp-with-embedded-cert", "ours-allocs"},
		over:   value{"Bundle/rekor2-timestamp-with-embedded-cert", "sigstore-go-allocs"}, goal: 0.1,
		floor: &floor{why: "a small bundle, of which the certificates and the timestamp token are most of what is allocated, by " +
			"crypto/x509 and encoding/asn1"}},
	{area: keyless, work: "load the production root", sense: most, figure: value{"Root", "ours-µs"}, goal: 5000, unit: "µs"},
	{area: keyless, work: "load the production root", beside: sigstoreGo, sense: asFast, figure: value{"Root", "sigstore-go-µs"},
		over: value{"Root", "ours-µs"}},
	{area: keyless, work: "sign with a job's identity, Rekor v1", beside: "the round trips, two signatures and one verification",
		sense: timesFloor, figure: value{"KeylessAgainstSigstoreGo/tiles=false", "x-floor"}, goal: 1.2,
		floor: &floor{why: "of what is computed here, the round trips left out, it takes",
			figure: value{"KeylessAgainstSigstoreGo/tiles=false", "x-own-floor"}}},
	{area: keyless, work: "sign with a job's identity, Rekor v2", beside: "the round trips, two signatures and one verification",
		sense: timesFloor, figure: value{"KeylessAgainstSigstoreGo/tiles=true", "x-floor"}, goal: 1.2,
		floor: &floor{why: "of what is computed here, the round trips left out, it takes",
			figure: value{"KeylessAgainstSigstoreGo/tiles=true", "x-own-floor"}}},

	{area: notary, work: "verify a JWS signature", beside: notationGo, sense: asFast,
		figure: value{"AgainstNotationGo/jws", "x-faster"}, goal: 1},
	{area: notary, work: "verify a JWS signature", beside: "the signature checks alone", sense: timesFloor,
		figure: value{"AgainstNotationGo/jws", "x-floor"}},
	{area: notary, work: "verify a COSE signature", beside: notationGo, sense: asFast,
		figure: value{"AgainstNotationGo/cose", "x-faster"}, goal: 1},
	{area: notary, work: "verify a COSE signature", beside: "the signature checks alone", sense: timesFloor,
		figure: value{"AgainstNotationGo/cose", "x-floor"}},

	{area: registry, work: "read 1,000 pieces of evidence at 20 ms", beside: "one by one, net/http", sense: asFast,
		figure: value{"EvidenceAtDistance", "times_faster_than_one_by_one"}, goal: 8},
	{area: registry, work: "copy 20 layers of 5 MiB at 20 ms", beside: fasterCopy, sense: share,
		figure: value{"Copy/20_layers_of_5_MiB,_20_ms", "of-fastest-other"}, goal: 0.8,
		floor: &floor{why: "the longest chain of requests of which each needs the one before, in its times",
			figure: value{"Copy/20_layers_of_5_MiB,_20_ms", "of-floor"}}},
	{area: registry, work: "copy 20 layers of 5 MiB on loopback", beside: fasterCopy, sense: share,
		figure: value{"Copy/20_layers_of_5_MiB,_loopback", "of-fastest-other"}, goal: 1,
		floor: &floor{why: "nothing waits there, so that it is processor time: of oras-go's, which hashes each blob once, ours is",
			figure: value{"Memory", "cpu-ms/lading"}, over: value{"Memory", "cpu-ms/oras-go"}}},
	{area: registry, work: "copy within a registry, by mounting", beside: regclient, sense: share,
		figure: value{"Copy/20_layers_of_5_MiB,_one_registry", "of-regclient"}, goal: 1.1},
	{area: registry, work: "copy a small image with 5 bundles at 20 ms", beside: fasterCopy, sense: share,
		figure: value{"Copy/20_layers_of_1_KiB_and_5_bundles,_20_ms", "of-fastest-other"}, goal: 0.8},
	{area: registry, work: "memory of a copy of 100 MiB", sense: most, figure: value{"Memory", "MiB/lading"}, goal: 16, unit: "MiB"},
	{area: registry, work: "memory of a copy of 100 MiB", beside: orasGo, sense: share, figure: value{"Memory", "MiB/lading"},
		over: value{"Memory", "MiB/oras-go"}},

	{area: vulns, work: "index 200,000 OSV records", beside: "unzip and scan for tokens", sense: timesFloor,
		figure: value{"Build", "x-unzip+json.Token"}, goal: 2},
	{area: vulns, work: "open the index, beside opening the file", sense: most, figure: value{"Open", "ms-over-file"}, goal: 5, unit: "ms"},
	{area: vulns, work: "scan 1,000 components, warm", beside: "its reads and comparisons alone", sense: timesFloor,
		figure: value{"Scan", "x-reads+comparisons"}, goal: 3},

	{area: policies, work: "20 rules, 10 attestations, 5 findings", beside: "read the SBOM and its licences, scan the others",
		sense: timesFloor, figure: value{"Decide/findings=5", "of-floor"}, goal: 1.25,
		floor: &floor{why: "of reading report and provenance too, which rules judge and a scan does not give, it takes",
			figure: value{"Decide/findings=5", "of-reading"}}},
	{area: policies, work: "20 rules, 10 attestations, 5 findings", beside: opa, sense: asFast,
		figure: value{"Decide/findings=5", "opa/ours"}},
	{area: policies, work: "20 rules, 10 attestations, 5 findings", beside: celGo, sense: asFast,
		figure: value{"Decide/findings=5", "cel/ours"}},
	{area: policies, work: "20 rules, 10 attestations, 50 findings", beside: "read the SBOM and its licences, scan the others",
		sense: timesFloor, figure: value{"Decide/findings=50", "of-floor"}, goal: 1.25,
		floor: &floor{why: "of reading report and provenance too, which rules judge and a scan does not give, it takes",
			figure: value{"Decide/findings=50", "of-reading"}}},
	{area: policies, work: "the rule on an SBOM profile", beside: "sbom.Parse and quality.Check", sense: timesFloor,
		figure: value{"Profile", "of-floor"}, goal: 1.1},
	{area: policies, work: "the licence rule on 100,000 components, beside its calls of Licenses", sense: most,
		figure: value{"LicensesBeside", "ms-beside"}, goal: 5, unit: "ms",
		floor: &floor{why: "looking 100,000 expressions up in a map takes, in ms,", figure: value{"LicensesBeside", "ms-lookups"}}},
	{area: policies, work: "a CEL condition on 1,000 components", beside: celGo, sense: share,
		figure: value{"Condition/licences_of_1000_components", "ratio"}, goal: 1.5},
	{area: policies, work: "load a document of 100 rules", beside: "parsing its YAML", sense: timesFloor,
		figure: value{"Load", "ratio"}, goal: 3},
	{area: policies, work: "replay 10,000 recorded decisions", beside: "read and hash the bytes", sense: timesFloor,
		figure: value{"Replay", "x-read+hash"}, goal: 3,
		floor: &floor{why: "of checking the same JSON strictly and hashing it, which records that are believed cannot do without, it takes",
			figure: value{"Replay", "x-check+hash"}}},

	{area: doors, work: "Kubernetes: a warm decision", beside: "decode the review and answer a constant", sense: timesFloor,
		figure: value{"Warm", "ratio"}, goal: 1.2},
	{area: doors, work: "any door: a cold decision, beyond the registry's time", sense: most, figure: value{"Cold", "ms-beyond-work"},
		goal: 1, unit: "ms", floor: &floor{why: "as many requests, one after the other, of net/http alone take beyond that time, in ms,",
			figure: value{"Cold", "ms-bare"}}},
	{area: doors, work: "node: from process start to answer, warm", beside: "a program that links HTTP, YAML and TOML and does nothing",
		sense: timesFloor, figure: value{"Start", "cpu-ms/gate"}, over: value{"Start", "cpu-ms/linked"}, goal: 1.5},
	{area: doors, work: "AWS Lambda: cold start to first answer", beside: bothLambda, sense: share,
		figure: value{"ColdStart", "ours/peer"}, goal: 0.5,
		floor: &floor{why: "a function that has the SDK's clients, asks ECS and decides nothing takes, of the peer's processor time",
			figure: value{"ColdStart", "floor/peer-cpu"}}},
	{area: doors, work: "AWS Lambda: cold start to first answer", beside: "one that asks ECS and decides nothing", sense: timesFloor,
		figure: value{"ColdStart", "ours/empty"}, goal: 1.5},
	{area: doors, work: "ECS: sweep 1,000 tasks", beside: "list and describe them with the SDK", sense: timesFloor,
		figure: value{"Tasks", "x-floor"}},
}
