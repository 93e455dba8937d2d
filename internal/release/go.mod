module github.com/ladingdev/lading/internal/release

go 1.26.3

replace github.com/ladingdev/lading => ../..

require (
	github.com/ladingdev/lading v0.0.0-00010101000000-000000000000
	github.com/opencontainers/go-digest v1.0.0
	golang.org/x/mod v0.38.0
)

require (
	filippo.io/mldsa v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
