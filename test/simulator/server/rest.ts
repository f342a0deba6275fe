import type { State } from '../../../src/server/state/state.ts'
import { exchangesOf, namesOf, type ServerView } from './checker.ts'
import { pluginID, volumeSecret } from './requests.ts'

type Finding = readonly [rule: string, text: string]

/** The most events of a quiet hour: probes of the plugin, twice a minute. */
const quietEventsPerHour = 4_000

/** Claims whose allocation has ended without giving them back: a person has to free them. */
export const claimsToFree = (state: State): readonly { volume: string; claim: string }[] =>
  state.csi_claims
    .list()
    .flatMap(({ id, volumeID, clientStatus }) =>
      clientStatus === 'lost' || clientStatus === 'failed' ? [{ volume: volumeID, claim: id }] : [],
    )

/** Judges the end of a history: nothing has gone wrong for long, and nobody asked for anything. */
export function judgeServerRest(rest: {
  readonly view: ServerView
  /** undefined: the server does not listen. */
  readonly state: State | undefined
  readonly eventsPerHour: number
  readonly diskBytes: Uint8Array
}): Finding[] {
  const { view, state, eventsPerHour, diskBytes } = rest
  if (state === undefined)
    return [['liveness', 'the server does not listen, though nothing has gone wrong for long']]
  const findings: Finding[] = []
  const find = (rule: string, text: string | undefined) => {
    if (text !== undefined) findings.push([rule, text])
  }
  const unfinished = [
    ...state.csi_creates.list().map(({ definition }) => `the create of ${definition.id}`),
    ...state.csi_deletes.list().map(({ id }) => `the delete of ${id}`),
    ...state.csi_claims
      .list()
      .flatMap(({ id, clientStatus }) => (clientStatus === 'pending' ? [`claim ${id}`] : [])),
  ]
  if (unfinished.length > 0)
    find('liveness: what was begun is finished', `${unfinished.join(', ')} is unfinished`)
  if (eventsPerHour > quietEventsPerHour)
    find('8: no hot loop', `${Math.round(eventsPerHour)} events in a quiet hour`)
  find('1: no external volume is forgotten', judgeForgotten(view, state))
  find('4: no record without its volume', judgeLost(view, state))
  find('5: nothing is mounted without a claim', judgeMounts(view, state))
  if (Buffer.from(diskBytes).includes(volumeSecret))
    find('7: no secret on the disk', 'a secret stands on the disk')
  return findings
}

function judgeForgotten(view: ServerView, state: State): string | undefined {
  const recorded = new Set(state.csi_volumes.list().map(({ externalID }) => externalID))
  const exchanges = exchangesOf(view)
  for (const { externalID, madeFor, madeAtMs } of view.plugin.disks.values()) {
    if (recorded.has(externalID)) continue
    const names = namesOf(externalID, view)
    const isKnown = exchanges.some(({ request, endMs, answer }) => {
      if (!('volume' in request) || !names.has(request.volume) || endMs < madeAtMs) return false
      if (request.ask === 'deregister' || request.ask === 'delete') return true
      // Whoever asked for it was told that it failed, and may repeat it.
      return request.ask === 'create' && answer !== undefined && answer.status >= 400
    })
    if (!isKnown) return `${externalID} was made for ${madeFor}, and the server knows nothing of it`
  }
  return undefined
}

function judgeLost(view: ServerView, state: State): string | undefined {
  const exchanges = exchangesOf(view)
  for (const { id, externalID } of state.csi_volumes.list()) {
    if (view.plugin.disks.has(externalID)) continue
    const names = namesOf(externalID, view)
    const isTold = exchanges.some(
      ({ request, answer }) =>
        request.ask === 'delete' && names.has(request.volume) && answer !== undefined && answer.status >= 500,
    )
    if (!isTold) return `volume ${id} names ${externalID}, which the server has deleted, and nobody was told`
  }
  return undefined
}

function judgeMounts(view: ServerView, state: State): string | undefined {
  const claims = state.csi_claims.list()
  for (const [target, { externalID }] of view.node.mounts) {
    const isClaimed = claims.some(({ targetPath }) => targetPath === target)
    if (!isClaimed) return `${externalID} is mounted at ${target}, and no claim says so`
  }
  for (const externalID of view.node.attached) {
    if (!view.plugin.disks.has(externalID)) continue
    const isClaimed = claims.some(({ volumeID, namespace }) => {
      const volume = state.csi_volumes.get(`${namespace}/${volumeID}`)
      return volume?.pluginID === pluginID && volume.externalID === externalID
    })
    const isForced = exchangesOf(view).some(
      ({ request }) =>
        request.ask === 'deregister' && request.isForced && namesOf(externalID, view).has(request.volume),
    )
    if (!isClaimed && !isForced) return `${externalID} is attached to the node, and no claim says so`
  }
  return undefined
}
