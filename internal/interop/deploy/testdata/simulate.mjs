// Asks @cloud-copilot/iam-simulate, an evaluator of IAM policies that others wrote, about each call of calls.json, in an organization and
// in an account alone, and prints where it differs.
//
//	node simulate.mjs NODE_MODULES CALLS DOCUMENTS
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [modules, calls, folder] = process.argv.slice(2)
const { runSimulation } = createRequire(join(modules, 'x.js'))('@cloud-copilot/iam-simulate')
const documents = Object.fromEntries(readdirSync(folder).map(f => [f.replace('.json', ''), JSON.parse(readFileSync(join(folder, f)))]))
const all = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
const named = (name, policy) => ({ name, policy })
const names = { registrar: 'lading-registrar', 'task-events': 'lading-task-events', pauses: 'lading-pauses' }
const control = Object.keys(documents).filter(n => n.startsWith('scp-')).map(n => named(n, documents[n]))

let asked = 0, differ = 0
for (const call of JSON.parse(readFileSync(calls))) {
	const principal = 'arn:aws:iam::111122223333:role/' + (names[call.Who] ?? call.Who)
	const contextVariables = { 'aws:PrincipalArn': principal }
	for (const [key, values] of Object.entries(call.Keys)) contextVariables[key] = key === 'aws:TagKeys' ? values : values[0]
	for (const organization of [true, false]) for (const resource of call.Resources) {
		const answer = await runSimulation({
			request: { principal, action: call.Action, resource: { resource: resource.replace(/:\*$/, ':1'), accountId: '111122223333' }, contextVariables },
			identityPolicies: [named('identity', ['deployer', 'registrar'].includes(call.Who) ? documents[call.Who] : all)],
			serviceControlPolicies: organization ? [
				{ orgIdentifier: 'r-1', policies: [named('all', all)] },
				{ orgIdentifier: 'ou-1', policies: [named('all', all), ...control] },
			] : [],
			resourceControlPolicies: [],
			permissionBoundaryPolicies: organization ? undefined : [named('boundary', documents.boundary)],
		}, {})
		const result = answer.result?.analysis?.result ?? answer.analysis?.result ?? answer.overallResult?.analysis?.result
		asked++
		if (result === undefined || (result === 'Allowed') !== call.Allowed) {
			differ++
			console.log(`${call.Path}: ${call.Who} ${call.Action} ${resource}: ${result ?? JSON.stringify(answer)}, and ours says ${call.Allowed}`)
		}
	}
}
console.log(`${asked} asked, ${differ} differ`)
process.exit(asked > 0 && differ === 0 ? 0 : 1)
