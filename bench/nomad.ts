import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createNomadClient, type NomadClient } from '../src/nomad/client.ts'
import { pluginID, type RealAgent, startRealAgent, whySkipped } from '../test/nomad/real-agent.ts'
import { startCountingProxy } from './counting-proxy.ts'
import { type Contender, commandLine, mooring, terraform } from './nomad-contenders.ts'
import { plotLines } from './plot.ts'

/** How long what an operator does after the last status may take, before it counts as at rest. */
const restMs = 10_000

/**
 * The operator, a loop of `nomad volume create`, and Terraform with Nomad's provider, each in its turn against one
 * real agent with one real plugin, with a proxy in front that counts. Needs NOMAD_BIN and CSI_PLUGIN_BIN; Terraform
 * (or OpenTofu) takes part where TERRAFORM_BIN and NOMAD_PROVIDER_DIR (a folder with `terraform-provider-nomad`) are set.
 * Written to bench-results/nomad.json and nomad.svg.
 *   --volumes N  (default 500)    --rounds N  (default 3; each begins with another contender)
 *   --steady N   seconds of the steady state (default 120)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      volumes: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '3' },
      steady: { type: 'string', default: '120' },
    },
  })
  if (whySkipped !== '') {
    process.stderr.write(
      `bench nomad needs a Nomad (NOMAD_BIN) and csi-driver-host-path (CSI_PLUGIN_BIN): ${whySkipped}\n`,
    )
    process.exitCode = 1
    return
  }
  const volumes = Number(values.volumes)
  const contenders = chooseContenders()
  const agent = await startRealAgent()
  const client = createNomadClient({ address: agent.address })
  try {
    const rounds: Measured[][] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const order = contenders.map((_, place) => contenders[(place + round) % contenders.length] ?? mooring)
      const measured: Measured[] = []
      for (const contender of order) measured.push(await measure(agent, client, contender, volumes, round))
      rounds.push(measured)
    }
    const report = {
      at: new Date().toISOString(),
      node: process.version,
      nomad: (await agent.nomad(['version'])).split('\n')[0],
      cpus: cpus().length,
      volumes,
      rounds: rounds.map((round) => round.map(({ createdMs: _, ...told }) => told)),
      median: summarise(rounds.flat(), contenders),
      steady: await measureSteadyState(agent, client, volumes, Number(values.steady)),
    }
    const text = `${JSON.stringify(report, null, 2)}\n`
    const results = fileURLToPath(new URL('../bench-results/', import.meta.url))
    mkdirSync(results, { recursive: true })
    writeFileSync(join(results, 'nomad.json'), text)
    writeFileSync(join(results, 'nomad.svg'), plot(rounds[0] ?? [], volumes))
    process.stdout.write(text)
  } finally {
    await client.close()
    await agent.close()
  }
}

function chooseContenders(): Contender[] {
  const { NOMAD_BIN = '', TERRAFORM_BIN = '', NOMAD_PROVIDER_DIR = '' } = process.env
  const always = [mooring, commandLine(resolve(NOMAD_BIN))]
  if (TERRAFORM_BIN !== '' && NOMAD_PROVIDER_DIR !== '') {
    return [...always, terraform(resolve(TERRAFORM_BIN), resolve(NOMAD_PROVIDER_DIR))]
  }
  progress('Terraform is left out: TERRAFORM_BIN or NOMAD_PROVIDER_DIR is not set')
  return always
}

interface Measured {
  readonly contender: string
  readonly tookMs: number
  readonly requests: number
  readonly requestsByKind: Readonly<Record<string, number>>
  /** Of one more run with nothing to do, for what runs and ends. */
  readonly again?: { readonly tookMs: number; readonly requests: number }
  /** Since the start, for each volume in turn. */
  readonly createdMs: readonly number[]
}

async function measure(
  agent: RealAgent,
  client: NomadClient,
  contender: Contender,
  volumes: number,
  round: number,
): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  const proxy = await startCountingProxy(agent.address)
  const ids = idsOf(volumes)
  const prepared = await contender.prepare({ pluginID, ids, address: proxy.address, directory })
  try {
    const before = proxy.counts()
    const startMs = performance.now()
    await prepared.converge()
    const tookMs = performance.now() - startMs
    const requestsByKind = difference(before, proxy.counts())
    await assertThere(client, volumes)
    progress(`round ${round + 1}: ${contender.name}: ${volumes} volumes in ${Math.round(tookMs)} ms`)
    let again: Measured['again']
    if (prepared.again !== undefined) {
      const beforeAgain = proxy.counts()
      const againMs = performance.now()
      await prepared.again()
      again = {
        tookMs: Math.round(performance.now() - againMs),
        requests: total(difference(beforeAgain, proxy.counts())),
      }
    }
    return {
      contender: contender.name,
      tookMs: Math.round(tookMs),
      requests: total(requestsByKind),
      requestsByKind,
      ...(again === undefined ? {} : { again }),
      createdMs: proxy.createdMs.map((atMs) => atMs - startMs),
    }
  } finally {
    await prepared.close()
    await proxy.close()
    await removeVolumes(client, ids)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What the operator asks of Nomad while everything is as declared. */
async function measureSteadyState(agent: RealAgent, client: NomadClient, volumes: number, seconds: number) {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  const proxy = await startCountingProxy(agent.address)
  const ids = idsOf(volumes)
  const prepared = await mooring.prepare({ pluginID, ids, address: proxy.address, directory })
  try {
    await prepared.converge()
    await pause(restMs)
    const before = proxy.counts()
    progress(`steady state, for ${seconds} s`)
    await pause(seconds * 1000)
    const requestsByKind = difference(before, proxy.counts())
    return { seconds, requestsPerMinute: round1((total(requestsByKind) * 60) / seconds), requestsByKind }
  } finally {
    await prepared.close()
    await proxy.close()
    await removeVolumes(client, ids)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The medians over all rounds, and how often the operator's they are. */
function summarise(measured: readonly Measured[], contenders: readonly Contender[]) {
  const medianOf = (contender: Contender, value: (each: Measured) => number) =>
    median(measured.filter((each) => each.contender === contender.name).map(value))
  const tookMs = ({ tookMs }: Measured) => tookMs
  const requests = ({ requests }: Measured) => requests
  return contenders.map((contender) => ({
    contender: contender.name,
    tookMs: medianOf(contender, tookMs),
    requests: medianOf(contender, requests),
    timesOperatorsTime: round1(medianOf(contender, tookMs) / medianOf(mooring, tookMs)),
    timesOperatorsRequests: round1(medianOf(contender, requests) / medianOf(mooring, requests)),
  }))
}

function plot(measured: readonly Measured[], volumes: number): string {
  return plotLines({
    title: `${volumes} volumes at one real Nomad`,
    x: 'seconds',
    y: 'volumes',
    lines: measured.map(({ contender, createdMs }) => ({
      name: contender,
      points: createdMs.map((atMs, index) => ({ x: atMs / 1000, y: index + 1 })),
    })),
  })
}

const idsOf = (volumes: number) => Array.from({ length: volumes }, (_, index) => `bench-${index}`)

async function assertThere(client: NomadClient, volumes: number): Promise<void> {
  const { items } = await client.listVolumes('default')
  const whole = items.filter(({ ExternalID }) => ExternalID !== '')
  if (whole.length !== volumes) throw new Error(`${whole.length} volumes are there, and not ${volumes}`)
}

async function removeVolumes(client: NomadClient, ids: readonly string[]): Promise<void> {
  const left = ids.values()
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const id of left) await client.deleteVolume('default', id, {})
    }),
  )
}

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(after)
      .map(([kind, count]): [string, number] => [kind, count - (before[kind] ?? 0)])
      .filter(([, count]) => count > 0),
  )
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const round1 = (value: number) => Math.round(value * 10) / 10

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}
