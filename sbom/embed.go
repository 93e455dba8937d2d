package sbom

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

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
	carrier, begin, err := specOf(target).NewOrigin(out, specification.Target{Format: target.String(), Version: target.Version})
	if err != nil {
		return err
	}
	carrier.Text = begin + digest(out) + ":" + base64.StdEncoding.EncodeToString(b.Bytes())
	return nil
}

// digest returns the SHA-256 of root in canonical layout, so that white space does not matter.
func digest(root *tree.Node) string {
	sum := sha256.Sum256(root.Render())
	return hex.EncodeToString(sum[:])
}

// restore returns the document that another one carries, if it is of the wanted format and the one that carries it says
// what it said when it was made: otherwise what was changed since would be lost.
func restore(f Format, root *tree.Node, target Format) *Document {
	carrier, carried := specOf(f).Origin(root)
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
