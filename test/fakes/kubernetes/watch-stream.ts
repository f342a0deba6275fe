import type { ServerResponse } from 'node:http'
import { ApiFailure, expired, statusOf } from './failure.ts'
import type { JsonObject, StoredObject } from './json.ts'
import { apiVersionOf, type ServedKind, tableOf } from './kinds.ts'
import type { Store } from './store.ts'

export interface WatchStream {
  /** Neither events nor bookmarks from here on; the connection stays. */
  freeze(): void
  /** Says that the version is too old, and ends. */
  expire(): void
  /** Writes something that is no event. */
  garble(): void
  end(): void
}

export interface WatchStreamOptions {
  readonly store: Store
  readonly kind: ServedKind
  readonly namespace: string | undefined
  readonly matches: (object: StoredObject) => boolean
  /** Empty or 0: begins with all there are. */
  readonly resourceVersion: string
  readonly timeoutSeconds: number | undefined
  /** undefined: none were asked for. */
  readonly bookmarkMs: number | undefined
  readonly onEnd: () => void
}

/** Streams the changes of a table to a response until either side ends it. */
export function startWatchStream(response: ServerResponse, options: WatchStreamOptions): WatchStream {
  const { store, kind, namespace, resourceVersion, bookmarkMs, timeoutSeconds } = options
  const table = tableOf(kind)
  const isMeant = (object: StoredObject | undefined) =>
    object !== undefined &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    options.matches(object)
  let sent = Number(resourceVersion || 0)
  let isFrozen = false

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const write = (type: string, object: JsonObject) => response.write(`${JSON.stringify({ type, object })}\n`)

  function pump() {
    if (isFrozen || response.writableEnded) return
    const changes = store.since(table, sent)
    if (!changes) return stream.expire()
    for (const { type, object, before, revision } of changes) {
      sent = revision
      const [was, is] = [isMeant(before), type !== 'DELETED' && isMeant(object)]
      // An object that enters or leaves what is selected comes or goes.
      if (is) write(was ? 'MODIFIED' : 'ADDED', object)
      else if (was && before)
        write(
          'DELETED',
          type === 'DELETED'
            ? object
            : {
                ...before,
                metadata: { ...before.metadata, resourceVersion: object.metadata.resourceVersion },
              },
        )
    }
  }

  function bookmark() {
    if (isFrozen || response.writableEnded) return
    sent = store.revision()
    write('BOOKMARK', {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      metadata: { resourceVersion: String(sent), creationTimestamp: null },
    })
  }

  const stream: WatchStream = {
    freeze() {
      isFrozen = true
    },
    expire() {
      if (response.writableEnded) return
      const failure = expired(`too old resource version: ${sent} (${store.revision()})`)
      write('ERROR', statusOf(failure))
      stream.end()
    },
    garble() {
      response.write('{"type":"ADDED","object":{"me\n')
    },
    end() {
      response.end()
    },
  }

  const unsubscribe = store.subscribe(table, pump)
  const timers = [
    ...(bookmarkMs === undefined ? [] : [setInterval(bookmark, bookmarkMs)]),
    ...(timeoutSeconds === undefined
      ? []
      : [
          setTimeout(() => {
            if (bookmarkMs !== undefined) bookmark()
            // A frozen one stays as a connection does whose other side is gone.
            if (!isFrozen) stream.end()
          }, timeoutSeconds * 1000),
        ]),
  ]
  response.once('close', () => {
    unsubscribe()
    for (const timer of timers) clearTimeout(timer)
    options.onEnd()
  })

  if (Number.isNaN(sent))
    throw new ApiFailure(400, 'BadRequest', `invalid resource version: ${resourceVersion}`)
  if (sent === 0) {
    sent = store.revision()
    for (const object of store.list(table)) if (isMeant(object)) write('ADDED', object)
  } else pump()
  return stream
}
