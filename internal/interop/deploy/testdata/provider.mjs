// Writes provider.json: the attribute and block names of some resources of Terraform's provider hashicorp/aws, from the npm package
// @cdktf/provider-aws (MPL-2.0), which is generated from the provider's own schema.
//
//	npm install --no-save --ignore-scripts @cdktf/provider-aws@21.22.1
//	node provider.mjs node_modules/@cdktf/provider-aws > provider.json
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2]
const resources = {
	aws_cloudwatch_event_rule: 'cloudwatch-event-rule', aws_cloudwatch_event_target: 'cloudwatch-event-target',
	aws_cloudwatch_log_group: 'cloudwatch-log-group', aws_cloudwatch_log_metric_filter: 'cloudwatch-log-metric-filter',
	aws_cloudwatch_metric_alarm: 'cloudwatch-metric-alarm', aws_iam_role: 'iam-role', aws_iam_role_policy: 'iam-role-policy',
	aws_lambda_function: 'lambda-function', aws_lambda_permission: 'lambda-permission', aws_sqs_queue: 'sqs-queue',
	aws_sqs_queue_policy: 'sqs-queue-policy', 'data.aws_caller_identity': 'data-aws-caller-identity',
	'data.aws_partition': 'data-aws-partition', 'data.aws_region': 'data-aws-region',
}

// members of the object that a function returns, and the function that writes each: key: expression,
const members = body => [...body.matchAll(/^\s{8,12}(\w+): (.*),$/gm)].map(m => [m[1], m[2]])
const text = (file, pattern) => { const m = file.match(pattern); return m ? m[1] : '' }

function describe(folder) {
	const js = readFileSync(join(root, 'lib', folder, 'index.js'), 'utf8')
	const dts = readFileSync(join(root, 'lib', folder, 'index.d.ts'), 'utf8')
	const camel = s => s.replace(/_(\w)/g, (_, c) => c.toUpperCase())
	const required = (iface, names) => {
		const body = text(dts, new RegExp(`export interface ${iface}(?: extends [^{]*)? \\{([\\s\\S]*?)\\n\\}`))
		return names.filter(n => new RegExp(`readonly ${camel(n)}: `).test(body)).sort()
	}
	const level = (body, iface) => {
		const out = { attributes: [], blocks: {}, required: [] }
		const names = []
		for (const [name, expression] of members(body)) {
			names.push(name)
			const nested = text(expression, /(\w+)ToTerraform\b/)
			const writer = nested && js.match(new RegExp(`^function ${nested}ToTerraform\\(struct\\) \\{[\\s\\S]*?return \\{([\\s\\S]*?)\\n    \\};`, 'm'))
			if (writer) out.blocks[name] = level(writer[1], nested[0].toUpperCase() + nested.slice(1))
			else out.attributes.push(name)
		}
		out.attributes.sort()
		out.required = required(iface, names)
		return out
	}
	const config = text(dts, /export interface (\w+Config) extends/)
	const out = level(text(js, /synthesizeAttributes\(\) \{\s*return \{([\s\S]*?)\n        \};/), config)
	// What a resource says of itself when it exists.
	const cls = text(dts, /export declare class (\w+) extends cdktf\.Terraform(?:Resource|DataSource) \{/)
	const body = dts.slice(dts.indexOf(`class ${cls} extends`))
	out.computed = [...body.matchAll(/^    get (\w+)\(\): /gm)].map(m => m[1].replace(/[A-Z]/g, c => '_' + c.toLowerCase())).filter(n => !n.endsWith('_input')).sort()
	return out
}

const version = text(readFileSync(join(root, 'README.md'), 'utf8'), /hashicorp\/aws provider version ([0-9.]+)/)
const out = { source: 'hashicorp/aws ' + version + ', by @cdktf/provider-aws ' + JSON.parse(readFileSync(join(root, 'package.json'))).version, resources: {} }
for (const [type, folder] of Object.entries(resources)) out.resources[type] = describe(folder)
process.stdout.write(JSON.stringify(out, null, '\t') + '\n')
