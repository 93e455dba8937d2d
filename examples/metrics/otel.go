package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ladingdev/lading/policy/gate"
)

// OpenTelemetry are a gate's counters as instruments of a meter.
type OpenTelemetry struct {
	counters map[string]metric.Int64Counter
	times    map[string]metric.Float64Histogram
}

// NewOpenTelemetry makes the instruments.
func NewOpenTelemetry(m metric.Meter) (*OpenTelemetry, error) {
	o := &OpenTelemetry{counters: make(map[string]metric.Int64Counter), times: make(map[string]metric.Float64Histogram)}
	for name := range counters {
		c, err := m.Int64Counter(name, metric.WithDescription(help[name]))
		if err != nil {
			return nil, err
		}
		o.counters[name] = c
	}
	h, err := m.Float64Histogram(gate.MetricDuration, metric.WithUnit("s"), metric.WithDescription(help[gate.MetricDuration]),
		metric.WithExplicitBucketBoundaries(buckets...))
	o.times[gate.MetricDuration] = h
	return o, err
}

// Count adds one.
func (o *OpenTelemetry) Count(name string, labels ...string) {
	if c := o.counters[name]; c != nil {
		c.Add(context.Background(), 1, metric.WithAttributes(attributes(labels)...))
	}
}

// Time adds a duration.
func (o *OpenTelemetry) Time(name string, d time.Duration, labels ...string) {
	if h := o.times[name]; h != nil {
		h.Record(context.Background(), d.Seconds(), metric.WithAttributes(attributes(labels)...))
	}
}

func attributes(labels []string) (list []attribute.KeyValue) {
	for i := 0; i+1 < len(labels); i += 2 {
		list = append(list, attribute.String(labels[i], labels[i+1]))
	}
	return list
}
