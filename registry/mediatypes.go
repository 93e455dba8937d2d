package registry

import ocispec "github.com/opencontainers/image-spec/specs-go/v1"

// Media types of evidence.
const (
	typeBundle        = "application/vnd.dev.sigstore.bundle.v0.3+json"
	typeDSSE          = "application/vnd.dsse.envelope.v1+json"
	typeSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeJWS           = "application/jose+json"
	typeCOSE          = "application/cose"
	typeNotary        = "application/vnd.cncf.notary.signature" // of the configuration (Notary signature specification, "OCI Signatures")
	typeInToto        = "application/vnd.in-toto+json"          // a statement that nobody signed; as artifact type, perhaps an envelope
)

// EvidenceTypes returns the layer media types that Evidence yields unless Options say otherwise: Sigstore bundles of
// every version, DSSE envelopes, cosign's simple signing, and Notary Project's JWS and COSE.
func EvidenceTypes() []string {
	return []string{
		typeBundle,
		"application/vnd.dev.sigstore.bundle+json;version=0.1",
		"application/vnd.dev.sigstore.bundle+json;version=0.2",
		"application/vnd.dev.sigstore.bundle+json;version=0.3",
		typeDSSE, typeSimpleSigning, typeJWS, typeCOSE,
	}
}

// Docker's media types, which are subjects like any other.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

func isManifest(mediaType string) bool {
	return isIndex(mediaType) || mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}
