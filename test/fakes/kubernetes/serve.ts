/**
 * The double as a process of its own: `node test/fakes/kubernetes/serve.ts KUBECONFIG [CRD.json …]` writes a kubeconfig for it
 * and serves until it is told to stop.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { startFakeKubernetes } from './fake-kubernetes.ts'
import { asRecord } from './json.ts'

const [kubeconfig, ...definitions] = process.argv.slice(2)
if (kubeconfig === undefined) {
  console.error('usage: node test/fakes/kubernetes/serve.ts KUBECONFIG [DEFINITION …]')
  process.exit(1)
}
const kubernetes = await startFakeKubernetes()
for (const file of definitions) {
  for (const document of loadAll(readFileSync(file, 'utf8'))) kubernetes.create(asRecord(document))
}
writeFileSync(kubeconfig, kubernetes.kubeconfig(), { mode: 0o600 })
console.log(kubernetes.address)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void kubernetes.close())
