import type { SimulatedPlugin } from '../world/plugin.ts'
import type { NodeService } from './csi-plugin.ts'
import type { Answer, ServerHappened, ServerHistory } from './history.ts'
import type { ClientRequest } from './requests.ts'

/** All that an onlooker knows. Nothing of it is what the server believes. */
export interface ServerView {
  readonly nowMs: number
  readonly plugin: SimulatedPlugin
  readonly node: NodeService
  readonly history: ServerHistory
}

/** Judges each thing that happens by one sentence. */
export interface ServerChecker {
  readonly rule: string
  /** @returns what is wrong, for people */
  judge(happened: ServerHappened, view: ServerView): string | undefined
}

/** A request with what became of it. */
export interface Exchange {
  readonly id: number
  readonly request: ClientRequest
  readonly index: number
  readonly sentMs: number
  /** When it can no longer have an effect; infinite: nobody knows. */
  readonly endMs: number
  /** undefined: none came, or none yet. */
  readonly answer: Answer | undefined
}

type Of<Type extends ServerHappened['type']> = Extract<ServerHappened, { type: Type }>

export function pastOf<Type extends ServerHappened['type']>(view: ServerView, type: Type): Of<Type>[] {
  return view.history.all.filter((each): each is Of<Type> => each.type === type)
}

/** All requests so far, in the order in which they were sent. */
export function exchangesOf(view: ServerView): Exchange[] {
  const answers = new Map(pastOf(view, 'request answered').map((each) => [each.id, each]))
  const losses = new Map(pastOf(view, 'request lost').map((each) => [each.id, each]))
  return pastOf(view, 'request sent').map(({ id, request, index, atMs: sentMs }) => {
    const answered = answers.get(id)
    const lost = losses.get(id)
    // A create that fails may be replayed until its outcome is known.
    const isOpen = answered === undefined || answered.answer.status >= 500
    const neverSent = lost !== undefined && !lost.wasSent
    const endMs = neverSent ? sentMs : isOpen ? Number.POSITIVE_INFINITY : answered.atMs
    return { id, request, index, sentMs, endMs, answer: answered?.answer }
  })
}

export const volumeOf = (request: ClientRequest) => ('volume' in request ? request.volume : undefined)

/** IDs of the volumes that may name a disk: the one that it was made for, and those that were registered with it. */
export function namesOf(externalID: string, view: ServerView): ReadonlySet<string> {
  const madeFor = (view.plugin.disks.get(externalID) ?? view.plugin.deleted.get(externalID))?.madeFor ?? ''
  const own = madeFor.slice(madeFor.indexOf('/') + 1)
  const others = exchangesOf(view).flatMap(({ request }) =>
    request.ask === 'register' && request.of === own ? [request.volume] : [],
  )
  return new Set([own, ...others])
}
