package report

import (
	"io"

	"github.com/ladingdev/lading/internal/htmlpage"
	"github.com/ladingdev/lading/policy"
)

// HTML writes decisions as one page that needs nothing else: no script, no image, no font, and a content security policy
// that lets none in. It is for light and dark displays, for narrow and wide ones, and for printing.
func HTML(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	opts, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	p := &page{htmlpage.Begin(w, clean(opts.title()), style)}
	p.Printf("<h1>")
	p.text(opts.title())
	p.Printf("</h1>\n")
	if sum := several(decisions); sum != "" {
		p.Printf("<p class=\"sum\">%s</p>\n", sum)
	}
	for _, d := range decisions {
		p.decision(opts, d)
	}
	return p.End()
}

// page is a page whose texts are cleaned.
type page struct{ *htmlpage.Page }

func (p *page) text(s string) { p.Text(clean(s)) }

// data is text of strangers.
func (p *page) data(s string) { p.Foreign(clean(s)) }

func (p *page) decision(o Options, d *policy.Decision) {
	p.Printf("<section class=\"%s\">\n<h2><b class=\"badge %s\">%s</b> ", state(d), state(d), d.Verdict)
	p.data(name(d))
	p.Printf("</h2>\n<dl>\n")
	for _, f := range facts(d) {
		p.Printf("<dt>%s</dt><dd>", f.label)
		p.data(f.text)
		p.Printf("</dd>\n")
	}
	p.Printf("</dl>\n")
	list := findings(d)
	p.findings(list)
	p.list(next(d))
	p.list("Ask", o.ask(list))
	open := ""
	if len(list) == 0 {
		open = " open"
	}
	p.Printf("<details%s><summary>Rules: %d</summary>\n<ul class=\"tree\">\n", open, rules(d))
	p.tree(d, 0)
	p.Printf("</ul>\n</details>\n</section>\n")
}

func (p *page) findings(list []finding) {
	for i, f := range list {
		if i == 0 || f.state != list[i-1].state {
			if i > 0 {
				p.Printf("</ul>\n")
			}
			p.Printf("<h3>%s</h3>\n<ul class=\"why\">\n",
				map[string]string{"deny": "Why", "indeterminate": "Why", "warning": "Warnings"}[f.state])
		}
		p.rule(f.state, reason(f.Decision))
		if lines := f.looked(); len(lines) > 0 {
			p.Printf("\n<ul class=\"looked\">\n")
			p.items(lines)
			p.Printf("</ul>\n")
		}
		p.Printf("</li>\n")
	}
	if len(list) > 0 {
		p.Printf("</ul>\n")
	}
}

func (p *page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.Printf("<h3>%s</h3>\n<ul>\n", title)
	p.items(items)
	p.Printf("</ul>\n")
}

func (p *page) items(items []string) {
	for _, s := range items {
		p.Printf("<li>")
		p.data(s)
		p.Printf("</li>\n")
	}
}

// rule begins an item of a list.
func (p *page) rule(state, says string) {
	p.Printf("<li class=\"%s\"><span class=\"mark\" role=\"img\" aria-label=\"%s\">%s</span> ", state, state, mark(state))
	p.data(says)
}

func (p *page) tree(d *policy.Decision, depth int) {
	p.rule(state(d), says(d))
	below := parts(d)
	if len(below) == 0 {
		p.Printf("</li>\n")
		return
	}
	if depth < deepest {
		p.Printf("\n<ul>\n")
	} else { // a narrow display, and parsers, have an end
		p.Printf("</li>\n")
	}
	for _, part := range below {
		p.tree(part, depth+1)
	}
	if depth < deepest {
		p.Printf("</ul>\n</li>\n")
	}
}

// style has contrasts of at least 4.5 to 1 in both schemes (WCAG 2.2, 1.4.3).
const style = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--on:#fff}
:root{--allow:#116329;--deny:#b3141f;--indeterminate:#7d4e00}
@media(prefers-color-scheme:dark){
:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9aa4af;--line:#30363d;--card:#161b22;--on:#0d1117}
:root{--allow:#56d364;--deny:#ff8a84;--indeterminate:#e3b341}
}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}
h2{font-size:1.15rem;margin:0 0 .75rem}
h3{font-size:1rem;margin:1rem 0 .25rem}
h1,h2,dd,li,.sum{overflow-wrap:anywhere}
.sum,dt,.looked,summary{color:var(--soft)}
section{background:var(--card);border:1px solid var(--line);border-left:.4rem solid var(--soft)}
section{border-radius:.4rem;padding:1rem;margin:1rem 0}
section.allow{border-left-color:var(--allow)}
section.deny{border-left-color:var(--deny)}
section.indeterminate{border-left-color:var(--indeterminate)}
.badge{display:inline-block;color:var(--on);background:var(--soft);border-radius:.3rem;padding:0 .5rem;font-size:.85rem}
.badge.allow{background:var(--allow)}
.badge.deny{background:var(--deny)}
.badge.indeterminate{background:var(--indeterminate)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}
dd{margin:0}
ul{margin:.25rem 0;padding-left:1.5rem}
ul.why,ul.tree,ul.tree ul{list-style:none;padding-left:0}
ul.why>li,ul.tree li{padding-left:1.5rem;margin:.25rem 0}
ul.tree ul{border-left:1px solid var(--line);margin-left:-.9rem;padding-left:.6rem}
.looked{font-size:.9rem;padding-left:1.1rem}
.mark{display:inline-block;width:1.25rem;margin-left:-1.5rem;font-weight:700;text-align:center}
li.allow>.mark{color:var(--allow)}
li.deny>.mark{color:var(--deny)}
li.indeterminate>.mark,li.warning>.mark{color:var(--indeterminate)}
details{margin-top:1rem}
summary{cursor:pointer}
@media(max-width:30rem){main{padding:.5rem}section{padding:.75rem}dl{column-gap:.6rem}}
@media print{section{break-inside:avoid}}
`
