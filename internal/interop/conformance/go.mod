module github.com/ladingdev/lading/internal/interop/conformance

go 1.26.3

replace github.com/ladingdev/lading => ../../..

tool github.com/opencontainers/distribution-spec/conformance

require github.com/ladingdev/lading v0.0.0-00010101000000-000000000000

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/olareg/olareg v0.2.2 // indirect
	github.com/opencontainers/distribution-spec/conformance v0.0.0-20260831232431-97274622c111 // indirect
	github.com/opencontainers/distribution-spec/specs-go v0.0.0-20240926185104-8376368dd8aa // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/sudo-bmitch/oci-digest v0.1.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)
