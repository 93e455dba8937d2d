package rules

import "sync"

// prepared is a rule as it was worked out at its first use: policies are decided on often, and change never.
type prepared struct {
	once sync.Once
	rule *rule
}

func (p *prepared) get(prepare func() *rule) *rule {
	p.once.Do(func() {
		p.rule = prepare()
		p.rule.ready()
	})
	return p.rule
}
