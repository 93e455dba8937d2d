package main

import (
	"bytes"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ladingdev/lading/policy/gate"
)

const image = "registry.example.com/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestPrometheus(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{image, image, "no image"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`lading_gate_decisions_total{mode="deny",source="fresh",verdict="indeterminate"} 2`,
		`lading_gate_decisions_total{mode="deny",source="fresh",verdict="deny"} 1`,
		`lading_gate_evaluations_total{verdict="indeterminate"} 2`,
		`lading_gate_cache_total{result="miss"} 2`,
		`lading_gate_decision_seconds_count{source="fresh"} 3`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestOpenTelemetry(t *testing.T) {
	reader := metric.NewManualReader()
	counters, err := NewOpenTelemetry(metric.NewMeterProvider(metric.WithReader(reader)).Meter("lading"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := checker(counters)
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t.Context(), &gate.Question{Name: image})
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, m := range data.ScopeMetrics[0].Metrics {
		seen[m.Name] = true
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && sum.DataPoints[0].Value != 1 {
			t.Errorf("%s: %+v", m.Name, sum)
		}
	}
	for _, name := range []string{gate.MetricDecisions, gate.MetricDuration, gate.MetricEvaluations, gate.MetricCache} {
		if !seen[name] {
			t.Errorf("no %s", name)
		}
	}
}
