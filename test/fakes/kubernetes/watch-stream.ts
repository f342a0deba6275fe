import type { ServerResponse } from 'node:http'
import type { StoredObject } from './json.ts'
import { type ServedKind, tableOf } from './kinds.ts'
import type { Store } from './store.ts'
import { createWatchFeed } from './watch-feed.ts'

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
  const { store, kind, bookmarkMs, timeoutSeconds } = options
  let isFrozen = false

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const isQuiet = () => isFrozen || response.writableEnded

  function pump() {
    if (!isQuiet() && !feed.pump()) stream.end()
  }

  function bookmark() {
    if (!isQuiet()) feed.bookmark()
  }

  const stream: WatchStream = {
    freeze() {
      isFrozen = true
    },
    expire() {
      if (response.writableEnded) return
      feed.expire()
      stream.end()
    },
    garble() {
      response.write('{"type":"ADDED","object":{"me\n')
    },
    end() {
      response.end()
    },
  }

  const unsubscribe = store.subscribe(tableOf(kind), pump)
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

  const feed = createWatchFeed({ ...options, write: (line) => response.write(`${line}\n`) })
  pump()
  return stream
}
