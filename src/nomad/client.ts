import { type Around, unobserved } from '../lib/around.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createEventReads, type EventReads } from './events.ts'
import { createHttp, type Http, type HttpAnswer, type HttpRequest, type TransportOptions } from './http.ts'
import type { VolumesApi } from './ports.ts'
import { createVolumeReads, type VolumeReads } from './reads.ts'
import { createVariablesApi, type VariablesApi } from './variables.ts'
import { createVolumesApi } from './writes.ts'

export interface NomadClientOptions extends TransportOptions {
  /** Default: the agent's own. */
  readonly region?: string
  /** Default: the system's. */
  readonly clock?: Clock
  /** Goes around each request. */
  readonly aroundCall?: Around<NomadCall, HttpAnswer>
  readonly timeouts?: {
    /** Of a write. Default 150 s: Nomad gives a plugin 2 min, and queues some calls before it. */
    readonly writeMs?: number
    /** Of a read of Nomad's own state, beyond what a blocking query waits, and of a write to Variables. Default 15 s. */
    readonly readMs?: number
    /** Of a list that the plugin answers. Default 60 s. */
    readonly pluginReadMs?: number
  }
}

/** What may be told of a request: of its parameters and its secrets nothing. */
export type NomadCall = Pick<HttpRequest, 'operation' | 'method'>

/** Nomad's Volumes HTTP API, its Variables and its events. Retries nothing. */
export interface NomadClient extends VolumesApi, VolumeReads, VariablesApi, EventReads {
  /** Cuts what is under way and frees the connections. */
  close(): Promise<void>
}

const defaultTimeouts = { writeMs: 150_000, readMs: 15_000, pluginReadMs: 60_000 }

/** @throws UsageError where the address or a file is not what it has to be */
export function createNomadClient({ clock = systemClock, ...options }: NomadClientOptions): NomadClient {
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const { aroundCall = unobserved } = options
  const bare = createHttp({ ...options, clock })
  const http: Http = {
    ...bare,
    send(request) {
      const { operation, method } = request
      return aroundCall({ operation, method }, () => bare.send(request))
    },
  }
  return {
    ...createVolumeReads(http, timeouts),
    ...createVolumesApi(http, timeouts.writeMs),
    ...createVariablesApi(http, timeouts.readMs),
    ...createEventReads(http, timeouts.readMs),
    close: bare.close,
  }
}
