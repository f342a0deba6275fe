import { classifyAnswer, classifyLostAnswer, type Purpose } from '../../../src/nomad/error-table.ts'
import { nomadAnswers } from '../../builders/nomad-answers.ts'
import { pick } from '../random.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import { nobody } from '../scheduler.ts'

/** What goes wrong now, each as the share of the calls that it meets. */
export interface Weather {
  /** The request never arrives. */
  unreachable: number
  /** Nobody takes changes: the connection is refused at once. */
  refused: number
  /** It is carried out, and nobody hears of it. */
  lostAnswers: number
  /** Its answer is lost, and it is carried out up to two minutes later. */
  late: number
  /** Answered with one of Nomad's errors; where the text leaves open whether it was carried out, it may have been. */
  errors: number
  /** Nomad's leader is lost between the plugin's answer and the store: the provider has done it, and Nomad knows nothing. */
  leaderLost: number
  /** Answers take up to half a minute. */
  slow: number
  /** A change wakes nobody who watches. */
  lostNotices: number
  /** The disk or the store of the inventory takes nothing. */
  storeFull: number
}

export const calm: Weather = {
  unreachable: 0,
  refused: 0,
  lostAnswers: 0,
  late: 0,
  errors: 0,
  leaderLost: 0,
  slow: 0,
  lostNotices: 0,
  storeFull: 0,
}

export interface Call<Result> {
  /** The operation, such as `create volume`. */
  readonly title: string
  /** What it is about, such as `default/a`. */
  readonly about: string
  /** `read`: it changes nothing. */
  readonly type: Purpose['type']
  readonly signal?: AbortSignal | undefined
  /** Whether Nomad answers, with errors of its own. Default true. */
  readonly isNomad?: boolean
  /** Told that it will be carried out later, though its answer is lost. */
  readonly onLate?: () => void
  /** Does it, at the moment when it arrives. */
  readonly work: () => Result
}

/** Bad weather is no plugin that lies: none says of an external volume that it is gone while it is there. */
const answersOfBadWeather = (purpose: Purpose) =>
  nomadAnswers.filter(
    ([, status, text]) => classifyAnswer(status, text, purpose).reason !== 'ExternalVolumeNotFound',
  )

/** Nomad gives a plugin two minutes, whoever still waits. */
const latestMs = 120_000
/** How long a client waits for an answer. */
const deadlineMs = 150_000

export function createNetwork(scheduler: Scheduler, chance: (name: string) => number) {
  const network = {
    weather: calm,
    /** How long something takes, in milliseconds: mostly little, sometimes long. */
    latencyMs(name: string): number {
      const draw = chance(`${name} takes`)
      if (network.meets(network.weather.slow, `${name} is slow`)) return draw * 30_000
      return draw < 0.9 ? draw * 20 : (draw - 0.9) * 20_000
    },
    meets: (share: number, name: string) => share > 0 && chance(name) < share,
    /** Sends a request to the other side. Neither the request nor its answer need arrive. */
    call<Result>(owner: Owner, call: Call<Result>): Promise<Result> {
      const { title, about, type, signal, work, isNomad = true, onLate } = call
      const name = `${title} ${about}`
      const { weather, meets, latencyMs } = network
      const purpose: Purpose = { title: name, type }
      return new Promise((resolve, reject) => {
        const interrupt = () => reject(classifyLostAnswer(signal?.reason, true, 'interrupted', purpose))
        if (signal?.aborted) return interrupt()
        signal?.addEventListener('abort', interrupt)
        const answer = (delayMs: number, give: () => void) =>
          scheduler.after(owner, delayMs, `answer to ${name}`, () => {
            signal?.removeEventListener('abort', interrupt)
            give()
          })
        const lose = (wasSent: boolean) => {
          const waitMs = chance(`${name} is cut`) < 0.5 ? deadlineMs : latencyMs(name)
          answer(waitMs, () => reject(classifyLostAnswer(undefined, wasSent, 'no answer', purpose)))
        }
        const quietly = () => {
          try {
            work()
          } catch {
            // It is the answer of the other side, and nobody hears of it.
          }
        }
        if (meets(weather.unreachable, `${name} does not arrive`)) return lose(false)
        if (type !== 'read') {
          if (isNomad && meets(weather.refused, `${name} is refused`)) {
            answer(latencyMs(name), () =>
              reject(classifyLostAnswer(undefined, false, 'connection refused', purpose)),
            )
            return
          }
          if (meets(weather.late, `${name} is late`)) {
            onLate?.()
            scheduler.after(nobody, chance(`${name} late by`) * latestMs, `late ${name}`, quietly)
            return lose(true)
          }
          if (isNomad && meets(weather.errors, `${name} fails`)) {
            const [, status, text] = pick(() => chance(`${name} fails with`), answersOfBadWeather(purpose))
            const error = classifyAnswer(status, text, purpose)
            if (error.kind === 'ambiguous' && chance(`${name} is done`) < 0.5) quietly()
            answer(latencyMs(name), () => reject(error))
            return
          }
        }
        const isLost = meets(weather.lostAnswers, `${name} is lost`)
        const arrive = () => {
          let give: () => void
          try {
            const result = work()
            give = () => resolve(result)
          } catch (error) {
            give = () => reject(error)
          }
          if (isLost) lose(true)
          else answer(latencyMs(name), give)
        }
        scheduler.after(nobody, latencyMs(name), name, arrive)
      })
    },
  }
  return network
}

export type Network = ReturnType<typeof createNetwork>
