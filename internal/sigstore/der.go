package sigstore

import "encoding/asn1"

// Tags of ASN.1 elements, as they stand in DER.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagUTF8String  = 0x0c
	tagTime        = 0x18 // GeneralizedTime
	tagSequence    = 0x30
	tagSet         = 0x31
	tagExplicit0   = 0xa0 // [0], constructed
	tagExplicit3   = 0xa3
)

// der reads elements in DER (X.690, section 10), one after another. The methods report false where that ends or is no
// DER: indefinite or longer lengths than need be, tags of more than one byte.
type der []byte

// next reads one element: its tag, its content, and both with the length as they are encoded.
func (d *der) next() (tag byte, content, whole der, ok bool) {
	s := *d
	if len(s) < 2 || s[0]&0x1f == 0x1f {
		return 0, nil, nil, false
	}
	head, n := 2, int(s[1])
	if n >= 0x80 {
		size := n & 0x7f
		if size == 0 || size > 3 || len(s) < 2+size || s[2] == 0 {
			return 0, nil, nil, false
		}
		n = 0
		for _, b := range s[2 : 2+size] {
			n = n<<8 | int(b)
		}
		if n < 0x80 {
			return 0, nil, nil, false
		}
		head += size
	}
	if len(s)-head < n {
		return 0, nil, nil, false
	}
	*d = s[head+n:]
	return s[0], s[head : head+n : head+n], s[: head+n : head+n], true
}

// read reads one element of a tag and returns its content.
func (d *der) read(tag byte) (der, bool) {
	saved := *d
	got, content, _, ok := d.next()
	if !ok || got != tag {
		*d = saved
		return nil, false
	}
	return content, true
}

// is reports whether the next element has a tag.
func (d der) is(tag byte) bool { return len(d) > 0 && d[0] == tag }

// only reads one element of a tag that nothing follows.
func (d der) only(tag byte) (der, bool) {
	content, ok := d.read(tag)
	return content, ok && len(d) == 0
}

// integer reads an INTEGER that is not negative and fits.
func (d *der) integer() (int64, bool) {
	b, ok := d.read(tagInteger)
	if !ok || len(b) == 0 || len(b) > 8 || b[0] >= 0x80 || len(b) > 1 && b[0] == 0 && b[1] < 0x80 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		n = n<<8 | int64(c)
	}
	return n, true
}

// appendDER appends an element.
func appendDER(dst []byte, tag byte, content ...[]byte) []byte {
	n := 0
	for _, c := range content {
		n += len(c)
	}
	dst = append(dst, tag)
	switch {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n <= 0xff:
		dst = append(dst, 0x81, byte(n))
	case n <= 0xffff:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	for _, c := range content {
		dst = append(dst, c...)
	}
	return dst
}

// oid returns the content of an OBJECT IDENTIFIER, for comparison.
func oid(id ...int) string {
	whole, err := asn1.Marshal(asn1.ObjectIdentifier(id))
	if err != nil {
		panic(err)
	}
	return string(whole[2:])
}
