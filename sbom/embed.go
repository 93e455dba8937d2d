package sbom

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// originName names the property or the annotation that carries the input of a conversion.
const originName = "lading:origin"

// embed puts the whole input as it was read, compressed, into the output, with a digest of the output beside it.
func embed(out *tree.Node, d *Document, target Format) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.Write(d.source)
	if err := z.Close(); err != nil {
		return err
	}
	var carrier *tree.Node
	prefix := originName + ":"
	switch {
	case target == Format{CycloneDX, "1.2"}:
		return fmt.Errorf("%w: CycloneDX 1.2 has no place to carry the input", ErrLoss)
	case target.Spec == CycloneDX:
		m := out.Get("metadata")
		if m == nil {
			m = out.Set("metadata", tree.NewObject())
		}
		p := m.Add("properties", tree.NewObject())
		p.Set("name", tree.NewText(originName))
		carrier, prefix = p.Set("value", tree.NewText("")), ""
	case isSPDX2(target):
		a := out.Add("annotations", tree.NewObject())
		a.Set("annotationDate", tree.NewText(out.Get("creationInfo").Str("created").S))
		a.Set("annotationType", tree.NewText("OTHER"))
		a.Set("annotator", tree.NewText("Tool: lading"))
		carrier = a.Set("comment", tree.NewText(""))
	default:
		var about, info string
		for _, e := range out.List("@graph") {
			if e.Str("type").S == "SpdxDocument" {
				about, info = e.Str("spdxId").S, e.Str("creationInfo").S
			}
		}
		a := out.Add("@graph", tree.NewObject())
		a.Set("type", tree.NewText("Annotation"))
		a.Set("spdxId", tree.NewText(about+"/origin"))
		a.Set("creationInfo", tree.NewText(info))
		a.Set("annotationType", tree.NewText("other"))
		a.Set("subject", tree.NewText(about))
		carrier = a.Set("statement", tree.NewText(""))
	}
	carrier.Text = prefix + digest(out) + ":" + base64.StdEncoding.EncodeToString(b.Bytes())
	return nil
}

// digest is what the content of a document is known by, whatever its white space is.
func digest(root *tree.Node) string {
	sum := sha256.Sum256(root.Render())
	return hex.EncodeToString(sum[:])
}

// restore returns the document that another one carries, if it is of the wanted format and the one that carries it says
// what it said when it was made: otherwise what was changed since would be lost.
func restore(f Format, root *tree.Node, target Format) *Document {
	var carrier *tree.Node
	carried := ""
	look := func(t tree.Text) {
		if s, ok := strings.CutPrefix(t.S, originName+":"); ok {
			carrier, carried = t.From, s
		}
	}
	switch {
	case f.Spec == CycloneDX:
		for _, p := range root.Get("metadata").List("properties") {
			if v := p.Str("value"); p.Str("name").S == originName && v.OK() {
				carrier, carried = v.From, v.S
			}
		}
	case isSPDX2(f):
		for _, a := range root.List("annotations") {
			look(a.Str("comment"))
		}
	default:
		for _, a := range root.List("@graph") {
			look(a.Str("statement"))
		}
	}
	sum, encoded, ok := strings.Cut(carried, ":")
	if !ok {
		return nil
	}
	was := carrier.Text
	carrier.Text = ""
	same := digest(root) == sum
	carrier.Text = was
	packed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !same {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(z, maxBytes+1))
	if err != nil || len(data) > maxBytes {
		return nil
	}
	out, err := parse(data)
	if err != nil || out.format != target {
		return nil
	}
	return out
}
