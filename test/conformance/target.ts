import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../src/lib/log.ts'
import type { Registration } from '../../src/server/context.ts'
import { startServer } from '../../src/server/server.ts'
import { createNomadCaller, type NomadCaller } from '../helpers/nomad-caller.ts'
import { runDriver } from '../support/driver.ts'

/** A server of the Volumes API that the rows are tried on. */
export interface Target extends NomadCaller {
  readonly pluginID: string
  readonly isNomad: boolean
  /** Answers a definition that is there already as Nomad does. */
  readonly registersAsNomad: boolean
}

/**
 * The server at `MOORING_CONFORMANCE_ADDR`, over TLS, a unix socket or plainly, by the settings that every Nomad tool
 * takes from its environment; or, without it, one of our own over the driver.
 */
export function startTarget(environment: NodeJS.ProcessEnv): Promise<Target> {
  const address = environment.MOORING_CONFORMANCE_ADDR
  return address === undefined ? startOwn('page') : useOther(address, environment)
}

/** A server of our own over the driver. */
export async function startOwn(registration: Registration): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-conf-'))
  const driver = await runDriver(directory)
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(directory, 'server'),
    plugins: [{ id: 'disk', endpoint: driver.endpoint }],
    registration,
    log: silentLog,
  })
  const caller = createNomadCaller({ NOMAD_ADDR: server.url })
  return {
    pluginID: 'disk',
    isNomad: false,
    registersAsNomad: registration === 'nomad',
    call: caller.call,
    async close() {
      await caller.close()
      await server.close()
      await driver.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function useOther(address: string, environment: NodeJS.ProcessEnv): Promise<Target> {
  const caller = createNomadCaller({ ...environment, NOMAD_ADDR: address })
  const read = async <T>(path: string): Promise<T> => {
    const { status, text } = await caller.call({ method: 'GET', path })
    if (status !== 200) throw new Error(`${address}${path}: ${status} ${text}`)
    return JSON.parse(text)
  }
  const self = await read<{ config: { Version: { VersionMetadata: string } } }>('/v1/agent/self')
  const plugins = await read<{ ID: string; ControllersHealthy: number }[]>('/v1/plugins?type=csi')
  const pluginID =
    environment.MOORING_CONFORMANCE_PLUGIN ??
    plugins.find(({ ControllersHealthy }) => ControllersHealthy > 0)?.ID
  if (pluginID === undefined) throw new Error(`${address} has no healthy plugin with a controller`)
  const isNomad = self.config.Version.VersionMetadata !== 'mooring'
  return { pluginID, isNomad, registersAsNomad: isNomad, ...caller }
}
