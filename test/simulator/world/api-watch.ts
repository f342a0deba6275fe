import type { RequestInfo } from '../../../src/kube/failures.ts'
import { HttpFailure, type HttpStream } from '../../../src/lib/http/http-client.ts'
import { isRecord, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { type ServedKind, tableOf } from '../../fakes/kubernetes/kinds.ts'
import { createWatchFeed } from '../../fakes/kubernetes/watch-feed.ts'
import type { Owner } from '../scheduler.ts'
import type { Transport } from './api-transport.ts'

/** As a real one: one a minute. */
const bookmarkMs = 60_000

/**
 * A watch as the process at its end has it. Events come late, one after another. The connection may break, and it may
 * fall silent: then nothing comes any more, and nobody is told.
 * @throws ApiFailure where the version is none
 */
export function openWatch(
  owner: Owner,
  { scheduler, network, chance, server, onSeen }: Transport,
  watch: {
    readonly info: RequestInfo
    readonly kind: ServedKind
    readonly namespace: string | undefined
    readonly matches: (object: StoredObject) => boolean
    readonly resourceVersion: string
    readonly timeoutMs: number
    readonly signal: AbortSignal | undefined
  },
): HttpStream {
  const { store } = server
  const title = `watch ${watch.info.resource.plural}`
  const lines: string[] = []
  let end: 'ended' | HttpFailure | undefined
  let wake = () => {}
  let isSilent = false
  let isPumping = false
  let cancelBookmark = () => {}
  const stops: (() => void)[] = []

  const feed = createWatchFeed({
    ...watch,
    store,
    write(line) {
      lines.push(line)
      wake()
    },
  })

  function close(how: 'ended' | HttpFailure) {
    end ??= how
    for (const stop of stops.splice(0)) stop()
    wake()
  }

  const lose = (message: string, isInterrupted: boolean) =>
    close(new HttpFailure(message, { wasSent: true, isInterrupted, cause: undefined }))

  function pump() {
    if (end !== undefined || isSilent) return
    if (!feed.pump()) close('ended')
  }

  /** A change was stored. */
  function notice() {
    if (!owner.isAlive) return close('ended')
    if (isPumping || isSilent || end !== undefined) return
    if (network.meets(network.weather.lostNotices, `${title} breaks`)) {
      if (chance(`${title} falls silent`) < 0.5) isSilent = true
      else scheduler.after(owner, network.latencyMs(title), `${title} breaks`, () => lose('cut', false))
      return
    }
    isPumping = true
    scheduler.after(owner, network.latencyMs(title), `${title} brings`, () => {
      isPumping = false
      pump()
    })
  }

  function bookmark() {
    cancelBookmark = scheduler.after(owner, bookmarkMs, `${title} marks`, () => {
      pump()
      if (end !== undefined) return
      if (!isSilent) feed.bookmark()
      bookmark()
    })
  }

  const interrupt = () => lose('interrupted', true)
  stops.push(
    store.subscribe(tableOf(watch.kind), notice),
    server.onAway(() => {
      // Some connections are closed, and others are simply gone.
      if (chance(`${title} is closed`) < 0.3) isSilent = true
      else scheduler.after(owner, network.latencyMs(title), `${title} is closed`, () => lose('closed', false))
    }),
    scheduler.after(owner, watch.timeoutMs, `${title} is over`, () => {
      if (!isSilent) close('ended')
    }),
    () => watch.signal?.removeEventListener('abort', interrupt),
    () => cancelBookmark(),
  )
  watch.signal?.addEventListener('abort', interrupt)
  bookmark()
  notice()

  return {
    status: 200,
    header: () => undefined,
    text: async () => '',
    async *lines() {
      try {
        for (;;) {
          const line = lines.shift()
          if (line !== undefined) {
            see(line)
            yield line
          } else if (end === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          } else if (end === 'ended') return
          else throw end
        }
      } finally {
        close('ended')
      }
    },
  }

  function see(line: string) {
    const { object } = JSON.parse(line) as { object: unknown }
    const metadata = isRecord(object) ? object.metadata : undefined
    if (isRecord(metadata) && typeof metadata.uid === 'string') onSeen(owner, metadata.uid)
  }
}
