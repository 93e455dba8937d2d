package notation

// Names of signed attributes (specs/signature-specification.md, "Signed Attributes"), and those that AWS Signer adds.
const (
	AttributeScheme        = "io.cncf.notary.signingScheme"
	AttributeTime          = "io.cncf.notary.signingTime"          // of the scheme notary.x509
	AttributeAuthenticTime = "io.cncf.notary.authenticSigningTime" // of notary.x509.signingAuthority
	AttributeExpiry        = "io.cncf.notary.expiry"
	AttributePlugin        = "io.cncf.notary.verificationPlugin"
	AttributePluginVersion = "io.cncf.notary.verificationPluginMinVersion"

	AttributeAWSProfile = "com.amazonaws.signer.signingProfileVersion"
	AttributeAWSJob     = "com.amazonaws.signer.signingJob"
)

// AWSPlugin is the verification plugin that signatures by AWS Signer ask for.
const AWSPlugin = "com.amazonaws.signer.notation.plugin"

// Bounds of what is verified, and so of what is handed out: bytes of an envelope, and certificates in it.
const (
	MaxEnvelope     = 1 << 20
	MaxCertificates = 10
)
