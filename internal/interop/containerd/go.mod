module github.com/ladingdev/lading/internal/interop/containerd

go 1.26.3

replace github.com/ladingdev/lading => ../../..

require (
	github.com/ladingdev/lading v0.0.0-00010101000000-000000000000
	github.com/opencontainers/go-digest v1.0.0
	github.com/opencontainers/image-spec v1.1.1
)

require (
	filippo.io/mldsa v1.0.0 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/olareg/olareg v0.2.2 // indirect
	github.com/pelletier/go-toml/v2 v2.4.3 // indirect
	github.com/sudo-bmitch/oci-digest v0.1.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	oras.land/oras-go/v2 v2.7.0 // indirect
)
