module github.com/ladingdev/lading/internal/interop/catalog/tools

go 1.26.3

replace github.com/ladingdev/lading => ../../../..

require github.com/ladingdev/lading v0.0.0-00010101000000-000000000000

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/olareg/olareg v0.2.2 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/pandatix/go-cvss v0.6.4 // indirect
	github.com/sudo-bmitch/oci-digest v0.1.2 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)
