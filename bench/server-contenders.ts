import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { pluginID, startRealAgent } from '../test/nomad/real-agent.ts'
import { startMooring } from './mooring-process.ts'

/** A server of the Volumes API under load. */
export interface Contender {
  readonly name: string
  readonly url: string
  readonly pluginID: string
  /** undefined: it does not tell more than its size. */
  report(): Promise<Report | undefined>
  /** Memory that the process has from the system. */
  rssBytes(): number
  /** Processor time that the process has used, which other work of the machine does not change much. */
  cpuMs(): number
  close(): Promise<void>
}

export interface Report {
  /** The most processor time that one turn of its event loop took since the last report. */
  readonly longestStallMs: number
  /** What lives in its memory once the garbage is gone. */
  readonly liveBytes: number
}

const floorProcess = fileURLToPath(new URL('./floor-process.ts', import.meta.url))
const pluginProcess = fileURLToPath(new URL('./plugin-process.ts', import.meta.url))

/** `mooring server`, a process of its own, over a plugin in memory, another one. */
export async function startOurs(connectionsPerClient = 2_000): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  const endpoint = `unix://${join(directory, 'plugin.sock')}`
  const plugin = spawn(process.execPath, [pluginProcess, `--endpoint=${endpoint}`], { stdio: 'inherit' })
  const server = startMooring(
    [
      'server',
      ...['--http', '127.0.0.1:0'],
      ...['--max-connections-per-client', String(connectionsPerClient)],
      ...['--data-dir', join(directory, 'data')],
      ...['--plugin', `disk=${endpoint}`],
    ],
    ['--expose-gc', `--import=${new URL('./report-process.ts', import.meta.url)}`],
  )
  const { url } = await server.logged('server listens')
  return {
    name: 'mooring',
    url: String(url),
    pluginID: 'disk',
    rssBytes: () => rssBytesOf(server.pid),
    cpuMs: () => cpuMsOf(server.pid),
    async report() {
      const next = Promise.withResolvers<Report>()
      const stop = server.onLine((line) => {
        if (line.msg === 'report') next.resolve(line as unknown as Report)
      })
      server.signal('SIGUSR2')
      const report = await next.promise
      stop()
      return report
    },
    async close() {
      await server.stop()
      plugin.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** A real agent of Nomad, server and client, over a plugin of the same kind. */
export async function startNomad(): Promise<Contender> {
  const agent = await startRealAgent({
    plugin: { command: process.execPath, args: [pluginProcess] },
    connectionsPerClient: 0,
  })
  return {
    name: 'nomad',
    url: agent.address,
    pluginID,
    rssBytes: () => rssBytesOf(agent.pid),
    cpuMs: () => cpuMsOf(agent.pid),
    report: async () => undefined,
    close: agent.close,
  }
}

/** A server of Node that only answers `answer`: what is above it is the work of our own. */
export async function startFloor(
  answer: string,
): Promise<Pick<Contender, 'name' | 'url' | 'cpuMs' | 'close'>> {
  const server = spawn(process.execPath, [floorProcess, `--answer=${answer}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(server.stdout, 'data')
  return {
    name: 'node:http',
    url: `http://127.0.0.1:${String(port).trim()}`,
    cpuMs: () => cpuMsOf(server.pid ?? 0),
    async close() {
      server.kill('SIGKILL')
    },
  }
}

function rssBytesOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** In ticks of a hundredth of a second, after the name, which may hold blanks. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
