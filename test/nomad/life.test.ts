import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Disturbance, disturbances } from './disturbances.ts'
import { type Play, play } from './play.ts'
import { patienceMs, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'
import { type Step, steps } from './steps.ts'

const title = 'the life of volumes, by a real Nomad agent'

describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? title : `${title} (skipped: ${whySkipped})`,
  { timeout: 2 * patienceMs },
  () => {
    let agent: RealAgent
    const results = new Map<Step, Map<Disturbance, string>>()
    beforeAll(async () => {
      agent = await startRealAgent()
    }, patienceMs)
    afterAll(async () => {
      await agent?.close()
      console.log(formatResults(results))
    }, patienceMs)

    describe.each(disturbances)('$title', (disturbance) => {
      let played: Play
      const playable = () => steps.filter(({ claims }) => claims === undefined || agent.canClaim)
      beforeAll(async () => {
        played = await play(playable(), disturbance, agent)
      }, 3 * patienceMs)
      afterAll(() => played?.close(), patienceMs)

      it.for(steps)('$title', async (step, test) => {
        const note = (result: string) =>
          results.set(step, (results.get(step) ?? new Map()).set(disturbance, result))
        const end = played.ends.get(step)
        note(end === undefined ? 'skipped' : 'failed')
        test.skip(
          end === undefined,
          "Nomad's exec driver is not healthy here: it needs root and control groups",
        )
        await end
        note('passed')
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
