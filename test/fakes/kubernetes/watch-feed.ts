import { ApiFailure, expired, statusOf } from './failure.ts'
import type { JsonObject, StoredObject } from './json.ts'
import { apiVersionOf, type ServedKind, tableOf } from './kinds.ts'
import type { Store } from './store.ts'

/** What a watch sends, without its transport. */
export interface WatchFeed {
  /** Writes the changes since the last ones. @returns false: the version is too old, which was said, and nothing follows */
  pump(): boolean
  bookmark(): void
  /** Says that the version is too old. */
  expire(): void
}

/**
 * @param write one event as a line, without its end
 * @throws ApiFailure 400 where the version is none
 */
export function createWatchFeed(options: {
  readonly store: Store
  readonly kind: ServedKind
  readonly namespace: string | undefined
  readonly matches: (object: StoredObject) => boolean
  /** Empty or 0: begins with all there are. */
  readonly resourceVersion: string
  readonly write: (line: string) => void
}): WatchFeed {
  const { store, kind, namespace, resourceVersion } = options
  const table = tableOf(kind)
  const isMeant = (object: StoredObject | undefined) =>
    object !== undefined &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    options.matches(object)
  const write = (type: string, object: JsonObject) => options.write(JSON.stringify({ type, object }))
  let sent = Number(resourceVersion || 0)
  if (Number.isNaN(sent))
    throw new ApiFailure(400, 'BadRequest', `invalid resource version: ${resourceVersion}`)

  const feed: WatchFeed = {
    pump() {
      if (sent === 0) {
        sent = store.revision()
        for (const object of store.list(table)) if (isMeant(object)) write('ADDED', object)
      }
      const changes = store.since(table, sent)
      if (!changes) {
        feed.expire()
        return false
      }
      for (const { type, object, before, revision } of changes) {
        sent = revision
        const [was, is] = [isMeant(before), type !== 'DELETED' && isMeant(object)]
        // An object that enters or leaves what is selected comes or goes.
        if (is) write(was ? 'MODIFIED' : 'ADDED', object)
        else if (was && before) write('DELETED', type === 'DELETED' ? object : leaving(before, object))
      }
      return true
    },
    bookmark() {
      sent = store.revision()
      write('BOOKMARK', {
        kind: kind.kind,
        apiVersion: apiVersionOf(kind),
        metadata: { resourceVersion: String(sent), creationTimestamp: null },
      })
    },
    expire() {
      write('ERROR', statusOf(expired(`too old resource version: ${sent} (${store.revision()})`)))
    },
  }
  return feed
}

const leaving = (before: StoredObject, { metadata: { resourceVersion } }: StoredObject): StoredObject => ({
  ...before,
  metadata: { ...before.metadata, resourceVersion },
})
