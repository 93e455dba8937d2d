package policy

// OnlySome reports whether more evidence can never turn what p allows into a refusal, so that reading may end when it allows:
// p is a [Require] of Some by one signer, without a Check, which may look at anything, or [All] or [Any] of such. Of other policies
// it is not known.
func OnlySome(p Policy) bool {
	switch p := p.(type) {
	case Require:
		return p.Quantifier == Some && p.AtLeast <= 1 && p.Check == nil // more evidence may show that two signers are one
	case *Require:
		return p != nil && OnlySome(*p)
	case combined:
		for _, part := range p.parts {
			if !OnlySome(part) {
				return false
			}
		}
		return len(p.parts) > 0
	case named:
		return OnlySome(p.p)
	}
	return false
}

// IgnoresRequest reports whether p never looks at who asks: it is a [Require] without a Check, or [All] or [Any] of such, or has a
// method IgnoresRequest() bool that says so. Of other policies it is not known.
func IgnoresRequest(p Policy) bool {
	switch p := p.(type) {
	case Require:
		return p.Check == nil
	case *Require:
		return p == nil || p.Check == nil
	case combined:
		for _, part := range p.parts {
			if !IgnoresRequest(part) {
				return false
			}
		}
		return true
	case threshold:
		return IgnoresRequest(combined{parts: p.parts})
	case named:
		return IgnoresRequest(p.p)
	case softened:
		return IgnoresRequest(p.p)
	case interface{ IgnoresRequest() bool }:
		return p.IgnoresRequest()
	}
	return false
}
