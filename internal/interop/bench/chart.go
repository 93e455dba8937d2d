package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// A chart is bars below each other in groups, each with its text on it, so that it reads in a narrow column as well as in a wide one.
type chart struct {
	title, about string
	from         float64 // where a logarithmic scale begins; 0 is a linear one
	groups       []group
}

type group struct {
	name string
	bars []bar
}

type bar struct {
	text  string
	value float64
	goal  float64 // a mark, 0 for none
	kind  kind
}

type kind string

const (
	good  kind = "good"  // ours, and every goal met
	short kind = "short" // ours, a goal missed
	other kind = "other" // of another library
)

// Lengths in the units of the picture. At 400 pixels a line of text is 12 pixels high.
const (
	width    = 480
	margin   = 12
	barHigh  = 24
	textDown = 17
)

// label is a bar's text, as much of it as there is room for: parts behind commas and blanks are left out, the last ones first. The
// comma of a thousand has no blank behind it.
func label(s string) string {
	for len([]rune(s)) > 60 {
		at := strings.LastIndex(s, ", ")
		if at < 0 {
			return string([]rune(s)[:59]) + "…"
		}
		s = s[:at]
	}
	return s
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes all
	return b.String()
}

// scale returns how wide a value is.
func (c *chart) scale() func(float64) float64 {
	top := c.from
	for _, g := range c.groups {
		for _, b := range g.bars {
			top = max(top, b.value, b.goal)
		}
	}
	return func(v float64) float64 {
		if c.from > 0 {
			return (width - 2*margin) * max(math.Log(max(v, c.from)/c.from)/math.Log(top/c.from), 0.004)
		}
		return (width - 2*margin) * v / top
	}
}

// svg draws a chart for light and dark pages.
func (c *chart) svg() []byte {
	var b strings.Builder
	y, x := 60, c.scale()
	for _, g := range c.groups {
		if g.name != "" {
			y += 26
			fmt.Fprintf(&b, "  <text class=\"group\" x=\"%d\" y=\"%d\">%s</text>\n", margin, y, escaped(g.name))
			y += 8
		}
		for _, v := range g.bars {
			fmt.Fprintf(&b, "  <rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>\n", v.kind, margin, y,
				x(v.value), barHigh-4)
			if v.goal > 0 {
				at := margin + x(v.goal)
				fmt.Fprintf(&b, "  <path class=\"goal\" d=\"M%.1f %dv5m0 %dv5\"/>\n", at, y-1, barHigh-12) // above and below the text
			}
			fmt.Fprintf(&b, "  <text x=\"%d\" y=\"%d\">%s</text>\n", margin+6, y+textDown-2, escaped(label(v.text)))
			y += barHigh
		}
	}
	y += 10
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="720" role="img" aria-labelledby="t d"`+
		` font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="14">
  <title id="t">%s</title>
  <desc id="d">%s</desc>
`, width, y, escaped(c.title), escaped(c.about))
	return []byte(head + style + fmt.Sprintf("  <rect class=\"ground\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", width, y) +
		fmt.Sprintf("  <text class=\"title\" x=\"%d\" y=\"28\">%s</text>\n  <text class=\"about\" x=\"%d\" y=\"50\">%s</text>\n",
			margin, escaped(c.title), margin, escaped(c.about)) + b.String() + "</svg>\n")
}

const style = `  <style>
    .ground { fill: #fbfcfd } text { fill: #16222d } .title { font-size: 17px; font-weight: 600 } .about { fill: #40525f; font-size: 13px }
    .group { font-weight: 600 } .good { fill: #a9d0f0 } .short { fill: #f6c98f } .other { fill: #d5dbe0 }
    .goal { stroke: #30506d; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #11181f } text { fill: #e8eef3 } .about { fill: #b3c0ca }
      .good { fill: #1d5080 } .short { fill: #7a4a12 } .other { fill: #3a464f } .goal { stroke: #9fb6c8 }
    }
  </style>
`
