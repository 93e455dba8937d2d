module github.com/ladingdev/lading/internal/interop/scanners

go 1.26.3

replace github.com/ladingdev/lading => ../../..

require github.com/ladingdev/lading v0.0.0-00010101000000-000000000000

require (
	github.com/pandatix/go-cvss v0.6.4 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
