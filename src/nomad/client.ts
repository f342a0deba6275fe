import type { Clock } from '../lib/clock.ts'
import type { VolumesApi } from '../plan/ports.ts'
import { createHttp } from './http.ts'
import { createVolumeReads, type VolumeReads } from './reads.ts'
import { createVariablesApi, type VariablesApi } from './variables.ts'
import { createVolumesApi } from './writes.ts'

export interface NomadClientOptions {
  /** Such as `https://127.0.0.1:4646`. */
  readonly address: string
  /** ACL secret ID or workload identity. Default: none, the anonymous policy. */
  readonly token?: string
  /** Default: the agent's own. */
  readonly region?: string
  readonly clock: Clock
  readonly timeouts?: {
    /** Of a write. Default 150 s: Nomad gives a plugin 2 min, and queues some calls before it. */
    readonly writeMs?: number
    /** Of a read of Nomad's own state, beyond what a blocking query waits, and of a write to Variables. Default 15 s. */
    readonly readMs?: number
    /** Of a list that the plugin answers. Default 60 s. */
    readonly pluginReadMs?: number
  }
}

/** Nomad's Volumes HTTP API, and its Variables. Retries nothing. */
export interface NomadClient extends VolumesApi, VolumeReads, VariablesApi {
  /** Cuts what is under way and frees the connections. */
  close(): Promise<void>
}

const defaultTimeouts = { writeMs: 150_000, readMs: 15_000, pluginReadMs: 60_000 }

/** @throws UsageError where the address is not one of an HTTP server */
export function createNomadClient(options: NomadClientOptions): NomadClient {
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const http = createHttp(options)
  return {
    ...createVolumeReads(http, timeouts),
    ...createVolumesApi(http, timeouts.writeMs),
    ...createVariablesApi(http, timeouts.readMs),
    close: http.close,
  }
}
