package vuln

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// cutDigest takes the digest off a reference of an image.
func cutDigest(ref string) (name, digest string) {
	name, digest, _ = strings.Cut(ref, "@")
	return name, digest
}

// splitVersions takes apart a list such as "1.2.3, 2.0.1".
func splitVersions(list string) (out []string) {
	for v := range strings.SplitSeq(list, ",") {
		out = union(out, []string{strings.TrimSpace(v)})
	}
	return out
}

func lines(from, to int) string {
	switch {
	case from <= 0:
		return ""
	case to <= from:
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// number reads a number, or what is none as zero.
func number(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}
