/** Lives through histories, one after another, and tells of each that goes wrong. */
import { parentPort, workerData } from 'node:worker_threads'
import { type FarSide, loadKind } from './far-side.ts'
import { type PlantedText, prepareModules } from './hooks.ts'
import type { Source } from './source.ts'

export interface Work {
  readonly farSide: FarSide
  readonly firstSeed: number
  /** Workers share the seeds: each takes every so many. */
  readonly step: number
  readonly histories: number
  readonly source: Source
  readonly planted: readonly PlantedText[]
  /** A history is passed over unless each of these matches something in its plan. */
  readonly needs: readonly RegExp[]
  /** Ends after the first history that goes wrong, and makes it no shorter. */
  readonly isPlanted: boolean
  readonly tellsAll: boolean
}

export type Report =
  | { readonly type: 'progress'; readonly histories: number; readonly events: number; readonly known: number }
  | {
      readonly type: 'violation'
      readonly seed: number
      readonly rule: string
      readonly text: string
      readonly story: string
    }
  | { readonly type: 'story'; readonly story: string; readonly traceHash: number }

const work = workerData as Work
const report = (what: Report) => parentPort?.postMessage(what)

const { unplanted } = prepareModules(work.planted)
const kind = await loadKind(work.farSide)
const { planHistory, runHistory, tellStory } = kind
const { shorten } = await import('./shorten.ts')
const { isKnown } = await import('./known-faults.ts')
const missing = unplanted()
if (missing.length > 0)
  throw new Error(`nothing loads ${missing.join(', ')}, so no fault can be planted there`)

/** Acts are matched one by one. */
const describe = (part: object) => JSON.stringify({ ...part, acts: undefined })

const reportEvery = 25
let known = 0
let events = 0
for (let count = 1; count <= work.histories; count += 1) {
  const seed = work.firstSeed + (count - 1) * work.step
  const plan = planHistory(seed, work.source)
  if (!work.needs.every((need) => [plan, ...plan.acts].some((part) => need.test(describe(part))))) continue
  const outcome = await runHistory(plan)
  events += outcome.events
  if (work.tellsAll) report({ type: 'story', story: tellStory(plan, outcome), traceHash: outcome.traceHash })
  const [violation] = outcome.violations
  // What is known of Mooring as it is says nothing about a fault that is planted.
  if (violation !== undefined && !work.isPlanted && isKnown(outcome.violations)) known += 1
  else if (violation !== undefined) {
    const { rule, text } = violation
    const shortest = work.isPlanted ? { plan, outcome } : await shorten(kind, plan, rule)
    report({ type: 'violation', seed, rule, text, story: tellStory(shortest.plan, shortest.outcome) })
  }
  const isOver = count === work.histories || (work.isPlanted && violation !== undefined)
  if (isOver || count % reportEvery === 0) {
    report({ type: 'progress', histories: count, events, known })
    known = 0
    events = 0
  }
  if (isOver) break
}
