package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ladingdev/lading/policy/gate"
)

// Prometheus are a gate's counters in a registry of Prometheus'. The labels are those that package gate lists.
type Prometheus struct {
	counters map[string]*prometheus.CounterVec
	times    map[string]*prometheus.HistogramVec
}

// NewPrometheus registers the counters.
func NewPrometheus(r prometheus.Registerer) (*Prometheus, error) {
	p := &Prometheus{counters: make(map[string]*prometheus.CounterVec), times: make(map[string]*prometheus.HistogramVec)}
	for name, labels := range counters {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help[name]}, labels)
		p.counters[name] = c
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: gate.MetricDuration, Help: help[gate.MetricDuration], Buckets: buckets},
		[]string{"source"})
	p.times[gate.MetricDuration] = h
	return p, r.Register(h)
}

// Count adds one. What is not known here, of a newer package gate, is left out.
func (p *Prometheus) Count(name string, labels ...string) {
	if c := p.counters[name]; c != nil {
		if m, err := c.GetMetricWith(pairs(labels)); err == nil {
			m.Inc()
		}
	}
}

// Time adds a duration.
func (p *Prometheus) Time(name string, d time.Duration, labels ...string) {
	if h := p.times[name]; h != nil {
		if m, err := h.GetMetricWith(pairs(labels)); err == nil {
			m.Observe(d.Seconds())
		}
	}
}

func pairs(labels []string) prometheus.Labels {
	l := make(prometheus.Labels, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	return l
}

var counters = map[string][]string{
	gate.MetricDecisions:   {"verdict", "mode", "source"},
	gate.MetricEvaluations: {"verdict"},
	gate.MetricCache:       {"result"},
	gate.MetricProofs:      {"result"},
}

var help = map[string]string{
	gate.MetricDecisions:   "Answers of the gate.",
	gate.MetricDuration:    "How long answers took, in seconds.",
	gate.MetricEvaluations: "Images whose evidence was looked for.",
	gate.MetricCache:       "Questions that a kept decision answered, or not.",
	gate.MetricProofs:      "Evidence that was verified, kept or refused.",
}

// buckets are from a kept answer to the API server's longest wait, in seconds.
var buckets = []float64{.00001, .0001, .001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
