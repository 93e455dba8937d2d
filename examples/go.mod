module github.com/ladingdev/lading/examples

go 1.26.3

replace github.com/ladingdev/lading => ..

require github.com/ladingdev/lading v0.0.0-00010101000000-000000000000

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.18.6 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	golang.org/x/sys v0.39.0 // indirect
	golang.org/x/term v0.38.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
