#!/usr/bin/env bash
# Finding (pnpm 12.21.0, from the npm registry): `pnpm sbom --sbom-spec-version 1.5` writes the authors of components as "authors", a
# list, which CycloneDX has since 1.6; 1.5 has "author", a text, and its schema closes the object of a component. So the
# document is not valid, by the validator of CycloneDX's own JavaScript library, if any package.json has an author. As 1.6 it is.
# For whoever feeds consumers that want 1.5: a strict one refuses the document.
# Fails if that changes. Needs Node 20 and npm; network for the npm registry alone.
# Output seen on 2026-11-29:
#   pnpm 12.21.0, @cyclonedx/cyclonedx-library 10.3.0
#   1.5: /components/0 must NOT have additional properties: authors
#   1.6: valid
#   same as seen
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME=$dir npm_config_cache=$dir/cache
mkdir "$dir/tools" "$dir/app"
cd "$dir/tools"
npm install --silent --no-audit --no-fund pnpm@12.21.0 @cyclonedx/cyclonedx-library@10.3.0 ajv@8 ajv-formats@3 ajv-formats-draft2019@1 >/dev/null
cat >validate.js <<'JS'
const { Validation, Spec } = require('@cyclonedx/cyclonedx-library')
const fs = require('fs')
const [version, file] = process.argv.slice(2)
new Validation.JsonValidator(version).validate(fs.readFileSync(file, 'utf8')).then(problems => {
  if (problems === null) console.log(`${version}: valid`)
  else for (const p of problems) console.log(`${version}: ${p.instancePath} ${p.message}: ${Object.values(p.params).join()}`)
})
JS
echo "pnpm $(node_modules/.bin/pnpm --version), @cyclonedx/cyclonedx-library $(node -p "require('@cyclonedx/cyclonedx-library/package.json').version")"
cd "$dir/app"
cat >package.json <<'JSON'
{"name": "app", "version": "1.0.0", "private": true, "dependencies": {"is-number": "6.0.0"}}
JSON
pnpm=$dir/tools/node_modules/.bin/pnpm
"$pnpm" install --silent >/dev/null
for version in 1.5 1.6; do
	"$pnpm" sbom --sbom-format cyclonedx --sbom-spec-version $version --out "$dir/$version.json" >/dev/null
	(cd "$dir/tools" && node validate.js $version "$dir/$version.json")
done | tee "$dir/now"
diff - "$dir/now" <<'WANT' && echo "same as seen"
1.5: /components/0 must NOT have additional properties: authors
1.6: valid
WANT
