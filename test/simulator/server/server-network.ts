/** The way between clients and the server: requests and answers that may be slow, lost or cut. */
import { HttpFailure } from '../../../src/lib/http/http-client.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import { nobody } from '../scheduler.ts'
import type { Network } from '../world/network.ts'
import type { ServerAnswer, ServerProcess, ServerRequest } from './server-process.ts'

export interface ServerCall extends Omit<ServerRequest, 'signal'> {
  /** For the trace. */
  readonly title: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface ServerNetwork {
  /** @throws HttpFailure where no whole answer comes */
  send(client: Owner, call: ServerCall): Promise<ServerAnswer>
  /** Connections break when their process dies. */
  cut(process: Owner): void
}

export function createServerNetwork(options: {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly chance: (name: string) => number
  readonly server: () => ServerProcess | undefined
}): ServerNetwork {
  const { scheduler, network, chance, server } = options
  /** What to do when a process dies. */
  const open = new Map<Owner, Set<() => void>>()

  return {
    cut(process) {
      const breaks = open.get(process) ?? []
      open.delete(process)
      for (const each of [...breaks]) each()
    },
    send(client, { title, timeoutMs, signal, ...request }) {
      const { weather, meets, latencyMs } = network
      return new Promise((resolve, reject) => {
        const gone = new AbortController()
        let isOver = false
        let wasSent = false
        const end = (give: () => void) => {
          if (isOver) return
          isOver = true
          cancelTimeout()
          signal?.removeEventListener('abort', interrupt)
          give()
        }
        const fail = (text: string, isInterrupted = false) =>
          end(() => {
            reject(new HttpFailure(text, { wasSent, isInterrupted, cause: undefined }))
            // The server notices a little later that nobody waits.
            if (wasSent)
              scheduler.after(nobody, latencyMs('notice'), `${title} is given up`, () => gone.abort())
          })
        const interrupt = () => fail('interrupted', true)
        const cancelTimeout = scheduler.after(client, timeoutMs, `no answer to ${title}`, () =>
          fail(`no answer within ${timeoutMs / 1000} s`),
        )
        if (signal?.aborted) return interrupt()
        signal?.addEventListener('abort', interrupt)
        const toClient = (text: string, give: () => void) =>
          scheduler.after(client, latencyMs(title), text, give)

        if (meets(weather.unreachable, `${title} does not arrive`)) {
          toClient(`no way for ${title}`, () => fail('no route'))
          return
        }
        const isLost = meets(weather.lostAnswers, `${title} is lost`)
        const isLate = meets(weather.late, `${title} is late`)
        const arrive = () => {
          const process = server()
          const answer = process?.owner.isAlive ? process.answer() : undefined
          if (process === undefined || answer === undefined) {
            toClient(`refusal of ${title}`, () => fail('connection refused'))
            return
          }
          wasSent = true
          const breaks = open.get(process.owner) ?? new Set()
          open.set(process.owner, breaks)
          const breakOff = () => toClient(`end of ${title}`, () => fail('the connection was lost'))
          breaks.add(breakOff)
          scheduler.after(process.owner, 0, title, () => {
            void answer({ ...request, signal: gone.signal }).then((given) => {
              breaks.delete(breakOff)
              if (isLost) breakOff()
              else toClient(`answer to ${title}`, () => end(() => resolve(given)))
            })
          })
        }
        if (isLate) {
          wasSent = true
          toClient(`end of ${title}`, () => fail('the connection was lost'))
        }
        const delayMs = isLate ? chance(`${title} late by`) * 60_000 : latencyMs(`${title} on its way`)
        scheduler.after(nobody, delayMs, `${title} arrives`, arrive)
      })
    },
  }
}
