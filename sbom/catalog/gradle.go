package catalog

import (
	"strings"

	"github.com/ladingdev/lading/sbom"
)

func gradleFinders() ([]finder, error) {
	return []finder{lockFinder("java/gradlelockfile", readGradleLock, nil, "gradle.lockfile", "buildscript-gradle.lockfile")}, nil
}

// readGradleLock reads gradle.lockfile ("Locking Versions"): a line for each module, with the configurations that it is in.
// What is on no class path that a program runs with is to build it.
func readGradleLock(data []byte) (*lockfile, error) {
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for line := range strings.Lines(string(data)) {
		module, configurations, ok := strings.Cut(strings.TrimSpace(line), "=")
		parts := strings.Split(module, ":")
		if !ok || strings.HasPrefix(module, "#") || len(parts) != 3 {
			continue
		}
		run := false
		for name := range strings.SplitSeq(strings.ToLower(configurations), ",") {
			run = run || strings.HasSuffix(name, "runtimeclasspath") && !strings.Contains(name, "test")
		}
		out.packages[module] = &lockedPackage{purl: sbom.PURL{Type: "maven", Namespace: parts[0], Name: parts[1], Version: parts[2]},
			dev: !run}
	}
	return out, nil
}
