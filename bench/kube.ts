import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { load } from 'js-yaml'
import { type ApiRequest, startFakeKubernetes } from '../test/fakes/kubernetes/fake-kubernetes.ts'

/** Custom resources, and seconds of the steady state; ten minutes are `npm run bench kube 5000 600`. */
const defaults = { objects: 5_000, steadySeconds: 20 }
/** USER_HZ, which is the same on every Linux machine that Node runs on. */
const ticksPerSecond = 100
const policies = ['Retain', 'Delete']

/**
 * The operator, a process of its own, over the double of an API server and Mooring's server and driver: memory,
 * the time until all objects are Ready first, and what it asks of the API server then and afterwards. Its heap is
 * as large as in a pod of the chart: on a machine of its own V8 collects late, and what it takes says little.
 */
export async function run([objects, seconds]: readonly string[]): Promise<void> {
  const count = Number(objects ?? defaults.objects)
  const steadySeconds = Number(seconds ?? defaults.steadySeconds)
  const limitMiB = readMemoryLimit()
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  const fake = await startFakeKubernetes()
  const started: ChildProcess[] = []
  try {
    for (const plural of ['volumes', 'snapshots', 'snapshotschedules', 'nomadclusters']) {
      fake.create(load(readFileSync(`manifests/crds/${plural}.yaml`, 'utf8')) as Record<string, unknown>)
    }
    fake.createNamespace('mooring-system')
    const kubeconfig = join(directory, 'kubeconfig')
    writeFileSync(kubeconfig, fake.kubeconfig())
    for (let index = 0; index < count; index += 1) fake.create(volume(index))

    const nomad = start(
      started,
      ['up', folderIn(directory), '--data-dir', join(directory, 'nomad')],
      ['--http', '127.0.0.1:0', '--output', 'log', '--log-level', 'warn'],
    )
    const url = await printed(nomad, /^Volumes API\s+(http:\S+)\/v1\/volumes/)
    const operator = start(
      started,
      ['run', '--kubernetes', '--kubeconfig', kubeconfig, '--nomad-addr', url],
      ['--data-dir', join(directory, 'operator'), '--kubernetes-operator-namespace', 'mooring-system'],
      // What V8 takes of a container's memory, and what the Dockerfile says.
      [`--max-heap-size=${limitMiB / 2}`, '--max-semi-space-size=8'],
    )
    const startMs = performance.now()
    let peakBytes = 0
    while (readyCount(fake.store.list('mooring.dev/volumes')) < count) {
      if (operator.exitCode !== null) throw new Error(`the operator ended with ${operator.exitCode}`)
      peakBytes = Math.max(peakBytes, rssBytes(operator))
      await pause(250)
    }
    const convergedMs = performance.now() - startMs
    const converging = countRequests(fake.requests)
    const cpuSeconds = {
      operator: cpuSecondsOf(operator),
      nomad: cpuSecondsOf(nomad),
      kubernetes: round(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6),
    }
    // What follows the last status: finalizers that come off, and events.
    await pause(5_000)
    const before = fake.requests.length
    await pause(steadySeconds * 1000)
    const steady = countRequests(fake.requests.slice(before))
    const result = {
      objects: count,
      limitMiB,
      convergedSeconds: round(convergedMs / 1000),
      cpuSeconds,
      peakMiB: round(peakBytes / 2 ** 20),
      steadyMiB: round(rssBytes(operator) / 2 ** 20),
      converging,
      steadySeconds,
      steady,
    }
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
    const results = fileURLToPath(new URL('../bench-results/', import.meta.url))
    mkdirSync(results, { recursive: true })
    writeFileSync(join(results, 'kube.json'), `${JSON.stringify(result, undefined, 2)}\n`)
  } finally {
    for (const child of started) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    await fake.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function volume(index: number) {
  return {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'Volume',
    metadata: { name: `volume-${index}`, namespace: 'default' },
    spec: {
      pluginID: 'directories',
      capacity: { min: '1Mi' },
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
      deletionPolicy: policies[index % policies.length],
    },
  }
}

function folderIn(directory: string): string {
  const folder = join(directory, 'declarations')
  mkdirSync(folder)
  return folder
}

function start(
  started: ChildProcess[],
  command: readonly string[],
  options: readonly string[],
  nodeFlags: readonly string[] = [],
): ChildProcess {
  const child = spawn(process.execPath, [...nodeFlags, 'src/main.ts', ...command, ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  started.push(child)
  return child
}

/** Of a pod, by the chart's defaults. */
function readMemoryLimit(): number {
  const { resources } = load(readFileSync('charts/mooring/values.yaml', 'utf8')) as {
    resources: { limits: { memory: string } }
  }
  const [, mebibytes] = /^(\d+)Mi$/.exec(resources.limits.memory) ?? []
  if (mebibytes === undefined) throw new Error("the chart's memory limit is not in Mi")
  return Number(mebibytes)
}

async function printed({ stdout }: ChildProcess, pattern: RegExp): Promise<string> {
  if (stdout === null) throw new Error('the process needs a pipe')
  for await (const line of createInterface({ input: stdout })) {
    const [, found] = pattern.exec(line) ?? []
    if (found !== undefined) return found
  }
  throw new Error('the process ended before it was ready')
}

function readyCount(objects: readonly object[]): number {
  return objects.filter((object) => {
    const { status } = object as { status?: { conditions?: readonly { type: string; status: string }[] } }
    return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  }).length
}

/** By verb and resource. */
function countRequests(requests: readonly ApiRequest[]): Record<string, number> {
  const groups = Map.groupBy(requests, ({ verb, plural, subresource }) =>
    [verb, subresource === undefined ? plural : `${plural}/${subresource}`].join(' '),
  )
  return Object.fromEntries([...groups].map(([name, list]): [string, number] => [name, list.length]).sort())
}

function rssBytes({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** Of all its threads, in user and kernel mode: proc_pid_stat(5). */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return (user + system) / ticksPerSecond
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
