module github.com/ladingdev/lading/internal/interop/copy

go 1.26.3

replace github.com/ladingdev/lading => ../../..

require github.com/ladingdev/lading v0.0.0-00010101000000-000000000000
