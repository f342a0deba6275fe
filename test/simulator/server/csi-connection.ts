/** The port of the plugin's client in the place of gRPC: the messages are encoded as on a wire, the wire is simulated. */
import { status } from '@grpc/grpc-js'
import { volumeKeysOf } from '../../../src/csi/call-slots.ts'
import type { Connect } from '../../../src/csi/connection.ts'
import { PluginError, type PluginErrorClass } from '../../../src/csi/plugin-error.ts'
import { nobody, type Owner, type Scheduler } from '../scheduler.ts'
import type { Network } from '../world/network.ts'
import { type createCsiPlugin, PluginRefusal, refusalOf } from './csi-plugin.ts'
import type { ServerHistory } from './history.ts'

export interface PluginSocket {
  /** Nobody listens. */
  isAway: boolean
  connect(owner: Owner): Connect
}

/** So long a plugin may work on after its caller gave up. */
const latestMs = 120_000

export function createPluginSocket(options: {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly chance: (name: string) => number
  readonly service: ReturnType<typeof createCsiPlugin>
  readonly history: ServerHistory
  /** Told of each call that reaches the plugin. */
  readonly onCall: () => void
}): PluginSocket {
  const { scheduler, network, chance, service, history, onCall } = options
  /** Operations that the plugin works on: another one on the same volume is refused, as CSI says. */
  const pending = new Set<string>()
  const socket: PluginSocket = {
    isAway: false,
    connect: (owner) => (connection) => {
      const { pluginID, onChange } = connection
      const closing = new AbortController()
      let isConnected = false
      return {
        close: () => closing.abort(),
        call(name, method, request, { timeoutMs, signal }) {
          const title = `${name} ${volumeKeysOf(request).join(' ')}`
          return new Promise<object>((resolve, reject) => {
            const fail = (code: status, details: string, errorClass?: PluginErrorClass) =>
              reject(
                new PluginError({ pluginID, method: name, code, details, ...(errorClass && { errorClass }) }),
              )
            if (closing.signal.aborted)
              return fail(status.UNAVAILABLE, 'this client is closed', 'retry-later')
            if (signal?.aborted) return fail(status.CANCELLED, 'given up', 'retry-later')
            const { weather, meets, latencyMs } = network
            if (socket.isAway || meets(weather.unreachable, `${title} does not arrive`)) {
              isConnected = false
              scheduler.after(owner, latencyMs(`no ${title}`), `no way for ${title}`, () => {
                fail(status.UNAVAILABLE, 'nothing answers', 'retry-later')
                onChange(false)
              })
              return
            }
            if (!isConnected) onChange(true)
            isConnected = true
            const end = () => {
              cancelDeadline()
              signal?.removeEventListener('abort', cancel)
            }
            const cancel = () => {
              end()
              fail(status.CANCELLED, 'the caller gave up')
            }
            signal?.addEventListener('abort', cancel)
            const cancelDeadline = scheduler.after(owner, timeoutMs, `deadline of ${title}`, () => {
              end()
              fail(status.DEADLINE_EXCEEDED, 'Deadline exceeded')
            })
            const answer = (give: () => void) => {
              scheduler.after(owner, latencyMs(title), `answer to ${title}`, () => {
                end()
                give()
              })
            }
            const keys = isAboutVolumes(name) ? volumeKeysOf(request) : []
            const isLost = meets(weather.lostAnswers, `${title} is lost`)
            const isLate = meets(weather.late, `${title} is late`)
            const isFailing = meets(weather.errors, `${title} fails`)
            const carryOut = () => {
              for (const key of keys) pending.delete(key)
              onCall()
              const give = work()
              // A restart of the plugin takes the answer with it.
              if (isLost) answer(() => fail(status.UNAVAILABLE, 'Connection dropped'))
              else if (!isLate) answer(give)
            }
            const work = (): (() => void) => {
              try {
                history.record({ type: 'plugin called', rpc: name, about: volumeKeysOf(request).join(' ') })
                const received = method.requestDeserialize(method.requestSerialize(request))
                const made = service.answers[name]?.(received as never)
                if (made === undefined) throw new PluginRefusal(status.UNIMPLEMENTED, `no ${name}`)
                const given = method.responseDeserialize(method.responseSerialize(made))
                return () => resolve(given)
              } catch (error) {
                const refusal = refusalOf(error)
                return () => fail(refusal.code, refusal.message)
              }
            }
            // Over one socket, in the order in which they are sent.
            scheduler.after(nobody, 0, 'a call arrives', () => {
              if (keys.some((key) => pending.has(key)))
                return answer(() => fail(status.ABORTED, 'an operation is pending for it'))
              if (isFailing) {
                const code =
                  failures[Math.floor(chance(`${title} fails with`) * failures.length)] ?? status.INTERNAL
                return answer(() => fail(code, 'it fails now'))
              }
              for (const key of keys) pending.add(key)
              const takesMs = isLate ? chance(`${title} late by`) * latestMs : latencyMs(`work of ${title}`)
              scheduler.after(nobody, takesMs, `${title} is carried out`, carryOut)
            })
          })
        },
      }
    },
  }
  return socket
}

/** What a plugin answers that has done nothing. */
const failures = [status.INTERNAL, status.ABORTED, status.RESOURCE_EXHAUSTED, status.UNAVAILABLE]

const isAboutVolumes = (name: string) => /Volume$|Snapshot$/.test(name) && !name.startsWith('List')
