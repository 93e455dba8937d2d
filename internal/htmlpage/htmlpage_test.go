package htmlpage

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// The policy lets in the style that is there and nothing else; what strangers say does not become markup.
func TestPage(t *testing.T) {
	const style = "\nh1{color:red}\n"
	var b strings.Builder
	p := Begin(&b, `a</title><script>"x"`, style)
	p.Printf("<h1>%d</h1>", 1)
	p.Foreign("<b>&\u202e")
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(style))
	for _, want := range []string{
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", "default-src 'none'", "<style>" + style + "</style>",
		"<title>a&lt;/title&gt;&lt;script&gt;&#34;x&#34;</title>", "<main>\n<h1>1</h1><bdi>&lt;b&gt;&amp;\u202e</bdi></main>",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "<script") {
		t.Error("markup of a stranger")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestEnd(t *testing.T) {
	if err := Begin(full{}, "", "").End(); err == nil || err.Error() != "full" {
		t.Errorf("%v", err)
	}
}
