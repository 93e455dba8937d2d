// Package htmlpage writes HTML pages that need nothing else: no script, no image, no font, and a content security policy that lets
// none in.
package htmlpage

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
)

// A Page is written from its beginning to its end. It keeps the first error of its writer for End.
type Page struct{ w *bufio.Writer }

// Begin writes the head of a page, with its title and its one style sheet, which is a constant of the caller's. The body begins with
// <main>.
func Begin(w io.Writer, title, style string) *Page {
	p := &Page{bufio.NewWriter(w)}
	sum := sha256.Sum256([]byte(style))
	p.Printf(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-%s'">
<title>`, base64.StdEncoding.EncodeToString(sum[:]))
	p.Text(title)
	p.Printf("</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", style)
	return p
}

// Printf writes HTML: constants, and numbers. Whatever else there is goes through Text or Foreign.
func (p *Page) Printf(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }

// Text writes text, escaped.
func (p *Page) Text(s string) { _, _ = p.w.WriteString(html.EscapeString(s)) }

// Foreign writes text of strangers, escaped, and isolated from the direction of the text around it.
func (p *Page) Foreign(s string) {
	p.Printf("<bdi>")
	p.Text(s)
	p.Printf("</bdi>")
}

// End writes the end of the page, and returns the first error of the writer.
func (p *Page) End() error {
	p.Printf("</main>\n</body>\n</html>\n")
	return p.w.Flush()
}
