import { type Around, unobserved } from '../lib/around.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createEventReads, type EventReads } from './events.ts'
import { createHostVolumeCalls, type HostVolumeReads } from './host-volumes.ts'
import { createHttp, type Http, type HttpAnswer, type HttpRequest, type TransportOptions } from './http.ts'
import type { VolumesApi } from './ports.ts'
import { createVolumeReads, type VolumeReads } from './reads.ts'
import { createVariablesApi, type VariablesApi } from './variables.ts'
import { createVolumesApi } from './writes.ts'

export interface NomadClientOptions extends TransportOptions {
  /** Default: the region of the agent. */
  readonly region?: string
  /** Default: the system clock. */
  readonly clock?: Clock
  /** Runs around each request, for metrics and traces. */
  readonly aroundCall?: Around<NomadCall, HttpAnswer>
  readonly timeouts?: {
    /** For a write. Default 150 s: Nomad gives a plugin 2 min, and some calls wait in a queue first. */
    readonly writeMs?: number
    /** For a read of Nomad's own state, on top of the wait of a blocking query, and for a write of a Variable. Default 15 s. */
    readonly readMs?: number
    /** For a list that a plugin answers. Default 60 s. */
    readonly pluginReadMs?: number
  }
}

/** What metrics and traces may show of a request. Parameters and secrets are not among it. */
export type NomadCall = Pick<HttpRequest, 'operation' | 'method'>

/** A client of Nomad's Volumes HTTP API, host volumes, Variables and events. It retries nothing. */
export interface NomadClient extends VolumesApi, VolumeReads, HostVolumeReads, VariablesApi, EventReads {
  /** Cuts all requests and frees the connections. */
  close(): Promise<void>
}

const defaultTimeouts = { writeMs: 150_000, readMs: 15_000, pluginReadMs: 60_000 }

/** @throws UsageError where the address or a file cannot be used */
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
    ...createHostVolumeCalls(http, timeouts),
    ...createVariablesApi(http, timeouts.readMs),
    ...createEventReads(http, timeouts.readMs),
    close: bare.close,
  }
}
