package verify

import "slices"

// SupersededBy returns the evidence in the report that says what a says: of the same kind and predicate type, about the
// same subject under the same name, by the same signers. It is what a pipeline that signs anew may remove, with Replace of
// package registry: nothing else than proven evidence of its own.
//
// The report has to be from before a is attached; else two pipelines at the same time might remove each other's.
func (r *Report) SupersededBy(a *Attestation) []Descriptor {
	var old []Descriptor
	if r == nil || a == nil {
		return nil
	}
	for _, b := range r.Attestations {
		if b.Evidence.Digest != a.Evidence.Digest && sameSaying(a, b) {
			old = append(old, b.Evidence)
		}
	}
	return old
}

// Superseded returns the evidence in the report that a later attestation supersedes, as SupersededBy has it: of each group
// of attestations that say the same, all but the latest, for Prune of package registry. Later is what all signers signed
// later, for certain and by a TimeSource that is no worse. What has no time is kept, and so is what has the same time as the latest.
func (r *Report) Superseded() []Descriptor {
	var old []Descriptor
	if r == nil {
		return nil
	}
	for _, a := range r.Attestations {
		if slices.ContainsFunc(r.Attestations, func(b *Attestation) bool { return sameSaying(a, b) && later(b, a) }) {
			old = append(old, a.Evidence)
		}
	}
	return old
}

// sameSaying reports whether two attestations differ in nothing but what the predicate says, and when.
func sameSaying(a, b *Attestation) bool {
	return a.Kind == b.Kind && a.Subject.Digest == b.Subject.Digest && a.Name == b.Name && a.PredicateType == b.PredicateType &&
		len(a.Signers) > 0 && signedBy(a, b) && signedBy(b, a)
}

// signedBy reports whether each signer of a is one of b's.
func signedBy(a, b *Attestation) bool {
	return !slices.ContainsFunc(a.Signers, func(s Signer) bool { return !slices.ContainsFunc(b.Signers, s.Same) })
}

// later reports whether a was signed after b.
func later(a, b *Attestation) bool {
	for _, s := range b.Signers {
		for _, t := range a.Signers {
			if s.Same(t) && (s.TimeSource == TimeUnknown || t.TimeSource < s.TimeSource || !t.SignedAt.After(s.Latest())) {
				return false
			}
		}
	}
	return true
}
