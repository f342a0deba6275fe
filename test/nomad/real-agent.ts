import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPluginClient, type PluginClient } from '../../src/csi/plugin-client.ts'
import type { Plugin } from '../../src/wire/plugin.ts'
import type { Snapshot } from '../../src/wire/snapshot.ts'
import type { Volume } from '../../src/wire/volume.ts'
import { createAuthority } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { createNomadCaller } from '../helpers/nomad-caller.ts'

/** Why the suite cannot run here; undefined where it can. */
export const whySkipped = ['NOMAD_BIN', 'CSI_PLUGIN_BIN']
  .filter((name) => (process.env[name] ?? '') === '')
  .map((name) => `${name} not set`)
  .join(', ')

/** The plugin's ID in Nomad. */
export const pluginID = 'hostpath'

/** The driver of this package, where it is asked for. */
export const ownPluginID = 'directories'

/** The node's name at the plugins. */
export const externalNodeID = 'loopback'

/** An agent takes its time on a machine with other work; a bound for a hang, never a measure. */
export const patienceMs = 120_000

export interface RealAgentOptions {
  /** Everything is denied that a policy does not grant. */
  readonly acl?: boolean
  /** The HTTP API over TLS, to who shows a certificate. */
  readonly mutualTls?: boolean
  /** In the place of csi-driver-host-path; the endpoint is added to its arguments. */
  readonly plugin?: PluginCommand
  /** Connections of one address at once; 0: as many as it likes. Default: Nomad's own, 100. */
  readonly connectionsPerClient?: number
  /** A second plugin: the driver of this package, which lists where volumes are published. */
  readonly ownPlugin?: boolean
}

export interface RealAgent {
  readonly address: string
  readonly pid: number
  /** The settings by which every Nomad tool reaches it; the token, where ACLs are on, may do everything. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs the `nomad` command line against the agent. @returns its output; rejects with what it complained */
  nomad(parameters: readonly string[], input?: string): Promise<string>
  get<T>(path: string): Promise<T>
  volume(id: string): Promise<Volume | undefined>
  snapshotIDs(): Promise<readonly string[]>
  /** Calls the second plugin itself, behind Nomad's back. */
  withOwnPlugin(work: (plugin: PluginClient) => Promise<unknown>): Promise<void>
  close(): Promise<void>
}

/**
 * A Nomad agent (server and client) on loopback with csi-driver-host-path, run as a job by raw_exec:
 * both binaries come from the environment, and everything they write is gone afterwards. The bench starts one, too:
 * outside of vitest, where nothing of `vi` works.
 */
export async function startRealAgent({
  acl = false,
  mutualTls = false,
  ownPlugin = false,
  plugin,
  connectionsPerClient,
}: RealAgentOptions = {}): Promise<RealAgent> {
  const binary = process.env.NOMAD_BIN ?? ''
  const directory = mkdtempSync(join(tmpdir(), 'mooring-nomad-'))
  const [http, rpc, serf] = await freePorts(3)
  const address = `${mutualTls ? 'https' : 'http'}://127.0.0.1:${http}`
  const configuration = join(directory, 'agent.json')
  const tls = mutualTls ? await createCertificates(directory) : undefined
  writeFileSync(
    configuration,
    JSON.stringify({
      ...agentConfiguration(directory, { http, rpc, serf }),
      acl: { enabled: acl },
      ...(connectionsPerClient !== undefined && {
        limits: { http_max_conns_per_client: connectionsPerClient },
      }),
      ...tls?.configuration,
    }),
  )
  const settings: Record<string, string> = { NOMAD_ADDR: address, ...tls?.environment }
  const environment = () => ({ HOME: directory, PATH: process.env.PATH, ...settings })
  let caller = createNomadCaller(settings)

  const log = openSync(join(directory, 'agent.log'), 'a')
  const agent = spawn(binary, ['agent', '-config', configuration], {
    env: environment(),
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const lastLog = () => readFileSync(join(directory, 'agent.log'), 'utf8').slice(-3000)

  async function get<T>(path: string): Promise<T> {
    const { status, text } = await caller.call({ method: 'GET', path })
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    return JSON.parse(text)
  }

  async function bootstrapAcl(): Promise<string> {
    const { status, text } = await caller.call({ method: 'POST', path: '/v1/acl/bootstrap' })
    if (status !== 200) throw new Error(`ACLs cannot be bootstrapped: ${status} ${text}\n${lastLog()}`)
    return JSON.parse(text).SecretID
  }

  async function nomad(parameters: readonly string[], input = ''): Promise<string> {
    const child = spawn(binary, parameters, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    child.stdin.end(input)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`nomad ${parameters.join(' ')}: ${text}`)
    return text
  }

  async function pluginIsHealthy(id = pluginID) {
    await eventually(async () => {
      const plugin = await get<Plugin>(`/v1/plugin/csi/${id}`)
      if (plugin.ControllersHealthy < 1 || plugin.NodesHealthy < 1)
        throw new Error('the plugin is not healthy')
    }, patienceMs)
  }

  async function runJob(job: object) {
    await nomad(['job', 'run', '-detach', '-json', '-'], JSON.stringify(job))
  }

  await eventually(async () => {
    if (acl && settings.NOMAD_TOKEN === undefined) {
      settings.NOMAD_TOKEN = await bootstrapAcl()
      await caller.close()
      caller = createNomadCaller(settings)
    }
    const nodes = await get<readonly { Status: string }[]>('/v1/nodes')
    if (nodes.at(0)?.Status !== 'ready') throw new Error(`the agent is not ready:\n${lastLog()}`)
  }, patienceMs)
  await runJob(pluginJob(pluginID, plugin ?? hostPathCommand(directory), directory))
  await pluginIsHealthy()
  if (ownPlugin) {
    await runJob(pluginJob(ownPluginID, ownCommand(directory), directory))
    await pluginIsHealthy(ownPluginID)
  }

  return {
    address,
    pid: agent.pid ?? 0,
    environment: settings,
    nomad,
    get,
    async volume(id) {
      const path = `/v1/volume/csi/${encodeURIComponent(id)}`
      const { status, text } = await caller.call({ method: 'GET', path })
      return status === 200 ? (JSON.parse(text) as Volume) : undefined
    },
    async snapshotIDs() {
      const path = `/v1/volumes/snapshot?plugin_id=${pluginID}`
      const { Snapshots } = await get<{ Snapshots: Snapshot[] | null }>(path)
      return (Snapshots ?? []).map(({ ID }) => ID)
    },
    async withOwnPlugin(work) {
      const [allocation] = await get<readonly { ID: string }[]>(`/v1/job/${ownPluginID}/allocations`)
      const endpoint = `unix://${directory}/data/client/csi/plugins/${allocation?.ID}/csi.sock`
      const plugin = createPluginClient({ pluginID: ownPluginID, endpoint })
      await work(plugin).finally(() => plugin.close())
    },
    async close() {
      for (const { ID } of await get<readonly { ID: string }[]>('/v1/jobs')) {
        await nomad(['job', 'stop', '-detach', ID])
      }
      // Tasks outlive an agent that ends before them.
      await eventually(async () => {
        const allocations = await get<readonly { ClientStatus: string }[]>('/v1/allocations')
        const living = allocations.filter(({ ClientStatus }) => /^(pending|running)$/.test(ClientStatus))
        if (living.length > 0) throw new Error(`${living.length} allocations do not end`)
      }, patienceMs)
      const ended = once(agent, 'close')
      agent.kill('SIGTERM')
      await ended
      await caller.close()
      await unmountBeneath(directory)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function agentConfiguration(directory: string, ports: Readonly<Record<string, number | undefined>>) {
  return {
    bind_addr: '127.0.0.1',
    data_dir: join(directory, 'data'),
    advertise: { http: '127.0.0.1', rpc: '127.0.0.1', serf: '127.0.0.1' },
    ports,
    server: { enabled: true, bootstrap_expect: 1 },
    client: {
      enabled: true,
      options: {
        'fingerprint.denylist': 'env_aws,env_gce,env_azure,env_digitalocean,consul,vault,cni',
      },
      chroot_env: sleepersRoot(),
    },
    plugin: [{ raw_exec: [{ config: [{ enabled: true }] }] }],
    disable_update_check: true,
    log_level: 'WARN',
  }
}

/** Of an agent whose HTTP API asks for certificates, and of who calls it. */
async function createCertificates(directory: string) {
  const authority = await createAuthority(directory)
  const agent = await authority.issue('agent', ['127.0.0.1', 'localhost', 'client.global.nomad'])
  const caller = await authority.issue('caller', [])
  return {
    configuration: {
      tls: {
        http: true,
        verify_https_client: true,
        ca_file: authority.certFile,
        cert_file: agent.certFile,
        key_file: agent.keyFile,
      },
    },
    environment: {
      NOMAD_CACERT: authority.certFile,
      NOMAD_CLIENT_CERT: caller.certFile,
      NOMAD_CLIENT_KEY: caller.keyFile,
    },
  }
}

/** What a job that sleeps needs, in place of the whole of /usr for each; and where Nomad 1.10 looks for its user. */
export function sleepersRoot(): Record<string, string> {
  const sleep = { [realpathSync('/bin/sleep')]: '/bin/sleep', ...sharedLibraries('/bin/sleep') }
  return { ...sleep, '/etc/passwd': '/etc/passwd' }
}

/** The shared libraries of Debian's sleep, by the names that its loader looks for. */
function sharedLibraries(program: string): Record<string, string> {
  const listed = readLibraries(program)
  // A link would be copied as a link, to a place that the job does not see.
  return Object.fromEntries(listed.map((path) => [realpathSync(path), path]))
}

function readLibraries(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...text.matchAll(/(\/\S+)/g)].map(([path]) => path)
}

export interface PluginCommand {
  readonly command: string | undefined
  /** Beside the endpoint. */
  readonly args: readonly string[]
}

const hostPathCommand = (directory: string): PluginCommand => ({
  command: process.env.CSI_PLUGIN_BIN,
  args: [
    '--drivername=hostpath.csi.k8s.io',
    `--nodeid=${externalNodeID}`,
    `--statedir=${makeDirectory(directory, 'hostpath')}/`,
  ],
})

const ownCommand = (directory: string): PluginCommand => ({
  command: process.execPath,
  args: [
    fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
    'driver',
    `--node-id=${externalNodeID}`,
    `--pool=${makeDirectory(directory, 'pool')}`,
  ],
})

/** A plugin that runs unconfined: Nomad's paths are its own. */
function pluginJob(id: string, { command, args }: PluginCommand, directory: string) {
  const data = join(directory, 'data')
  return {
    Job: {
      ID: id,
      Type: 'service',
      Datacenters: ['*'],
      TaskGroups: [
        {
          Name: 'plugin',
          RestartPolicy: { Attempts: 1000, Interval: 3600e9, Delay: 1e9, Mode: 'delay' },
          Tasks: [
            {
              Name: 'plugin',
              Driver: 'raw_exec',
              Config: {
                command,
                args: [...args, `--endpoint=unix://${data}/client/csi/plugins/\${NOMAD_ALLOC_ID}/csi.sock`],
              },
              CSIPluginConfig: {
                ID: id,
                Type: 'monolith',
                MountDir: '/csi',
                StagePublishBaseDir: `${data}/client/csi/monolith/${id}`,
                HealthTimeout: 60e9,
              },
              Resources: { CPU: 50, MemoryMB: 128 },
            },
          ],
        },
      ],
    },
  }
}

function makeDirectory(directory: string, name: string): string {
  const made = join(directory, name)
  mkdirSync(made)
  return made
}

/** A killed agent leaves mounts behind; those beneath the directory are the suite's own. */
export async function unmountBeneath(directory: string): Promise<void> {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ').slice(1, 2))
    .filter((point) => point.startsWith(`${directory}/`))
  for (const point of points.reverse()) await once(spawn('umount', ['-l', point]), 'close')
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    }),
  )
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
