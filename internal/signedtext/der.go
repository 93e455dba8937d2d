package signedtext

// The tags that are looked at (ITU-T X.690, section 8.1.2).
const (
	integer  = 0x02
	oid      = 0x06
	utcTime  = 0x17
	genTime  = 0x18
	sequence = 0x30
	set      = 0x31
	context0 = 0xa0
	context1 = 0xa1
	context2 = 0xa2
)

// element returns the first element of a DER encoding, its content as far as it is there, and what follows.
func element(der []byte) (tag byte, content, rest []byte, ok bool) {
	if len(der) < 2 {
		return 0, nil, nil, false
	}
	tag, size, at := der[0], int(der[1]), 2
	if size >= 0x80 { // the length is in so many bytes
		n := size - 0x80
		if n == 0 || n > 4 || len(der) < 2+n {
			return 0, nil, nil, false
		}
		size = 0
		for _, b := range der[2 : 2+n] {
			size = size<<8 | int(b)
		}
		at += n
	}
	if size < 0 || size >= len(der)-at {
		return tag, der[at:], nil, true
	}
	return tag, der[at : at+size], der[at+size:], true
}

// whole returns the content of an element that is all of the file.
func whole(head []byte, tag byte) []byte {
	got, content, rest, ok := element(head)
	if !ok || got != tag || len(rest) > 0 {
		return nil
	}
	return content
}

// begins reports whether content begins with elements of these tags, and returns the content of each.
func begins(content []byte, tags ...byte) ([][]byte, bool) {
	var out [][]byte
	for _, want := range tags {
		tag, c, rest, ok := element(content)
		if !ok || tag != want {
			return nil, false
		}
		out, content = append(out, c), rest
	}
	return out, true
}

// isCertificate tells all versions (RFC 5280, section 4.1). An authority that may issue has version 3; what it issues need not.
func isCertificate(head []byte) bool {
	content := whole(head, sequence)
	if _, ok := begins(content, context0, integer, sequence); ok {
		return true
	}
	parts, ok := begins(content, integer, sequence, sequence, sequence, sequence, sequence) // version 1, which is not written
	if !ok {
		return false
	}
	validity, _, _, ok := element(parts[3])
	return ok && (validity == utcTime || validity == genTime)
}

// isRevocationList tells both versions (RFC 5280, section 5.1).
func isRevocationList(head []byte) bool {
	content := whole(head, sequence)
	for _, tags := range [][]byte{{integer, sequence, sequence, utcTime}, {integer, sequence, sequence, genTime},
		{sequence, sequence, utcTime}, {sequence, sequence, genTime}} {
		if _, ok := begins(content, tags...); ok {
			return true
		}
	}
	return false
}

// isOCSP tells RFC 6960, section 4.2.1.
func isOCSP(head []byte) bool {
	content := whole(head, sequence)
	for _, tags := range [][]byte{{context1, genTime}, {context2, genTime}, {context0, context1, genTime}, {context0, context2, genTime}} {
		if _, ok := begins(content, tags...); ok {
			return true
		}
	}
	return false
}

// isSignedAttributes tells RFC 5652, section 5.4: the attributes as a SET OF.
func isSignedAttributes(head []byte) bool {
	attributes, ok := begins(whole(head, set), sequence)
	if !ok {
		return false
	}
	_, ok = begins(attributes[0], oid, set)
	return ok
}

// isTSTInfo tells RFC 3161, section 2.4.2. Timestamps are signed over attributes, and readers of CMS that overlook that these
// are missing take a signature over their content.
func isTSTInfo(head []byte) bool {
	_, ok := begins(whole(head, sequence), integer, oid, sequence, integer, genTime)
	return ok
}
