import type { Violation } from '../checkers/checker.ts'
import type { Happening } from '../world/history.ts'
import type { ClientRequest } from './requests.ts'

/** What happens only where the far side is the server. */
type ServerHappening =
  /** `index`: what a `wait` waits for to be passed. */
  | { type: 'request sent'; id: number; request: ClientRequest; index: number }
  /** The client knows the answer now. */
  | { type: 'request answered'; id: number; request: ClientRequest; answer: Answer }
  /** The client gave up, or the connection broke. */
  | { type: 'request lost'; id: number; request: ClientRequest; wasSent: boolean }
  | { type: 'plugin called'; rpc: string; about: string }
  | { type: 'attached' | 'taken off'; externalID: string }
  | { type: 'mounted'; externalID: string; target: string; isReadOnly: boolean }
  | { type: 'unmounted'; externalID: string; target: string; by: 'the server' | 'the machine' }
  | { type: 'server listens'; process: string }
  | { type: 'power cut' }
  /** From then on memory is ahead of the disk, and the server says so to who writes. */
  | { type: 'sync failed' }

export interface Answer {
  readonly status: number
  /** X-Nomad-Index; undefined: the answer has none. */
  readonly index: number | undefined
  readonly text: string
}

export type ServerHappened = (Happening | ServerHappening) & { readonly atMs: number }

export interface ServerHistory {
  record(happening: Happening | ServerHappening): void
  readonly all: readonly ServerHappened[]
  /** Set by the judges. */
  onHappened: ((happened: ServerHappened) => void) | undefined
  readonly violations: Violation[]
}

export function createServerHistory(nowMs: () => number): ServerHistory {
  const all: ServerHappened[] = []
  const history: ServerHistory = {
    all,
    violations: [],
    onHappened: undefined,
    record(happening) {
      const happened = { ...happening, atMs: nowMs() }
      all.push(happened)
      history.onHappened?.(happened)
    },
  }
  return history
}
