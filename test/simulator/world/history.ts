import type { StoredObject } from '../../fakes/kubernetes/json.ts'
import type { Violation } from '../checkers/checker.ts'

/** Who is behind an effect. */
export type Actor = 'Mooring' | 'a person' | 'Nomad'

/** One thing that really happened, as an onlooker sees it who knows all. Nothing here comes from Mooring's records. */
export type Happening =
  /** `at` is namespace/ID of the volume that it was made for. */
  | { type: 'disk made'; externalID: string; name: string; at: string; content: string }
  /** The plugin answered a create with a volume that was there before, because the name is the same. */
  | { type: 'disk given again'; externalID: string; name: string; at: string; blank: boolean }
  | { type: 'disk deleted'; externalID: string; by: Actor; isWritten: boolean }
  | { type: 'disk expanded'; externalID: string; sizeBytes: number }
  | { type: 'snapshot taken'; snapshotID: string; name: string; externalID: string; content: string }
  | { type: 'snapshot given again'; snapshotID: string; name: string }
  | { type: 'snapshot deleted'; snapshotID: string; by: Actor }
  | {
      type: 'volume stored'
      at: string
      externalID: string
      by: Actor
      isNew: boolean
      lost: readonly string[]
    }
  | { type: 'volume forgotten'; at: string; externalID: string; by: Actor }
  | { type: 'detached'; externalID: string; nodeID: string; isWritten: boolean }
  | { type: 'effect sent'; call: string; about: string; by: string }
  /** Its answer is lost, and it will be carried out. */
  | { type: 'effect under way'; call: string; about: string }
  | { type: 'effect carried out'; call: string; about: string; isChange: boolean }
  | { type: 'effect refused'; call: string; about: string }
  | { type: 'content written'; externalID: string }
  | { type: 'process started' | 'process killed'; process: string }
  | { type: 'text shown'; where: string; text: string }
  | { type: 'act'; text: string }
  | ({ type: 'object changed'; about: string; identity: string; uid: string } & ObjectChange)
  | { type: 'object write arrives'; about: string; by: string; what: string }

export interface ObjectChange {
  /** A process of Mooring, a person, or the API server itself. */
  readonly by: string
  readonly change:
    | 'made'
    | 'edited'
    | 'annotated'
    | 'deleted'
    | 'held by a finalizer'
    | 'let go by its finalizer'
    | 'given a status'
    | 'gone'
  readonly before: StoredObject | undefined
  readonly after: StoredObject | undefined
  /** Whether who changed it had ever seen this very object. */
  readonly isSeen: boolean
}

export type Happened = Happening & { readonly atMs: number }

export interface History {
  record(happening: Happening): void
  readonly all: readonly Happened[]
  /** Set by the judges. */
  onHappened: ((happened: Happened) => void) | undefined
  readonly violations: Violation[]
}

export function createHistory(nowMs: () => number): History {
  const all: Happened[] = []
  const history: History = {
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
