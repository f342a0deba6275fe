import type { NomadRequest } from '../helpers/nomad-caller.ts'
import { type Answer, ask, compare, type Difference, dividesStates, type Side } from './compare.ts'
import { decisionFor } from './expected.ts'

export interface Outcome {
  readonly requests: number
  /** How many differences each decision explains. */
  readonly explained: ReadonlyMap<string, number>
  readonly unexplained: readonly Difference[]
}

/** What was sent, and what Nomad answered. */
export interface Exchange {
  readonly request: NomadRequest
  readonly nomad: Answer
}

/** Nomad's answer to a request of the sequence that is under way; undefined: none was recorded, and the sequence ends. */
export type AskNomad = (request: NomadRequest, prefix: string) => Promise<Answer | undefined>

export interface Sequence {
  readonly requests: readonly NomadRequest[]
  readonly askNomad: AskNomad
  /** Takes away what it left. */
  end?(prefix: string): Promise<void>
}

/**
 * Sends sequences to our side, compares each answer with Nomad's, and explains what differs. A sequence ends where the
 * sides part.
 * @param seed tells the volumes of one run from those of others
 */
export async function runDifferential(
  ours: Side,
  sequences: readonly Sequence[],
  seed: number,
): Promise<Outcome> {
  const explained = new Map<string, number>()
  const unexplained: Difference[] = []
  let sent = 0
  for (const [at, { requests, askNomad, end }] of sequences.entries()) {
    const prefix = prefixOf(seed, at)
    for (const request of requests) {
      const nomad = await askNomad(request, prefix)
      if (nomad === undefined) break
      sent++
      const differences = compare(request, await ask(ours, request, prefix), nomad)
      for (const difference of differences) {
        const decision = decisionFor(difference)
        if (decision === undefined) unexplained.push(difference)
        else explained.set(decision, (explained.get(decision) ?? 0) + 1)
      }
      if (differences.some(dividesStates)) break
    }
    await end?.(prefix)
  }
  return { requests: sent, explained, unexplained }
}

const prefixOf = (seed: number, sequence: number) => `d${seed}-${sequence}-`

/** Takes away what a sequence may have left. */
export async function removeAll(side: Side, prefix: string): Promise<void> {
  const remove = (path: string) => side.call({ method: 'DELETE', path })
  for (const id of ['a', 'b', 'other'].map((name) => prefix + name)) {
    await remove(`/v1/volumes/snapshot?plugin_id=${side.pluginID}&snapshot_id=snap-snap-of-${id}`)
    await remove(`/v1/volume/csi/${id}/delete`)
    await remove(`/v1/volume/csi/${id}`)
  }
}

/** For people: each kind of difference once. */
export function describe({ unexplained }: Outcome): readonly string[] {
  const kinds = new Map<string, string>()
  for (const { request, place, ours, nomad, answers } of unexplained) {
    const kind = `${request.method} ${request.path}: ${place.replaceAll(/\[\d+\]/g, '[]')}`
    const body = request.body === undefined ? '' : ` ${JSON.stringify(request.body)}`
    const texts = Object.values(answers).filter(({ status }) => place === 'status' && status !== 200)
    const said = texts.map((answer) => ` (${answer.body})`).join('')
    kinds.set(kind, `${kind}: ours ${JSON.stringify(ours)}, Nomad ${JSON.stringify(nomad)}${said}${body}`)
  }
  return [...kinds.values()]
}
