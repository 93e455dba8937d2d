// Verifies bundles with @sigstore/verify by trusted roots: a list of cases from standard input, a list of answers to standard output.
const crypto = require('crypto');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = cases.map((c) => {
  try {
    const keys = c.pem && (() => ({ publicKey: crypto.createPublicKey(c.pem), validFor: () => true }));
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(c.root)), keys);
    const verifier = new Verifier(material, { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 });
    const policy = c.name && { subjectAlternativeName: c.name, extensions: { issuer: c.issuer } };
    const artifact = c.artifact === undefined ? undefined : Buffer.from(c.artifact, 'base64');
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(c.bundle)), artifact), policy);
    return '';
  } catch (e) {
    return e.code || String(e);
  }
});
process.stdout.write(JSON.stringify(answers));
