/** The clients of the server: what they ask, and what they know by its answers. */
import { HttpFailure } from '../../../src/lib/http/http-client.ts'
import { nobody } from '../scheduler.ts'
import type { SimulatedPlugin } from '../world/plugin.ts'
import type { Answer, ServerHistory } from './history.ts'
import { type ClientRequest, describeRequest, writeRequest } from './requests.ts'
import type { ServerNetwork } from './server-network.ts'

/** As Mooring's own client has them. */
const writeTimeoutMs = 150_000
const readTimeoutMs = 15_000

export interface Clients {
  /** undefined: it knows too little to ask, or no answer came. */
  ask(request: ClientRequest): Promise<Answer | undefined>
}

export function createClients(options: {
  readonly network: ServerNetwork
  readonly history: ServerHistory
  readonly plugin: SimulatedPlugin
  readonly nodeID: () => string
}): Clients {
  const { network, history, plugin, nodeID } = options
  /** By volume: the latest claim that was answered. */
  const claims = new Map<string, string>()
  let index = 0
  let serial = 0

  const known = {
    externalIDOf: (volume: string) =>
      [...plugin.disks.values()].findLast(({ madeFor }) => madeFor === `default/${volume}`)?.externalID,
    claimOf: (volume: string) => claims.get(volume),
    get nodeID() {
      return nodeID()
    },
    get index() {
      return index
    },
  }

  return {
    async ask(request) {
      const call = writeRequest(request, known)
      if (call === undefined) return undefined
      serial += 1
      const id = serial
      history.record({ type: 'request sent', id, request, index })
      const waitMs = request.ask === 'wait' ? request.waitMs * 1.07 + 5000 : 0
      const timeoutMs = call.method === 'GET' ? readTimeoutMs + waitMs : writeTimeoutMs
      try {
        const { status, headers, text } = await network.send(nobody, {
          ...call,
          title: describeRequest(request),
          timeoutMs,
        })
        const shown = headers['x-nomad-index']
        const answer: Answer = { status, index: shown === undefined ? undefined : Number(shown), text }
        if (status === 200 && request.ask === 'claim') claims.set(request.volume, JSON.parse(text).ID)
        if (status === 200 && (request.ask === 'list' || request.ask === 'wait')) index = Number(shown)
        history.record({ type: 'request answered', id, request, answer })
        return answer
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error
        history.record({ type: 'request lost', id, request, wasSent: error.wasSent })
        return undefined
      }
    },
  }
}
