import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { Plugin } from '../../../src/wire/plugin.ts'
import type { AllocationStub, Volume } from '../../../src/wire/volume.ts'
import { freePorts, pluginID } from '../real-agent.ts'
import {
  type AgentPlace,
  agentConfiguration,
  claimingJob,
  linkJob,
  pluginJob,
  socketOf,
} from './cluster-files.ts'
import { endAllBeneath, freeze, processesNaming } from './own-processes.ts'

/**
 * A bound for a hang, never a measure. The longest that is waited for on purpose are the four and a half
 * minutes in which a call may still run whose answer was lost.
 */
export const patienceMs = 400_000

export const eventually = <T>(look: () => T | Promise<T>) =>
  vi.waitFor(look, { timeout: patienceMs, interval: 200 })

/** What csi-driver-host-path itself knows, whatever Nomad does. */
export interface PluginState {
  readonly Volumes: readonly { readonly VolName: string; readonly VolID: string; readonly VolSize: number }[]
  readonly Snapshots: readonly { readonly Name: string; readonly Id: string; readonly VolID: string }[]
}

/** Another client, with an instance of the plugin. */
export interface ClusterNode {
  readonly id: string
  readonly name: string
  /** SIGKILL; its jobs go on. */
  kill(): Promise<void>
  /** Nomad forgets it. */
  purge(): Promise<void>
}

export interface Cluster {
  readonly address: string
  /** Everything is written beneath it, and gone afterwards. */
  readonly directory: string
  /** The name of the agent's own node. */
  readonly nodeName: string
  /** Runs the `nomad` command line. @returns its output; rejects with what it complained */
  nomad(parameters: readonly string[], options?: { input?: string; address?: string }): Promise<string>
  get<T>(path: string): Promise<T>
  /** Resolves when a write of the suite's own has gone all the way, and so what was sent before it has come in. */
  writes(): Promise<void>
  volume(id: string): Promise<Volume | undefined>
  pluginState(): Promise<PluginState>
  /** Where the plugin keeps a volume's files. */
  contentOf(externalID: string): string
  /** Runs a job that holds the volume, and resolves when it runs. @param address a gate's */
  claim(jobID: string, volumeID: string, options?: { node?: string; address?: string }): Promise<void>
  allocationOf(jobID: string): Promise<AllocationStub | undefined>
  /** SIGKILL; jobs go on. */
  kill(): Promise<void>
  /** On the same data; resolves when the agent and its plugin are ready again. */
  start(): Promise<void>
  /** Stops the plugin's process between two writes of its state, so that what is asked of it stays open. */
  freezePlugin(): Promise<void>
  thawPlugin(): void
  /** SIGKILL; Nomad starts the task again. */
  killPlugin(): void
  startNode(): Promise<ClusterNode>
  /** Whether jobs can claim volumes here: that takes Nomad's exec driver, which needs root and control groups. */
  readonly canClaim: boolean
  close(): Promise<void>
}

/**
 * A Nomad agent (server and client) on loopback with csi-driver-host-path, run as a job by raw_exec:
 * both binaries come from the environment.
 */
export async function startCluster(): Promise<Cluster> {
  const binary = process.env.NOMAD_BIN ?? ''
  const directory = mkdtempSync(join(tmpdir(), 'mooring-nomad-'))
  const place = await makePlace('one')
  const address = `http://127.0.0.1:${place.ports.http}`
  const environment = { HOME: directory, PATH: process.env.PATH }
  const stateDirectory = join(directory, 'hostpath')
  const stateFlag = `--statedir=${stateDirectory}/`
  const nodes: ChildProcess[] = []
  mkdirSync(stateDirectory)

  async function makePlace(name: string, server?: string): Promise<AgentPlace> {
    const [http = 0, rpc = 0, serf = 0] = await freePorts(3)
    const made = { name, dataDirectory: join(directory, name), ports: { http, rpc, serf } }
    return server === undefined ? made : { ...made, server }
  }

  function launch(of: AgentPlace): ChildProcess {
    const configuration = join(directory, `${of.name}.json`)
    writeFileSync(configuration, JSON.stringify(agentConfiguration(of)))
    const log = openSync(join(directory, `${of.name}.log`), 'a')
    const agent = spawn(binary, ['agent', '-config', configuration], {
      env: environment,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    return agent
  }

  const nodeNamed = (name: string) =>
    eventually(async () => {
      const found = (await get<{ ID: string; Name: string; Status: string }[]>('/v1/nodes')).find(
        (node) => node.Name === name,
      )
      if (found?.Status === 'ready') return found
      throw new Error(
        `node ${name} is not ready:\n${readFileSync(join(directory, `${name}.log`), 'utf8').slice(-2000)}`,
      )
    })

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${address}${path}`)
    const body = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`)
    return JSON.parse(body)
  }

  async function write(path: string, body: object): Promise<void> {
    const response = await fetch(`${address}${path}`, { method: 'PUT', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }

  async function nomad(
    parameters: readonly string[],
    options: { input?: string; address?: string } = {},
  ): Promise<string> {
    const child = spawn(binary, parameters, {
      env: { ...environment, NOMAD_ADDR: options.address ?? address },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += chunk
      })
    }
    child.stdin.end(options.input ?? '')
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`nomad ${parameters.join(' ')}: ${text}`)
    return text
  }

  const runJob = (job: object, options: { address?: string } = {}) =>
    nomad(['job', 'run', '-detach', '-json', '-'], { ...options, input: JSON.stringify(job) })

  const pluginIsHealthyOn = (nodeID: string) =>
    eventually(async () => {
      const { Controllers, Nodes } = await get<Plugin>(`/v1/plugin/csi/${pluginID}`)
      const controllers = Object.values(Controllers ?? {})
      if (Nodes?.[nodeID]?.Healthy !== true || !controllers.some(({ Healthy }) => Healthy))
        throw new Error(`the plugin is not healthy on ${nodeID}`)
    })

  /** The newest. */
  const allocationOf = async (jobID: string) =>
    (await get<readonly AllocationStub[]>(`/v1/job/${jobID}/allocations`))
      .toSorted((one, other) => Number(one.CreateIndex) - Number(other.CreateIndex))
      .at(-1)

  const isRunning = (jobID: string) =>
    eventually(async () => {
      const allocation = await allocationOf(jobID)
      if (allocation?.ClientStatus !== 'running')
        throw new Error(`job ${jobID} does not run: ${JSON.stringify(allocation)}`)
    })

  /** The plugin writes it in place: in the middle of that it is no JSON. */
  function readPluginState(): PluginState {
    const { Volumes, Snapshots } = JSON.parse(readFileSync(join(stateDirectory, 'state.json'), 'utf8'))
    return { Volumes: Volumes ?? [], Snapshots: Snapshots ?? [] }
  }

  function pluginProcess(): number {
    const [pid] = processesNaming(stateFlag)
    if (pid === undefined) throw new Error('the plugin does not run')
    return pid
  }

  let agent = launch(place)
  const own = await nodeNamed(place.name)
  await runJob(pluginJob(place, stateDirectory))
  await pluginIsHealthyOn(own.ID)
  const { Drivers } = await get<{ Drivers: Record<string, { Healthy: boolean }> }>(`/v1/node/${own.ID}`)

  return {
    address,
    directory,
    nodeName: place.name,
    nomad,
    get,
    pluginState: () => eventually(readPluginState),
    allocationOf,
    canClaim: Drivers.exec?.Healthy === true,
    writes: () => write('/v1/var/mooring-suite', { Items: { written: 'yes' } }),
    contentOf: (externalID) => join(stateDirectory, externalID),
    async volume(id) {
      const response = await fetch(`${address}/v1/volume/csi/${encodeURIComponent(id)}`)
      return response.ok ? ((await response.json()) as Volume) : undefined
    },
    async claim(jobID, volumeID, { node = place.name, ...options } = {}) {
      await runJob(claimingJob(jobID, node, volumeID), options)
      await isRunning(jobID)
    },
    async kill() {
      const ended = once(agent, 'close')
      agent.kill('SIGKILL')
      await ended
    },
    async start() {
      agent = launch(place)
      await nodeNamed(place.name)
      await pluginIsHealthyOn(own.ID)
    },
    async freezePlugin() {
      await eventually(async () => {
        const pid = pluginProcess()
        await freeze(pid)
        try {
          // Killed in the middle of a write of its state it would never start again.
          readPluginState()
        } catch (error) {
          process.kill(pid, 'SIGCONT')
          throw error
        }
      })
    },
    thawPlugin: () => process.kill(pluginProcess(), 'SIGCONT'),
    killPlugin: () => process.kill(pluginProcess(), 'SIGKILL'),
    async startNode() {
      const other = await makePlace(`other-${nodes.length}`, `127.0.0.1:${place.ports.rpc}`)
      const client = launch(other)
      nodes.push(client)
      const { ID } = await nodeNamed(other.name)
      await runJob(linkJob(other, socketOf(place, (await allocationOf(pluginID))?.ID ?? '')))
      await pluginIsHealthyOn(ID)
      return {
        id: ID,
        name: other.name,
        async kill() {
          const ended = once(client, 'close')
          client.kill('SIGKILL')
          await ended
        },
        purge: () => write(`/v1/node/${ID}/purge`, {}),
      }
    },
    async close() {
      const living = [agent, ...nodes].filter(
        ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
      )
      const ended = living.map((each) => once(each, 'close'))
      for (const each of living) each.kill('SIGKILL')
      await Promise.all(ended)
      await endAllBeneath(directory)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
