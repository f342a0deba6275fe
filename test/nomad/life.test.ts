import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Cluster, patienceMs, startCluster } from './life/cluster.ts'
import { type Disturbance, disturbances } from './life/disturbances.ts'
import { type Cast, startCast } from './life/play.ts'
import { type Step, steps } from './life/steps.ts'
import { whySkipped } from './real-agent.ts'

const title = 'the life of volumes, by a real Nomad agent'

describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? title : `${title} (skipped: ${whySkipped})`,
  { timeout: 2 * patienceMs },
  () => {
    let agent: Cluster
    let cast: Cast
    const results = new Map<Step, Map<Disturbance, string>>()
    beforeAll(async () => {
      agent = await startCluster()
      cast = await startCast(
        steps.filter(({ claims }) => claims === undefined || agent.canClaim),
        agent,
      )
    }, patienceMs)
    afterAll(async () => {
      await cast?.close()
      await agent?.close()
      console.log(formatResults(results))
    }, patienceMs)

    describe.each(disturbances)('$title', (disturbance) => {
      const outcomes = new Map<Step, PromiseSettledResult<void>>()
      beforeAll(async () => {
        const playable = steps.filter(({ claims }) => claims === undefined || agent.canClaim)
        for (const act of [
          playable.filter(({ alone }) => alone === undefined),
          playable.filter(({ alone }) => alone),
        ]) {
          const settled = await cast.play(act, disturbance)
          for (const [index, step] of act.entries()) {
            const outcome = settled[index]
            if (outcome !== undefined) outcomes.set(step, outcome)
          }
        }
      }, 6 * patienceMs)

      it.for(steps)('$title', (step, test) => {
        const outcome = outcomes.get(step)
        const result = { fulfilled: 'passed', rejected: 'failed' }[outcome?.status ?? 'rejected']
        results.set(
          step,
          new Map([...(results.get(step) ?? []), [disturbance, outcome ? result : 'skipped']]),
        )
        test.skip(
          outcome === undefined,
          "Nomad's exec driver is not healthy here: it needs root and control groups",
        )
        if (outcome?.status === 'rejected') throw outcome.reason
      })
    })
  },
)

/** The table of what passed, in Markdown. */
function formatResults(results: ReadonlyMap<Step, ReadonlyMap<Disturbance, string>>): string {
  const rows = steps.map((step) => [
    step.title,
    ...disturbances.map((disturbance) => results.get(step)?.get(disturbance) ?? 'not run'),
  ])
  const head = ['step', ...disturbances.map((disturbance) => disturbance.title)]
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
